"""Core and marts: tables that dbt builds, of which a night makes anew only what it touches.

dbt keeps rows from night to night (docs/adr/0007), which is right only while the same code makes
them: where anything differs from what the tables stand were made with, all is built anew.
"""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import version
from typing import Any, Final

import psycopg

from carepath.errors import WarehouseError
from carepath.warehouse.dbt import run_dbt
from carepath.warehouse.staging import PROJECT, fingerprint

# Where a model or a test fails, rows that are kept may be the cause: the next night makes all anew.
FORGET: Final = "delete from ops.layers where layer = 'core'"


def build_models(connection: psycopg.Connection[Any], run_id: str | None) -> bool:
    """Build core and marts, of every authority as at its cut-off, and run the night's tests.

    A test that fails is only recorded; gate 2 holds the authorities whose rows fail.

    Args:
        connection: as carepath_loader, in autocommit.
        run_id: the run that dbt's timings are recorded under.

    Returns:
        Whether everything was made anew.

    Raises:
        WarehouseError: a model could not be built; it is named.
    """
    wanted = _code(connection)
    row = connection.execute(
        "select fingerprint = %s from ops.layers where layer = 'core'", (wanted,)
    ).fetchone()
    anew = row is None or not row[0]
    if anew:  # until all is made, some tables are of the one code and some of the other
        connection.execute(FORGET)
    try:
        result = run_dbt(
            ["build", "--selector", "nightly", *(["--full-refresh"] if anew else [])],
            layer="marts",
            run_id=run_id,
            tolerate_failed_tests=True,
        )
    except WarehouseError:
        with suppress(psycopg.Error):  # what failed is what to tell, also where the server is gone
            connection.execute(FORGET)
        raise
    if any(model.status == "fail" for model in result.models):
        connection.execute(FORGET)
    elif anew:
        connection.execute(
            "insert into ops.layers (layer, fingerprint, view_count) values ('core', %s, 0)"
            " on conflict (layer) do update set fingerprint = excluded.fingerprint,"
            " built_at = now()",
            (wanted,),
        )
    return anew


def _code(connection: psycopg.Connection[Any]) -> str:
    """Return a hash over what makes the rows: the project, dbt, and PostgreSQL's hash functions."""
    made_with = (
        f"dbt-core {version('dbt-core')}",
        f"dbt-postgres {version('dbt-postgres')}",
        f"PostgreSQL {connection.info.server_version // 10_000}",
    )
    return fingerprint(PROJECT / "models", PROJECT / "seeds", also=made_with)
