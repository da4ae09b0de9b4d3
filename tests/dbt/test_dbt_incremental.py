"""What core keeps from night to night equals what a rebuild would make."""

from __future__ import annotations

import datetime as dt
import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import sql
from random_recording_system import RandomRecordingSystem
from small_recording_system import warehouse_rows

from carepath.errors import WarehouseError
from carepath.settings import get_settings
from carepath.warehouse.as_known_at import COMMAND
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import DbtResult, ModelTiming, run_dbt
from carepath.warehouse.models import build_models, is_built_with_this_code

ASHMERE, OTHER = "E09900001", "E09900002"
TARGET = "dbt_target/dbt_project/plain"
INCREMENTAL = ["--select", "resource_type:seed", "+config.materialized:kept,path:models/core"]
MODELS_ONLY = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
# an ordinary night does not load the seeds again
WITHOUT_SEEDS = ["--exclude-resource-type", "seed"]
FIRST_NIGHT = dt.date(2019, 5, 30)  # a month end lies within the nights that follow
SNAPSHOTS = "core.fct_leaving_care_snapshot"
# random dates seldom make a placement within a period of care, with a cost within both
PAID_PLACEMENTS = {"ssd_cla_placement": 120, "local_placement_costs": 400}


class Warehouse:
    """Two authorities' nights, and what a build from nothing would make of them."""

    def __init__(self) -> None:
        self.systems = {
            authority: RandomRecordingSystem(
                f"incremental_{authority.lower()}",
                authority,
                seed=seed,
                rows=60,
                people=40,
                more=PAID_PLACEMENTS,
            )
            for seed, authority in enumerate((ASHMERE, OTHER))
        }
        self.random = random.Random(7)  # noqa: S311 - invented records
        self.night = FIRST_NIGHT
        for authority in self.systems:
            self.load(authority)
        build(seeds=True)
        self.rebuilt = compiled_rebuild()

    def load(self, authority: str, *, accept: bool = True) -> int:
        """Load an authority as it stands, and let gate 1 decide."""
        load_id = self.systems[authority].load(self.night).load.load_id
        if accept:
            decide(authority, load_id, "pass", failing=f"P{self.random.randint(1, 30)}")
        else:
            decide(authority, load_id, "hold")
        return load_id

    def next_night(self, *, changes: int, nights: int = 1, accept: bool = True) -> None:
        """Change the recording systems a little, and load them a night or more later."""
        self.night += dt.timedelta(days=nights)
        for authority, system in self.systems.items():
            system.change(changes)
            self.load(authority, accept=accept)

    def differences(self) -> dict[str, tuple[int, int]]:
        """Return the tables whose rows are others than those of a rebuild: too many, missing."""
        found = {}
        with connect("carepath_loader") as loader:
            for table, query in self.rebuilt.items():
                fresh = sql.Identifier("fresh")
                name = sql.Identifier(*table.split("."))
                loader.execute(
                    sql.SQL("create temporary table {} (like {}) on commit drop").format(
                        fresh, name
                    )
                )
                columns = ", ".join(columns_of(loader, table))
                loader.execute(
                    f"insert into fresh ({columns}) select {columns} from ({query}) as rebuilt"
                )
                count = "select count(*) from (select * from {} except all select * from {}) as d"
                counts = [
                    loader.execute(sql.SQL(count).format(*pair)).fetchone() or (0,)
                    for pair in ((name, fresh), (fresh, name))
                ]
                loader.execute("drop table fresh")
                if counts != [(0,), (0,)]:
                    found[table] = (counts[0][0], counts[1][0])
        return found


def build(*, seeds: bool = False) -> None:
    run_dbt(["build", *INCREMENTAL, *MODELS_ONLY, *(() if seeds else WITHOUT_SEEDS)], layer="core")


def compiled_rebuild() -> dict[str, str]:
    """Return the SQL of every table that keeps rows, as it builds it from nothing."""
    run_dbt(["compile", "--full-refresh", *INCREMENTAL], layer="core")
    target = get_settings().home / TARGET
    nodes = json.loads((target / "manifest.json").read_text())["nodes"].values()
    return {
        f"{node['schema']}.{node['alias']}": (
            target / "compiled" / "carepath" / node["original_file_path"]
        ).read_text()
        for node in nodes
        if node["config"].get("materialized") == "kept"
    }


