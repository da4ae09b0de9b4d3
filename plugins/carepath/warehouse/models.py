"""Core and marts: tables that dbt builds. A night rebuilds only the rows that it touches.

dbt keeps rows from night to night (docs/adr/0007). That is right only while the same code makes
them. If anything differs from what made the tables, everything is rebuilt.
"""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import version
from typing import Any, Final

import psycopg

from carepath import site
from carepath.errors import WarehouseError
from carepath.warehouse.dbt import run_dbt
from carepath.warehouse.manifest import built_manifest, is_current, note_manifest
from carepath.warehouse.staging import PROJECT, fingerprint

# If a model or a test fails, kept rows may be the cause, so the next night rebuilds everything.
FORGET: Final = "delete from ops.layers where layer = 'core'"

WHOLE: Final = ("--full-refresh",)
# The code lists and settings in seeds are part of the code: if one changes, everything is rebuilt.
ORDINARY: Final = ("--exclude-resource-type", "seed")


def build_models(connection: psycopg.Connection[Any], run_id: str | None) -> bool:
    """Build core and marts, of every authority as at its cut-off, and run the night's tests.

    A test that fails is only recorded. Gate 2 holds the authorities with rows that fail.

    Args:
        connection: as carepath_loader, in autocommit.
        run_id: the run that dbt's timings are recorded under.

    Returns:
        Whether everything was rebuilt.

    Raises:
        WarehouseError: a model could not be built; it is named.
    """
    wanted = _code(connection)
    rebuilds = not _is_built(connection, wanted)
    if rebuilds:  # until it ends, tables of the old code and of the new code are mixed
        connection.execute(FORGET)
    manifest = built_manifest()
    try:
        result = run_dbt(
            ["build", "--selector", "nightly", *(WHOLE if rebuilds else ORDINARY)],
            layer="marts",
            run_id=run_id,
            tolerate_failed_tests=True,
            writes_manifest=not is_current(manifest),
            contracts_hold=not rebuilds,
        )
        note_manifest(manifest)
    except WarehouseError:
        with suppress(psycopg.Error):  # report the first error, even if the server is gone
            connection.execute(FORGET)
        raise
    if any(model.status == "fail" for model in result.models):
        connection.execute(FORGET)
    elif rebuilds:
        connection.execute(
            "insert into ops.layers (layer, fingerprint, view_count) values ('core', %s, 0)"
            " on conflict (layer) do update set fingerprint = excluded.fingerprint,"
            " built_at = now()",
            (wanted,),
        )
    return rebuilds


def is_built_with_this_code(connection: psycopg.Connection[Any]) -> bool:
    """Return whether a night has built all of core and marts with the code as it is now.

    Args:
        connection: as carepath_loader.
    """
    return _is_built(connection, _code(connection))


def _is_built(connection: psycopg.Connection[Any], code: str) -> bool:
    row = connection.execute(
        "select fingerprint = %s from ops.layers where layer = 'core'", (code,)
    ).fetchone()
    return row is not None and bool(row[0])


def _code(connection: psycopg.Connection[Any]) -> str:
    """Return a hash over everything that the rows are made with.

    That is the project, the council's settings, dbt, PostgreSQL's hash functions, and the secret
    of the keys.
    """
    secret = connection.execute(
        "select encode(sha256(secret), 'hex') from identity.key_secret"
    ).fetchone()
    made_with = (
        f"dbt-core {version('dbt-core')}",
        f"dbt-postgres {version('dbt-postgres')}",
        f"PostgreSQL {connection.info.server_version // 10_000}",
        f"settings {site.fingerprint()}",
        f"keys {secret and secret[0]}",
    )
    return fingerprint(PROJECT / "models", PROJECT / "seeds", also=made_with)
