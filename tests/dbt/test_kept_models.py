"""Models that keep rows (docs/adr/0007) name what the rows rest on beside records of people."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from carepath.contract import load_contract
from carepath.landing.touched import ABOUT_EVERYBODY, ids_of_records
from carepath.warehouse.dbt import read_manifest

# dates say themselves when they rest on something else
DATES: dict[str, set[str]] = {
    "person": set(),
    "report_date": {"dim_report_date"},
    "snapshot_date": {"dim_snapshot", "dim_load"},
}
ALWAYS = {"source.carepath.ops.cutoffs", "source.carepath.ops.authorities"}


def about_people() -> set[str]:
    """Return the tables of history whose changes touch people."""
    contract = load_contract()
    return {
        f"source.carepath.history.{table.name}"
        for table in contract.tables.values()
        if table.person_column
        or table.name in ABOUT_EVERYBODY
        or list(ids_of_records(contract, table))
    }


def unnamed(nodes: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return models that keep rows by person, and the sources that they do not account for."""
    kept = {
        key: node["config"]["meta"].get("kept_by", ["person"])
        for key, node in nodes.items()
        if node["config"].get("materialized") == "kept"
    }
    by_date = {nodes[key]["name"] for key, kept_by in kept.items() if "person" not in kept_by}
    found = set()
    for key, kept_by in kept.items():
        if nodes[key]["name"] in by_date:
            continue
        meta = nodes[key]["config"]["meta"]
        stops = {"stg_touched_people", *by_date, *meta.get("rests_on", ())}.union(
            *(DATES[each] for each in kept_by)
        )
        parents = list(nodes[key]["depends_on"]["nodes"])
        for parent in parents:
            if parent in nodes and nodes[parent]["name"] not in stops:
                parents += set(nodes[parent]["depends_on"].get("nodes", ())).difference(parents)
        sources = {parent for parent in parents if parent.startswith("source.")}
        found |= {(nodes[key]["name"], each) for each in sources - ALWAYS - about_people()}
    return found


def test_kept_models_rest_on_records_of_people_and_on_what_they_name() -> None:
    assert unnamed(read_manifest()["nodes"]) == set()


def test_kept_model_that_names_nothing_is_found() -> None:
    nodes = copy.deepcopy(read_manifest()["nodes"])
    del nodes["model.carepath.fct_looked_after"]["config"]["meta"]["rests_on"]
    nodes["model.carepath.fct_visits"]["depends_on"]["nodes"].append(
        "model.carepath.stg_professionals"
    )
    assert unnamed(nodes) >= {
        ("fct_looked_after", "source.carepath.ops.table_deliveries"),
        ("fct_visits", "source.carepath.history.ssd_professionals"),
    }
