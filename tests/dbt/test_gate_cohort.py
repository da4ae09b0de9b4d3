"""Gate 2 on real nights in which care leavers turn 25 and leave the cohort one by one."""

from __future__ import annotations

import datetime as dt

import pytest
from small_recording_system import SmallRecordingSystem, warehouse_rows

from carepath.publish import publish
from carepath.quality.decision import Decision
from carepath.quality.figures.gate import judge_figures
from carepath.warehouse.connect import connect
from carepath.warehouse.models import build_models

AUTHORITY = "E09900001"
# 40 care leavers, then 39; a month's end; and one night later 38
NIGHTS = {"2019-06-27": 40, "2019-06-28": 39, "2019-06-30": 39, "2019-07-01": 38}


def judged_night(system: SmallRecordingSystem, night: str) -> Decision:
    """Load, build, judge and publish one night; gate 1 is not what is tested and passes."""
    run_id = f"cohort {night}"
    load_id = system.load(night).load.load_id
    with connect("carepath_loader", autocommit=True) as loader:
        loader.execute("insert into ops.runs (run_id, night) values (%s, %s)", (run_id, night))
        loader.execute(
            "insert into quality.gate_runs (authority, gate, load_id, night, decision)"
            " values (%s, 1, %s, %s, 'pass')",
            (AUTHORITY, load_id, night),
        )
        loader.execute(
            "insert into ops.cutoffs values (%s, %s, %s, 'gate') on conflict (authority)"
            " do update set load_id = excluded.load_id, night = excluded.night",
            (AUTHORITY, load_id, night),
        )
        build_models(loader, run_id)
    decision = judge_figures(run_id, load_id)
    if decision.passed:
        publish(run_id, AUTHORITY, load_id, dt.date.fromisoformat(night))
    return decision


@pytest.mark.usefixtures("staged_warehouse")
def test_cohort_that_shrinks_by_one_is_published_night_after_night() -> None:
    system = SmallRecordingSystem("gate_cohort", AUTHORITY)
    for number in range(40):
        system.add_leaver(f"P{number:02}", row_id=str(number))
        system.execute(
            "insert into local_eet_status values (%s, 'EET', '2019-01-01', 'W1')",
            (f"P{number:02}",),
        )
    for night, size in NIGHTS.items():
        system.execute("delete from ssd_care_leavers where clea_person_id >= %s", (f"P{size:02}",))
        decision = judged_night(system, night)
        assert decision.passed, (night, decision.reasons)
        assert warehouse_rows(
            "select numerator from marts.kpi_care_leavers where as_at_date = %s"
            " and measure = 'care leavers' and segment = 'all'",
            (night,),
        ) == [(size,)]
    # the figures are about the earlier cohort, which is larger than the later one
    assert warehouse_rows(
        "select as_at_date::text, numerator, denominator from marts.kpi_two_snapshots"
        " where measure = 'in both snapshots' order by 1"
    ) == [("2019-07-01", 38, 39)]
