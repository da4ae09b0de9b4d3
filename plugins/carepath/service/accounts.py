"""The accounts of Airflow's pages."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Callable

from carepath.errors import WarehouseError
from carepath.service.configuration import environment
from carepath.settings import get_settings
from carepath.site.directory import read_directory
from carepath.warehouse.connect import connect


def make_admin(progress: Callable[[str], None], chosen: str | None = None) -> str | None:
    """Make the account `admin` of Airflow's pages, unless there is an account or a directory.

    Args:
        progress: called with a line about what happens.
        chosen: its password; by default a generated one.

    Returns:
        The password of the account that was made, or None.

    Raises:
        WarehouseError: the account could not be made; the message names the log.
    """
    if read_directory() is not None:
        return None
    with connect("airflow_meta", "airflow") as connection:
        row = connection.execute("select count(*) from ab_user").fetchone()
    if row is not None and row[0]:
        return None
    progress("making the administrator's account")
    generated = chosen or secrets.token_urlsafe(15)
    # the password goes through standard input: a command line is visible to every user
    command = [sys.executable, "-m", "airflow", "users", "create", "--role", "Admin"]
    person = ["--username", "admin", "--firstname", "Carepath", "--lastname", "Administrator"]
    done = subprocess.run(
        [*command, *person, "--email", "admin@localhost"],
        env=environment(),
        input=f"{generated}\n{generated}\n",
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        log = get_settings().logs / "airflow" / "users.log"
        log.write_text(done.stdout + done.stderr)
        raise WarehouseError(
            "The administrator's account could not be made.", where="Airflow", todo=f"read {log}."
        )
    return generated
