"""A source whose address is an Airflow connection: `airflow://CONN_ID`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Final

from sqlalchemy.engine import URL

from carepath.errors import SourceError
from carepath.settings import get_settings
from carepath.sources.address import address
from carepath.sources.kind import Kind, Source
from carepath.sources.spec import SourceSpec

SCHEME: Final = "airflow://"


def source(spec: SourceSpec) -> Source:
    """Return the source at the address that an Airflow connection holds.

    Raises:
        SourceError: there is no such connection, or it is not for a database.
    """
    from carepath.sources.registry import (
        kind_of,
    )  # imported here, because the registry imports this module

    connection_id = spec.url.removeprefix(SCHEME).strip("/")
    url = connection_url(spec, connection_id)
    kind = kind_of(f"{url.drivername}://")
    if kind is None or kind.at is None:
        raise SourceError(
            f"The Airflow connection {connection_id} is not for a database.",
            where=f"source {spec.name}",
            todo="Correct its type in Airflow (Admin, Connections), or correct sources.yml.",
        )
    parts = (url.host, url.username, url.database)
    return kind.at(spec, address(url, [part for part in parts if part]))


def connection_url(spec: SourceSpec, connection_id: str) -> URL:
    """Return an Airflow connection as a URL; any part may hold any character.

    If the connection's extras are not all text, they are for Airflow's hooks and are left out.
    """
    from airflow.sdk import BaseHook

    try:
        found = parts_of(BaseHook.get_connection(connection_id))
    except Exception as error:  # Airflow raises different classes inside and outside a task
        kept = None if _CONFIGURED in os.environ else _kept(connection_id)
        if kept is None:
            raise SourceError(
                f"Airflow has no connection {connection_id} ({type(error).__name__}).",
                where=f"source {spec.name}",
                todo="Add it in Airflow (Admin, Connections) or to the environment "
                "(docs/sources.md), or correct sources.yml.",
            ) from None
        found = kept
    kind, extra = str(found.pop("kind") or "").lower(), found.pop("extra")
    return URL.create(
        {"postgres": "postgresql"}.get(kind, kind),
        **found,
        query=extra if all(isinstance(value, str) for value in extra.values()) else {},
    )


def parts_of(connection: Any) -> dict[str, Any]:
    """Return the parts of an Airflow connection, by their names in a URL."""
    return {
        "kind": connection.conn_type,
        "username": connection.login,
        "password": connection.password,
        "host": connection.host,
        "port": connection.port,
        "database": connection.schema,
        "extra": connection.extra_dejson,
    }


def _kept(connection_id: str) -> dict[str, Any] | None:
    """Return a connection that Airflow keeps in its database; None if it keeps none.

    In a task, Airflow itself looks there. A command such as `carepath doctor` is no process of
    Airflow, so another process with Airflow's settings looks it up.
    """
    from carepath.service.configuration import environment

    if not (get_settings().home / "airflow").is_dir():
        return None
    done = subprocess.run(
        [sys.executable, "-c", _LOOK_UP, connection_id],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


_CONFIGURED: Final = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
_LOOK_UP: Final = """
import json, sys
from airflow.models import Connection
from carepath.sources.airflow_connection import parts_of
print(json.dumps(parts_of(Connection.get_connection_from_secrets(sys.argv[1]))))
"""


KIND: Final = Kind(
    example=f"{SCHEME}CONN_ID",
    handles=lambda url: url.startswith(SCHEME),
    source=source,
    needs_airflow=True,
)