def columns_of(connection: psycopg.Connection[Any], table: str) -> list[str]:
    rows = connection.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
        " and not attisdropped",
        (table,),
    ).fetchall()
    return [name for (name,) in rows]


def decide(authority: str, load_id: int, decision: str, failing: str | None = None) -> None:
    """Record gate 1's decision; a hold brings the cut-off back to the last accepted load."""
    with connect("carepath_loader") as loader:
        row = loader.execute(
            "insert into quality.gate_runs (authority, gate, load_id, night, decision)"
            " select authority, 1, load_id, night, %s from ops.loads where load_id = %s"
            " returning gate_run_id",
            (decision, load_id),
        ).fetchone()
        assert row is not None
        loader.execute(
            "insert into quality.rules (rule_id, domain, entity, severity, owner, plain_words,"
            " falsifies) values ('EET-01', 'leaving_care', 'care_leavers', 'warning',"
            " 'leaving care', 'status and activity differ', '{eet}') on conflict do nothing"
        )
        if failing:
            loader.execute(
                "insert into quality.failing_keys (gate_run_id, authority, rule_id, table_name,"
                " record_key, person_id) values (%s, %s, 'EET-01', 'ssd_care_leavers', %s, %s)",
                (row[0], authority, failing, failing),
            )
        loader.execute(
            "insert into ops.cutoffs select distinct on (authority) authority, load_id, night,"
            " 'gate' from (select distinct on (load_id) * from quality.gate_runs"
            " where authority = %s order by load_id, gate_run_id desc) as latest"
            " where decision = 'pass' order by authority, load_id desc"
            " on conflict (authority) do update set load_id = excluded.load_id,"
            " night = excluded.night",
            (authority,),
        )


def rows_by_address(table: str, authority: str) -> dict[str, str]:
    """Return an authority's rows by where and by whom they were written: kept ones stay."""
    return dict(
        warehouse_rows(
            f"select ctid || ' ' || xmin, t::text from {table} as t where authority = %s",
            (authority,),
        )
    )


@pytest.fixture(scope="module")
def nights(staged_warehouse: None) -> Warehouse:
    """Two authorities after their first night."""
    return Warehouse()


def test_first_night_builds_what_there_is(nights: Warehouse) -> None:
    assert SNAPSHOTS in nights.rebuilt
    assert nights.differences() == {}
    assert warehouse_rows(f"select count(*) > 0 from {SNAPSHOTS}") == [(True,)]


def test_ordinary_nights_equal_a_build_from_nothing(nights: Warehouse) -> None:
    for changes in (3, 60):
        nights.next_night(changes=changes)
        build()
        assert nights.differences() == {}


@pytest.mark.fault(
    "Gate 2 holds a night that has been built.",
    "The next build equals a build from nothing.",
)
def test_night_held_after_it_was_built_goes_back(nights: Warehouse) -> None:
    nights.next_night(changes=10)  # and is not built
    nights.next_night(changes=20, nights=31)
    build()
    assert nights.differences() == {}
    before = warehouse_rows("select load_id from ops.cutoffs order by authority")
    for (load_id,), authority in zip(before, (ASHMERE, OTHER), strict=True):
        decide(authority, load_id, "hold")
    after = warehouse_rows("select load_id from ops.cutoffs order by authority")
    assert all(now < then for (now,), (then,) in zip(after, before, strict=True))
    build()
    assert nights.differences() == {}


def test_same_night_loaded_again_and_judged_otherwise(nights: Warehouse) -> None:
    nights.next_night(changes=10)
    build()
    nights.systems[ASHMERE].change(10)
    nights.load(ASHMERE)
    (load_id,) = warehouse_rows("select load_id from ops.cutoffs where authority = %s", (OTHER,))[0]
    decide(OTHER, load_id, "pass", failing="P3")
    build()
    assert nights.differences() == {}


def test_earlier_load_judged_otherwise_changes_the_snapshots_after_it(nights: Warehouse) -> None:
    def known() -> int:
        ((count,),) = warehouse_rows(
            "select count(accommodation_move_count) from core.fct_care_leaver_moves"
            " where authority = %s",
            (ASHMERE,),
        )
        return int(count)

    loads = []
    for _ in range(14):
        nights.night += dt.timedelta(days=30)
        loads.append(nights.load(ASHMERE))
    build()
    assert nights.differences() == {}
    assert known()
    decide(ASHMERE, loads[7], "hold")  # then nobody was watched throughout the year
    build()
    assert nights.differences() == {}
    assert not known()


