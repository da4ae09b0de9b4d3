"""Load return files and stage them, for tests of the way out: no night, and no marts."""

from __future__ import annotations

import datetime as dt

from carepath.landing import load_source
from carepath.sources import find_source
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt


def load(source: str, night: dt.date) -> str:
    """Load a source, and let staging show the load; return its authority."""
    found = load_source(None, find_source(source), night).load
    with connect("carepath_loader", autocommit=True) as connection:
        connection.execute(
            "insert into ops.cutoffs values (%s, %s, %s, 'test') on conflict (authority)"
            " do update set (load_id, night) = (excluded.load_id, excluded.night)",
            (found.authority, found.load_id, night),
        )
    return found.authority


def stage(*entities: str, also: str = "") -> None:
    """Make the views of staging that a return reads; `also` is more of dbt's selection."""
    views = " ".join(f"stg_{entity}" for entity in entities)
    run_dbt(["run", "--select", f"{views} {also}".strip()], layer="staging")
