"""Load records and stage them, for tests of the way out: no night, and no marts."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import jsonschema

from carepath.landing import load_source
from carepath.sources import SourceSpec, find_source
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt


def load(source: str | SourceSpec, night: dt.date) -> str:
    """Load a source, and let staging show the load; return its authority."""
    spec = find_source(source) if isinstance(source, str) else source
    found = load_source(None, spec, night).load
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


def valid_payload(path: Path, shared_dir: Path) -> list[dict[str, Any]]:
    """Return a file of the daily data flow, having compared it with the Department's schema."""
    api = shared_dir / "reference" / "schemas" / "dfe_children_social_care_api.json"
    schema = json.loads(api.read_text())["components"]["schemas"]["CSC"]
    payload: list[dict[str, Any]] = json.loads(path.read_text())
    checker = jsonschema.FormatChecker()
    jsonschema.Draft7Validator(schema, format_checker=checker).validate(payload)
    return payload