def test_table_that_is_no_more_delivered_changes_everybody_of_its_authority_and_nobody_else(
    nights: Warehouse,
) -> None:
    def known() -> list[tuple[Any, ...]]:
        return warehouse_rows(
            "select authority, count(*) filter (where is_uasc is not null)"
            " from core.fct_looked_after group by authority order by authority"
        )

    before = rows_by_address("core.fct_looked_after", OTHER)
    assert all(count for _, count in known())
    nights.systems[ASHMERE].withdraw("ssd_immigration_status")
    nights.load(ASHMERE)
    build()
    assert nights.differences() == {}
    assert [bool(count) for _, count in known()] == [False, True]
    assert rows_by_address("core.fct_looked_after", OTHER).keys() & before.keys()


def test_end_of_a_programmes_first_placement_counts_the_years_of_everybody_else(
    nights: Warehouse,
) -> None:
    system = nights.systems[ASHMERE]

    def place(child: str, start: dt.date) -> None:
        records = {
            "ssd_cla_episodes": {
                "clae_person_id": child,
                "clae_cla_episode_start_date": start,
                "clae_cla_placement_id": f"{child} placement",
            },
            "ssd_cla_placement": {
                "clap_person_id": child,
                "clap_cla_placement_id": f"{child} placement",
                "clap_cla_placement_start_date": start,
            },
            "local_placement_costs": {
                "lpco_placement_id": f"{child} placement",
                "lpco_from_date": start,
                "lpco_weekly_cost": 700,
                "lpco_programme": "PC",
            },
        }
        for name, record in records.items():
            columns = system.tables[name].column_names
            system.rows[name].append(dict.fromkeys(columns) | record)
        system.write(*records)

    def starts() -> list[tuple[Any, ...]]:
        return warehouse_rows(
            "select start_date, programme_start_date from core.fct_programme_placement_snapshot"
            " where authority = %s and programme_code = 'PC'"
            " and start_date = any('{2013-01-10, 2013-08-10}') group by 1, 2 order by 1",
            (ASHMERE,),
        )

    first, later = (dt.date(2013, month, 10) for month in (1, 8))
    place("first child", first)
    place("later child", later)
    nights.load(ASHMERE)
    build()
    assert nights.differences() == {}
    assert starts() == [(first, first.replace(day=1)), (later, first.replace(day=1))]
    for name in ("ssd_cla_episodes", "ssd_cla_placement", "local_placement_costs"):
        system.rows[name] = [
            row
            for row in system.rows[name]
            if not any(str(value).startswith("first child") for value in row.values())
        ]
        system.write(name)
    load_id = nights.load(ASHMERE)
    build()
    assert nights.differences() == {}
    assert starts() == [(later, later.replace(day=1))]
    touched = (
        "select 1 from ops.changed_people where load_id = %s and person_id = %s union all"
        " select 1 from ops.entangled_people where person_id = %s"
    )
    assert warehouse_rows(touched, (load_id, "FIRST CHILD", "-"))
    assert not warehouse_rows(touched, (load_id, "LATER CHILD", "LATER CHILD"))


def test_rule_that_falsifies_more_changes_past_snapshots(nights: Warehouse) -> None:
    with connect("carepath_loader") as loader:
        loader.execute("update quality.rules set falsifies = '{eet,accommodation}'")
    build()
    assert nights.differences() == {}
    assert warehouse_rows(
        f"select count(*) > 0 from {SNAPSHOTS}"
        " where accommodation_left_out_reason = 'contradictory (EET-01)'"
    ) == [(True,)]


def test_rows_of_past_dates_and_of_people_without_changes_are_kept(nights: Warehouse) -> None:
    before = {table: rows_by_address(table, ASHMERE) for table in nights.rebuilt}
    nights.next_night(changes=3)
    build()
    assert nights.differences() == {}
    kept = {
        table: len(rows.keys() & rows_by_address(table, ASHMERE).keys())
        for table, rows in before.items()
    }
    assert all(kept.values()), [table for table in kept if not kept[table]]
    assert sum(kept.values()) > 0.3 * sum(map(len, before.values()))
    assert warehouse_rows("select count(*) > 1 from core.dim_snapshot where authority = %s",
                          (ASHMERE,)) == [(True,)]  # fmt: skip


