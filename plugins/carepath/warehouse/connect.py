"""Connections to the warehouse's server, by role."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from carepath.errors import SettingsError, WarehouseError
from carepath.settings import get_settings
from carepath.warehouse import embedded
from carepath.warehouse.passwords import ADMINISTRATOR, known_passwords

APPLICATION = "carepath"
RECOVERY_SECONDS = 120  # a server that reads its log after a crash answers within this time
RECOVERING = (
    "the database system is starting up",
    "the database system is in recovery mode",
    "the database system is not yet accepting connections",
)


def parameters(role: str, dbname: str = "warehouse") -> dict[str, str]:
    """Return libpq's connection parameters for a role and database.

    `ADMINISTRATOR` means the embedded cluster's superuser or, with CAREPATH_WAREHOUSE_URL, the
    administrator that it names.

    Raises:
        WarehouseError: if the warehouse has not been set up.
        SettingsError: if CAREPATH_WAREHOUSE_URL cannot be read.
    """
    if get_settings().warehouse_url is None:
        server = {"host": embedded.HOST, "port": str(embedded.port()), "sslmode": "disable"}
    else:
        server = administrator_parameters()
        if role == ADMINISTRATOR:
            return {**server, "dbname": dbname}
    try:
        secret = known_passwords()[role]
    except KeyError:
        raise WarehouseError(
            f"There is no password for the role {role}.",
            where=str(get_settings().home),
            todo="run `carepath up`, which sets up the warehouse and its roles.",
        ) from None
    return {**server, "user": role, "password": secret, "dbname": dbname}


def administrator_parameters() -> dict[str, str]:
    """Return the connection parameters of CAREPATH_WAREHOUSE_URL."""
    text = get_settings().warehouse_url or ""
    try:
        found = {name: str(value) for name, value in conninfo_to_dict(text).items() if value}
    except psycopg.Error:
        found = {}
    if not found.keys() >= {"host", "user"}:
        raise SettingsError(
            "The address of the PostgreSQL server cannot be read.",
            where="CAREPATH_WAREHOUSE_URL",
            todo="write it as postgresql://administrator:password@host:port/postgres.",
        )
    return {"port": "5432", "dbname": "postgres", **found}


def connect(role: str, dbname: str = "warehouse", **kw: Any) -> psycopg.Connection[Any]:
    """Open a connection as a role; further arguments go to `psycopg.connect`.

    After a crash the server reads its log before it lets anybody in. This waits for that.

    Raises:
        WarehouseError: if the server does not answer or refuses.
    """
    wanted = {"application_name": APPLICATION, **parameters(role, dbname), **kw}
    patiently = Retrying(
        retry=retry_if_exception(_is_recovering),
        stop=stop_after_delay(RECOVERY_SECONDS),
        wait=wait_fixed(0.2),
        reraise=True,
    )
    try:
        connection: psycopg.Connection[Any] = patiently(psycopg.connect, **wanted)
        return connection
    except psycopg.OperationalError as error:
        raise WarehouseError(
            f"PostgreSQL refuses {role} on database {dbname}: {_reason(error)}",
            where=f"{wanted['host']}:{wanted['port']}",
            todo="run `carepath doctor`; `carepath up` starts the embedded server.",
        ) from None


def url(role: str, dbname: str = "warehouse", driver: str = "psycopg") -> str:
    """Return a URL with the role's password, for SQLAlchemy (a driver) or libpq (driver '')."""
    found = parameters(role, dbname)
    scheme = f"postgresql+{driver}" if driver else "postgresql"
    user, secret, database = (
        quote(found.get(name, ""), safe="") for name in ("user", "password", "dbname")
    )
    place = f"{found['host']}:{found['port']}"
    rest = {
        name: value
        for name, value in found.items()
        if name not in {"user", "password", "dbname", "host", "port"}
    }
    if driver == "asyncpg" and "sslmode" in rest:
        rest["ssl"] = rest.pop("sslmode")  # the same values under asyncpg's name
    options = f"?{urlencode(rest)}" if rest else ""
    return f"{scheme}://{user}:{secret}@{place}/{database}{options}"


def _is_recovering(error: BaseException) -> bool:
    return isinstance(error, psycopg.OperationalError) and any(
        words in str(error) for words in RECOVERING
    )


def _reason(error: psycopg.OperationalError) -> str:
    """Return the server's reason, else libpq's: they name roles and servers, never a record."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    refused = [line.partition("FATAL:")[2].strip() for line in lines if "FATAL:" in line]
    return refused[-1] if refused else lines[0]
