"""dbt alone: core and marts rebuilt, and on an ordinary night, against the same SQL by hand.

The nights are loaded without gates: each authority's cut-off is set to its load, as if gate 1 had
passed it. So a scale whose whole night takes too long to measure can still be built.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carepath.sources import SourceSpec


@dataclass(frozen=True)
class BuildFigures:
    """Seconds of a build; `changed`: versions that the ordinary night opened or closed."""

    authorities: int
    rows: int
    changed: int
    rebuild: float
    ordinary: float
    by_hand: float


def measure(scale: int, nights: Sequence[dt.date]) -> BuildFigures:
    """Fill, load and build two nights in the warehouse of this CAREPATH_HOME."""
    from carepath.demonstration.generator import advance, fill, sources
    from carepath.sources import SourceSpec
    from carepath.warehouse import ready, recreate
    from carepath.warehouse.connect import connect, url
    from carepath.warehouse.models import build_models
    from carepath.warehouse.staging import ensure_staging

    ready()
    recreate()
    system = url("recording_system", "recording_system")
    specs = [
        SourceSpec(**vars(source))
        for source in sources(url("recording_reader", "recording_system"), scale)
    ]
    fill(system, nights[0], scale=scale)
    seconds = []
    for night in nights:
        advance(system, night)
        rows = changed = 0
        for spec in specs:
            more, of_them = _load(spec, night)
            rows, changed = rows + more, changed + of_them
        with connect("carepath_loader", autocommit=True) as connection:
            ensure_staging(connection, None)
            began = time.perf_counter()
            build_models(connection, None)
            seconds.append(time.perf_counter() - began)
        print(f"night of {night}: {rows:,} rows, built in {seconds[-1]:.1f} s", flush=True)
    return BuildFigures(len(specs), rows, changed, seconds[0], seconds[1], by_hand())


def _load(spec: SourceSpec, night: dt.date) -> tuple[int, int]:
    """Load a source and let staging show it; return its rows and the versions that changed."""
    from carepath.landing.load import load_source
    from carepath.warehouse.connect import connect

    loaded = load_source(None, spec, night)
    with connect("carepath_loader", autocommit=True) as connection:
        connection.execute(
            "insert into quality.gate_runs (authority, gate, load_id, night, decision)"
            " values (%s, 1, %s, %s, 'pass')",
            (loaded.load.authority, loaded.load.load_id, night),
        )
        connection.execute(
            "insert into ops.cutoffs values (%s, %s, %s, 'gate') on conflict (authority)"
            " do update set load_id = excluded.load_id, night = excluded.night",
            (loaded.load.authority, loaded.load.load_id, night),
        )
    return (
        sum(table.row_count for table in loaded.tables),
        sum(table.opened_count + table.closed_count for table in loaded.tables),
    )


def by_hand() -> float:
    """Create all tables of core and marts, whole, from their compiled SQL in dbt's order."""
    import json

    from psycopg import sql

    from carepath.warehouse.connect import connect
    from carepath.warehouse.dbt import run_dbt
    from carepath.warehouse.manifest import built_manifest

    # what an ordinary night compiles rebuilds only what it touches
    run_dbt(["compile", "--full-refresh", "--exclude", "path:models/staging"], layer="benchmark")
    nodes = json.loads(built_manifest().read_text())["nodes"]
    models = {
        key: node
        for key, node in nodes.items()
        if node["resource_type"] == "model" and node["config"]["materialized"] in ("table", "kept")
    }
    compiled = built_manifest().parent / "compiled" / "carepath"
    done: set[str] = set()
    spent = 0.0
    with connect("carepath_owner", autocommit=True) as owner:
        owner.execute("create schema if not exists bench_by_hand authorization carepath_loader")
    with connect("carepath_loader", autocommit=True) as connection:
        while len(done) < len(models):
            for key, node in models.items():
                needs = {n for n in node["depends_on"]["nodes"] if n in models}
                if key in done or not needs <= done:
                    continue
                marts = node["schema"] == "marts_build"
                name = sql.Identifier("bench_by_hand", f"{node['schema']}_{node['alias']}")
                began = time.perf_counter()
                with connection.transaction():
                    for hook in node["config"]["pre-hook"]:
                        if "{{" not in hook["sql"]:  # settings of the session
                            connection.execute(hook["sql"])
                    connection.execute(
                        sql.SQL("create {} table {} as {}").format(
                            sql.SQL("unlogged" if marts else ""),
                            name,
                            sql.SQL((compiled / node["original_file_path"]).read_text()),
                        )
                    )
                if not marts:
                    connection.execute(sql.SQL("analyze {}").format(name))
                spent += time.perf_counter() - began
                done.add(key)
    with connect("carepath_owner", autocommit=True) as owner:
        owner.execute("set role carepath_loader")
        owner.execute("drop schema bench_by_hand cascade")
    return spent