def test_other_postcodes_of_the_area_change_everybody_of_their_authority_and_nobody_else(
    nights: Warehouse,
) -> None:
    def areas() -> list[tuple[Any, ...]]:
        return warehouse_rows(
            "select authority, count(*) filter (where is_in_area),"
            " count(*) filter (where not is_in_area) from core.fct_placement_records"
            " group by authority order by authority"
        )

    def deliver(*postcodes: str) -> None:
        table = system.tables["local_area_postcodes"]
        system.rows[table.name] = [
            system.invent(table) | {"larp_postcode": postcode} for postcode in postcodes
        ]
        system.write(table.name)
        nights.load(ASHMERE)
        build()

    system = nights.systems[ASHMERE]
    deliver("ZZ1 1AA", "zz1 1ab")
    before, others = areas(), rows_by_address("core.fct_placements", OTHER)
    assert all(inside and outside for _, inside, outside in before)
    deliver("zz1 1ab")
    assert nights.differences() == {}
    after = areas()
    assert after[0][1] < before[0][1]
    assert after[0][1] + after[0][2] == before[0][1] + before[0][2]
    assert after[1] == before[1]
    # without a postcode of the area nobody is known to be out of it
    deliver()
    assert nights.differences() == {}
    assert areas() == [(ASHMERE, 0, 0), before[1]]
    kept = rows_by_address("core.fct_placements", OTHER).keys() & others.keys()
    assert len(kept) > 0.3 * len(others)


def test_authority_without_any_accepted_load_has_no_rows(nights: Warehouse) -> None:
    kept = warehouse_rows("select * from ops.cutoffs where authority = %s", (OTHER,))[0]
    with connect("carepath_loader") as loader:
        loader.execute("delete from ops.cutoffs where authority = %s", (OTHER,))
    build()
    assert nights.differences() == {}
    assert rows_by_address(SNAPSHOTS, OTHER) == {}
    with connect("carepath_loader") as loader:
        loader.execute("insert into ops.cutoffs values (%s, %s, %s, %s)", kept)
    build()
    assert nights.differences() == {}
    assert rows_by_address(SNAPSHOTS, OTHER) != {}


@pytest.mark.fault(
    "The build is killed half way, and the night is then held.",
    "The next build equals a build from nothing.",
)
def test_build_killed_half_way_is_made_up_for_even_if_the_night_is_then_held(
    nights: Warehouse,
) -> None:
    nights.next_night(changes=20)
    built = "select max(load_id) from ops.built_loads group by table_name"
    with connect("carepath_loader") as blocker:
        last = max(nights.rebuilt)  # any but the first: what is before it has been committed
        blocker.execute(sql.SQL("lock table {}").format(sql.Identifier(*last.split("."))))
        killed = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from carepath.warehouse.dbt import run_dbt; import sys;"
                " run_dbt(sys.argv[1:], layer='core')",
                *["build", *INCREMENTAL, *MODELS_ONLY, *WITHOUT_SEEDS],
            ]
        )
        try:
            wait_until(lambda: waits_for_a_lock() or killed.poll() is not None)
        finally:
            killed.kill()
            killed.wait()
    wait_until(lambda: not dbt_is_connected())
    assert len(set(warehouse_rows(built))) <= 2
    before = warehouse_rows("select authority, load_id from ops.cutoffs")
    for authority, load_id in before:
        decide(authority, load_id, "hold")
    build()
    assert nights.differences() == {}


@pytest.mark.fault(
    "Somebody rebuilds a table of core by hand.",
    "The night notices and builds it again.",
)
def test_table_made_anew_by_other_means_is_not_trusted(nights: Warehouse) -> None:
    for table in nights.rebuilt:
        if table == SNAPSHOTS:
            continue
        schema = table.partition(".")[0]
        with connect("carepath_loader") as loader:
            loader.execute(
                f"alter table {table} rename to replaced;"
                f" create table {table} (like {schema}.replaced including all);"
                f" drop table {schema}.replaced cascade"
            )
    build()
    assert nights.differences() == {}


