"""The environment in which Airflow runs, and its metadata database."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from carepath.desk.people import custom_roles
from carepath.errors import WarehouseError
from carepath.service.metadata import next_night
from carepath.settings import ENCRYPTED, PROJECT_ROOT, get_settings
from carepath.site.directory import client_secret, read_directory
from carepath.warehouse import ready
from carepath.warehouse.connect import connect, url
from carepath.warehouse.passwords import password

DAG_FILE = PROJECT_ROOT / "dags" / "nightly_load.py"
# set for a night from the command line: the file that takes the output of all its tasks
NIGHT_LOG = "CAREPATH_NIGHT_LOG"
SIGN_IN_FILE = Path(__file__).with_name("airflow_sign_in.py")
SESSION_MINUTES = 600
VISIBILITY_SECONDS = 6 * 3600


def environment() -> dict[str, str]:
    """Return the environment in which every Airflow process runs."""
    settings = get_settings()
    home = settings.home / "airflow"
    logs = settings.logs / "airflow"
    port = settings.airflow_port
    config = {
        "CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__FERNET_KEY": _fernet_key(),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__PARALLELISM": "8",
        "CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
        "API__BASE_URL": settings.pages_url,
        "API__EXPOSE_CONFIG": "False",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__SECRET_KEY": password("airflow_api_secret"),
        "API__WORKERS": "1",
        "API_AUTH__JWT_SECRET": password("airflow_jwt_secret"),
        "DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "DATABASE__SQL_ALCHEMY_CONN": url("airflow_meta", "airflow", driver="psycopg2"),
        "DATABASE__SQL_ALCHEMY_CONN_ASYNC": url("airflow_meta", "airflow", driver="asyncpg"),
        "FAB__CUSTOM_ROLES": custom_roles(),
        "LOGGING__BASE_LOG_FOLDER": str(logs),
        "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
        **_sign_in(),
        **_workers(),
    }
    return {
        **os.environ,
        **{f"AIRFLOW__{key}": value for key, value in config.items()},
        "AIRFLOW_HOME": str(home),
        "CAREPATH_HOME": str(settings.home),
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "False",
        "SCARF_ANALYTICS": "false",
    }


def initialise() -> None:
    """Make Airflow's home and update its metadata database. Quick if there is nothing to do.

    Raises:
        WarehouseError: Airflow's migration failed; the message names the log.
    """
    ready()
    settings = get_settings()
    (settings.home / "airflow").mkdir(parents=True, exist_ok=True)
    (settings.logs / "airflow").mkdir(parents=True, exist_ok=True)
    marker = settings.home / "airflow" / "migrated"
    wanted = version("apache-airflow")
    if marker.exists() and marker.read_text() == wanted and _metadata_exists():
        return
    airflow(("db", "migrate"), log=settings.logs / "airflow" / "migrate.log")
    marker.write_text(wanted)


def leave_out_missed_nights() -> None:
    """Let Airflow work out its next night again, if the one that it has noted is past.

    Call it before a scheduler starts, because the scheduler would begin the night that is noted.

    Raises:
        WarehouseError: Airflow failed; the message names the log.
    """
    noted = next_night()
    if noted is not None and noted < dt.datetime.now(dt.UTC):
        airflow(("dags", "reserialize"), log=get_settings().logs / "airflow" / "reserialize.log")


def airflow(arguments: Sequence[str], *, log: Path) -> None:
    """Run one command of Airflow's own command line, its output appended to a log.

    Raises:
        WarehouseError: it failed; the message names the log.
    """
    with log.open("ab") as output:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise WarehouseError(
            f"The command `airflow {' '.join(arguments[:2])}` failed.",
            where="Airflow",
            todo=f"read {log}.",
        )


def check_sign_in() -> None:
    """Refuse to start Airflow's pages if nobody could sign in with the council's directory.

    Raises:
        SettingsError: directory.yml is not valid, or its secret is missing.
    """
    if read_directory() is not None:
        client_secret()


def _sign_in() -> dict[str, str]:
    """Return how people sign in, and for how long."""
    with_tls = {
        # what the web server in front says of the caller's address, and that it is encrypted
        "FAB__ENABLE_PROXY_FIX": "True",
        "FAB__COOKIE_SECURE": "True",
    }
    return {
        "FAB__CONFIG_FILE": str(SIGN_IN_FILE),
        # an open page keeps a session alive for ever, also of a person who has left a group
        "FAB__SESSION_MAX_LIFETIME_MINUTES": str(SESSION_MINUTES),
        **(with_tls if get_settings().pages_url.startswith("https://") else {}),
    }


def _workers() -> dict[str, str]:
    """Return how steps reach the workers of other machines, if there are any."""
    broker = get_settings().broker_url
    if broker is None:
        return {}
    address = broker.get_secret_value()
    # without it Celery encrypts, but believes whoever answers
    with_tls = {"CELERY__SSL_ACTIVE": "True", "CELERY__SSL_MUTUAL_TLS": "False"}
    return {
        **(with_tls if urlsplit(address).scheme in ENCRYPTED else {}),
        "CORE__EXECUTOR": "CeleryExecutor",
        "CELERY__BROKER_URL": address,
        "CELERY__RESULT_BACKEND": "db+" + url("airflow_meta", "airflow", driver="psycopg2"),
        "CELERY__WORKER_CONCURRENCY": "2",
        # a step that a dead worker kept is handed out again after the longest night, not during it
        "CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": str(VISIBILITY_SECONDS),
    }


def _metadata_exists() -> bool:
    with connect("airflow_meta", "airflow") as connection:
        row = connection.execute("select to_regclass('public.dag_run')").fetchone()
    return row is not None and row[0] is not None


def _fernet_key() -> str:
    digest = hashlib.sha256(password("airflow_fernet_key").encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()
