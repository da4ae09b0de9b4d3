"""A source whose address is an Airflow connection: `airflow://CONN_ID`."""

from __future__ import annotations

from typing import Final

from sqlalchemy.engine import URL

from carepath.errors import SourceError
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
        found = BaseHook.get_connection(connection_id)
    except Exception as error:  # Airflow raises different classes inside and outside a task
        raise SourceError(
            f"Airflow has no connection {connection_id} ({type(error).__name__}).",
            where=f"source {spec.name}",
            todo="Add it in Airflow (Admin, Connections), or correct sources.yml.",
        ) from None
    kind = str(found.conn_type or "").lower()
    extra = found.extra_dejson
    return URL.create(
        {"postgres": "postgresql"}.get(kind, kind),
        username=found.login,
        password=found.password,
        host=found.host,
        port=found.port,
        database=found.schema,
        query=extra if all(isinstance(value, str) for value in extra.values()) else {},
    )


KIND: Final = Kind(
    example=f"{SCHEME}CONN_ID",
    handles=lambda url: url.startswith(SCHEME),
    source=source,
    needs_airflow=True,
)