@pytest.mark.fault(
    "Another version of the code is installed between two nights.",
    "The next night rebuilds everything.",
)
@pytest.mark.usefixtures("nights")
def test_other_code_and_failures_of_the_night_before_rebuild_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commands: list[list[str]] = []
    ends: list[str | None] = ["pass", "pass", None, "fail", "pass", "pass", None, "pass"]

    def dbt(command: list[str], **_: object) -> DbtResult:
        commands.append(command)
        if (status := ends[len(commands) - 1]) is None:
            raise WarehouseError("a model failed", where="core", todo="read the log")
        return DbtResult("marts", 0.0, (ModelTiming("a test", status, 0.0, None, ""),))

    monkeypatch.setattr("carepath.warehouse.models.run_dbt", dbt)
    with connect("carepath_loader", autocommit=True) as loader:
        assert build_models(loader, None)
        assert is_built_with_this_code(loader)
        assert not build_models(loader, None)
        loader.execute("update ops.layers set fingerprint = 'another' where layer = 'core'")
        assert not is_built_with_this_code(loader)
        with pytest.raises(WarehouseError):
            build_models(loader, None)
        assert build_models(loader, None)  # what was begun is finished; a test fails
        assert build_models(loader, None)
        assert not build_models(loader, None)
        with pytest.raises(WarehouseError):
            build_models(loader, None)
        assert build_models(loader, None)
    assert ["--full-refresh" in command for command in commands] == [
        True, False, True, True, True, False, False, True,
    ]  # fmt: skip
    # a seed is part of the code, so an ordinary night need not load it again
    assert all(("--full-refresh" in command) != ("seed" in command) for command in commands)


def test_past_state_is_built_as_a_whole_in_schemas_of_its_own(nights: Warehouse) -> None:
    built = warehouse_rows("select * from ops.built_loads order by 1, 2")
    for _ in range(2):
        run_dbt(
            [*COMMAND, "--select", "+fct_leaving_care_snapshot"],
            layer="as_known_at",
            vars={"as_known_at": FIRST_NIGHT.isoformat()},
        )
    schema = f"core_as_known_{FIRST_NIGHT:%Y%m%d}"
    assert warehouse_rows(f"select count(*) > 0 from {schema}.fct_leaving_care_snapshot") == [
        (True,)
    ]
    assert warehouse_rows("select * from ops.built_loads order by 1, 2") == built


def test_changed_people_are_those_of_the_records_before_and_after(nights: Warehouse) -> None:
    system = nights.systems[ASHMERE]
    tables = (system.tables["ssd_cla_placement"], system.tables["local_placement_costs"])
    first, second, cost = (system.invent(tables[n]) for n in (0, 0, 1))
    first |= {"clap_cla_placement_id": "new 1", "clap_person_id": "p1"}
    second |= {"clap_cla_placement_id": "new 2", "clap_person_id": "p2"}
    cost |= {"lpco_placement_id": "New 1 ", "lpco_weekly_cost": 1000}
    system.rows["ssd_cla_placement"] += [first, second]
    system.rows["local_placement_costs"].append(cost)
    system.write("ssd_cla_placement", "local_placement_costs")
    nights.load(ASHMERE)
    second["clap_person_id"] = " p17 "
    cost["lpco_weekly_cost"] = 1234
    system.write("ssd_cla_placement", "local_placement_costs")
    load_id = nights.load(ASHMERE)
    assert warehouse_rows(
        "select table_name, person_id from ops.changed_people where load_id = %s order by 1, 2",
        (load_id,),
    ) == [
        ("local_placement_costs", "P1"),
        ("ssd_cla_placement", "P17"),
        ("ssd_cla_placement", "P2"),
    ]
    # a table that held nothing touches everybody
    assert warehouse_rows(
        "select person_id, count(*) > 1 from ops.changed_people"
        " where load_id = (select min(load_id) from ops.loads) group by person_id"
    ) == [("", True)]


def wait_until(ready: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(6000):
        if ready():
            return
        pause.wait(0.01)
    raise AssertionError("the state waited for never came")


def waits_for_a_lock() -> bool:
    return bool(
        warehouse_rows("select 1 from pg_stat_activity where wait_event_type = 'Lock' limit 1")
    )


def dbt_is_connected() -> bool:
    return bool(
        warehouse_rows("select 1 from pg_stat_activity where application_name = 'dbt' limit 1")
    )
