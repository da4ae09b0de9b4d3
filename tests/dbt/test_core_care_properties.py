"""Periods of care and placements on messy histories, against a reading day by day."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest
from messy_care import (
    FIRST_DAY,
    HORIZON,
    TABLES,
    MessyCare,
    days_in_care,
    episodes_by_start,
    home_by_day,
    runs,
    status_by_day,
)
from small_recording_system import warehouse_rows

from carepath.contract import load_contract
from carepath.landing.tables import ensure
from carepath.warehouse.as_known_at import COMMAND
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt

AUTHORITY = "E09900001"
NIGHTS = tuple(dt.date(2018, 12, day) for day in (1, 2, 3))
CORE = (
    "fct_care_episodes", "fct_care_periods", "fct_legal_statuses", "fct_placement_records",
    "fct_placement_costs", "fct_placements",
)  # fmt: skip
ROWS = ("--resource-type", "model", "--resource-type", "seed")
PERIODS = (
    "select young_person_key, start_date, end_date, day_count from {}.fct_care_periods"
    " order by young_person_key, start_date"
)

Periods = dict[str, list[tuple[int, int]]]


@pytest.fixture(scope="module")
def care(warehouse: None) -> MessyCare:
    """400 children, loaded, and core built."""
    system = MessyCare("care_properties", AUTHORITY, seed=2019, children=400)
    ensure(load_contract())
    load(system, NIGHTS[0])
    run_dbt(["build", "--select", "+fct_placements", "+fct_legal_statuses", *ROWS], layer="core")
    return system


def load(system: MessyCare, night: dt.date, without: dict[str, range] | None = None) -> None:
    """Load a night and let staging show it."""
    load_id = system.load(night, without).load.load_id
    with connect("carepath_loader") as loader:
        loader.execute(
            "insert into ops.cutoffs values (%s, %s, %s, 'gate') on conflict (authority)"
            " do update set load_id = excluded.load_id, night = excluded.night",
            (AUTHORITY, load_id, night),
        )


def number_of(date: dt.date | None) -> int:
    return HORIZON if date is None else (date - FIRST_DAY).days


def names(system: MessyCare) -> dict[int, str]:
    """Return whose key is whose."""
    return dict(
        warehouse_rows(
            "select core.key_of(%s || '|' || child), child from unnest(%s::text[]) as child",
            (AUTHORITY, system.children),
        )
    )


def built(system: MessyCare, schema: str = "core") -> Periods:
    found: Periods = {child: [] for child in system.children}
    children = names(system)
    for key, start, end, _ in warehouse_rows(PERIODS.format(schema)):
        found[children[key]].append((number_of(start), number_of(end)))
    return found


def expected(system: MessyCare, without: dict[str, range] | None = None) -> Periods:
    return {
        child: runs(
            days_in_care(
                system.of("ssd_cla_episodes", child, without),
                system.of("ssd_legal_status", child, without),
            )
        )
        for child in system.children
    }


def test_periods_are_the_unbroken_runs_of_days_in_care(care: MessyCare) -> None:
    periods = built(care)
    assert periods == expected(care)
    # the histories are messy enough to prove something
    assert sum(len(spans) > 1 for spans in periods.values()) > 100
    faults = dict(
        warehouse_rows(
            "select coalesce(left_out_reason, 'counted'), count(*) from core.fct_care_episodes"
            " group by 1"
        )
    )
    assert set(faults) == {
        "counted", "no start date", "duplicate", "reversed", "no day", "short break",
    }  # fmt: skip
    assert min(faults.values()) >= 10
    assert warehouse_rows(
        "select min(n) >= 50 from (select count(*) filter (where is_open_end_closed),"
        " count(*) filter (where is_overlapping) from core.fct_care_episodes) as c (a, b),"
        " unnest(array[a, b]) as n"
    ) == [(True,)]


def test_periods_never_touch_or_overlap_for_a_child(care: MessyCare) -> None:
    for child, spans in built(care).items():
        assert all(one[1] < other[0] for one, other in itertools.pairwise(spans)), child


def test_days_in_care_are_the_union_of_the_episodes_that_count(care: MessyCare) -> None:
    assert warehouse_rows(
        "select count(*) from ("
        "    select young_person_key, sum(day_count) as days from core.fct_care_periods"
        "    where end_date is not null group by 1"
        ") as counted join ("
        "    select young_person_key, sum(upper(span) - lower(span)) as days from ("
        "        select young_person_key, unnest(range_agg(daterange(start_date, end_date)))"
        "        from core.fct_care_episodes where left_out_reason is null group by 1"
        "    ) as spans (young_person_key, span) where not upper_inf(span) group by 1"
        ") as united using (young_person_key) where counted.days <> united.days"
    ) == [(0,)]


def test_every_record_of_an_episode_is_kept_or_says_why_not(care: MessyCare) -> None:
    delivered = warehouse_rows("select count(*) from staging.stg_cla_episodes")
    assert warehouse_rows("select count(*) from core.fct_care_episodes") == delivered
    assert warehouse_rows(
        "select count(*) from core.fct_care_episodes"
        " where (left_out_reason is null) <> (care_period_key is not null)"
    ) == [(0,)]


def test_every_placement_lies_in_one_period_and_none_overlap(care: MessyCare) -> None:
    rows = warehouse_rows(
        "select f.placement_key, f.start_date >= p.start_date"
        "   and coalesce(f.end_date, 'infinity') <= coalesce(p.end_date, 'infinity')"
        "   and f.start_date < coalesce(f.end_date, 'infinity'),"
        " coalesce(lead(f.start_date) over w >= f.end_date, lead(f.start_date) over w is null)"
        " from core.fct_placements as f left join core.fct_care_periods as p"
        " using (care_period_key, young_person_key)"
        " window w as (partition by f.young_person_key order by f.start_date)"
    )
    assert len(rows) == len({key for key, _, _ in rows}) > 400
    assert all(lies_within and follows for _, lies_within, follows in rows)


def short_breaks(system: MessyCare, child: str) -> set[tuple[int, int]]:
    chosen = episodes_by_start(
        system.of("ssd_cla_episodes", child), system.of("ssd_legal_status", child)
    )
    return {(start, end) for start, (end, _) in chosen[True].items()}


def test_placement_on_each_day_is_the_one_that_began_last(care: MessyCare) -> None:
    homes: dict[str, dict[int, str]] = {child: {} for child in care.children}
    children = names(care)
    for key, start, end, kind in warehouse_rows(
        "select young_person_key, start_date, end_date, placement_type_code"
        " from core.fct_placements"
    ):
        for day in range(number_of(start), number_of(end)):
            homes[children[key]][day] = kind
    decided = 0
    for child, periods in expected(care).items():
        placements = care.of("ssd_cla_placement", child)
        for day, kind in home_by_day(placements, periods, short_breaks(care, child)).items():
            if kind == "?":
                assert day in homes[child]
                del homes[child][day]
                continue
            assert homes[child].pop(day) == kind, (child, day)
            decided += 1
        assert homes[child] == {}, child
    assert decided > 5000


def test_placement_that_another_lies_within_is_resumed_as_a_placement_of_its_own(
    care: MessyCare,
) -> None:
    resumed = (
        "from core.fct_placement_records as r join core.fct_placements as f"
        " using (placement_key, care_period_key)"
        " where r.is_resumed and f.start_date = r.start_date"
    )
    ((parts, moves, first),) = warehouse_rows(
        "select count(*), count(*) filter (where f.is_move),"
        f" count(*) filter (where f.placement_number = 1) {resumed}"
    )
    # by the return's logic an episode each; only back from a temporary absence it is no move
    assert 30 < moves < parts
    assert first == 0


def test_legal_status_on_each_day_is_the_one_in_force_that_began_last(care: MessyCare) -> None:
    found: dict[str, dict[int, str]] = {child: {} for child in care.children}
    children = names(care)
    for key, start, end, code in warehouse_rows(
        "select young_person_key, start_date, end_date, legal_status_code"
        " from core.fct_legal_statuses"
    ):
        for day in range(number_of(start), number_of(end)):
            assert day not in found[children[key]]
            found[children[key]][day] = code
    periods = expected(care)
    for child in care.children:
        legal = care.of("ssd_legal_status", child)
        assert found[child] == status_by_day(legal, periods[child]), child
    ((resumed,),) = warehouse_rows("select count(*) from core.fct_legal_statuses where is_resumed")
    assert resumed > 30


def test_legal_status_of_an_episode_is_the_spell_of_its_first_day(care: MessyCare) -> None:
    assert warehouse_rows(
        "select count(*) from core.fct_care_episodes as e left join core.fct_legal_statuses as l"
        " on l.young_person_key = e.young_person_key and l.start_date <= e.start_date"
        " and (l.end_date is null or e.start_date < l.end_date)"
        " where e.left_out_reason is null"
        " and e.legal_status_code is distinct from l.legal_status_code"
    ) == [(0,)]


def test_deleted_and_added_again_leaves_core_as_if_never_deleted(care: MessyCare) -> None:
    before = contents()
    gone = {name: range(0, len(care.rows[name]), 7) for name in TABLES}
    load(care, NIGHTS[1], gone)
    run_dbt(["run", "--select", *CORE], layer="core")
    in_between = built(care)
    assert in_between == expected(care, gone)
    assert in_between != expected(care)

    load(care, NIGHTS[2])
    run_dbt(["run", "--select", *CORE], layer="core")
    assert contents() == before

    # what was known in between stays known
    run_dbt(
        [*COMMAND, "--select", "+fct_care_periods"],
        layer="as_known_at",
        vars={"as_known_at": NIGHTS[1].isoformat()},
    )
    assert built(care, f"core_as_known_{NIGHTS[1]:%Y%m%d}") == in_between


def contents() -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: warehouse_rows(f"select t::text from core.{table} as t order by 1") for table in CORE
    }
