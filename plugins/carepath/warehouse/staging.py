"""The staging layer: views, made again only when what they are made from has changed.

Staging holds no records. If its models are the same as on the night before, there is nothing to do.
To ask dbt that would take longer than a borough's whole delivery.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg

from carepath import site
from carepath.settings import PROJECT_ROOT
from carepath.warehouse.dbt import run_dbt

PROJECT = PROJECT_ROOT / "dbt_project"
COUNT = "select count(*) from pg_views where schemaname = 'staging'"


def ensure_staging(connection: psycopg.Connection[Any], run_id: str | None) -> bool:
    """Make the staging views, unless they are up to date.

    Args:
        connection: as carepath_loader, in autocommit.
        run_id: the run that dbt's timings are recorded under.

    Returns:
        Whether anything was made.

    Raises:
        WarehouseError: a view could not be made; the message names it.
    """
    programmes = site.effective_programmes()
    wanted = fingerprint(PROJECT / "models" / "staging", also=[str(programmes)])
    row = connection.execute(
        f"select fingerprint = %s and view_count = ({COUNT})"
        " from ops.layers where layer = 'staging'",
        (wanted,),
    ).fetchone()
    if row is not None and row[0]:
        return False
    run_dbt(["run", "--select", "path:models/staging"], layer="staging", run_id=run_id)
    connection.execute(
        "insert into ops.layers (layer, fingerprint, view_count)"
        f" values ('staging', %s, ({COUNT}))"
        " on conflict (layer) do update set fingerprint = excluded.fingerprint,"
        " view_count = excluded.view_count, built_at = now()",
        (wanted,),
    )
    return True


def fingerprint(*folders: Path, also: Iterable[str] = ()) -> str:
    """Return a hash over the files of some folders, the project's settings and its macros.

    Args:
        folders: those of the layer's models and seeds.
        also: what else makes the layer what it is.
    """
    digest = hashlib.sha256("|".join(also).encode())
    for path in sorted(
        [
            PROJECT / "dbt_project.yml",
            *(PROJECT / "macros").rglob("*.sql"),
            *(path for folder in folders for path in folder.rglob("*.*")),
        ]
    ):
        digest.update(str(path.relative_to(PROJECT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
