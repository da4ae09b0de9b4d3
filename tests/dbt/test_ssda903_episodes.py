"""What the episodes of a return become: homes, legal statuses and periods of care (ADR 9).

Each case has a child to whom the rule applies and one who differs in the point that matters.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from small_recording_system import warehouse_rows
from ssda903_returns import EPISODES, HEADER, write_return

from carepath.landing import load_source
from carepath.sources import find_source
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt

NIGHT = dt.date(2017, 6, 30)
RETURN = """\
SAME1,01/05/2016,S,C1,N1,U5,PR1,01/07/2016,X1,,,,SC000001
SAME1,01/07/2016,T,C1,N1,U5,PR1,01/09/2016,X1,,,,SC000001
SAME1,01/09/2016,U,C2,N1,U5,PR1,,,,,,SC000001
SAME2,01/05/2016,S,C1,N1,U5,PR1,01/07/2016,X1,,,,SC000001
SAME2,01/07/2016,T,C1,N1,U5,PR1,01/09/2016,X1,,,,SC000002
SAME2,01/09/2016,P,C1,N1,U5,PR1,,,,,,SC000002
BREAK1,01/05/2016,S,C2,N1,U4,PR1,,,,,,SC000001
BREAK1,01/08/2016,S,V4,N2,K2,PR1,09/08/2016,E8,,,,SC000002
BREAK2,01/05/2016,S,C2,N1,U4,PR1,01/08/2016,E4A,,,,SC000001
BREAK2,01/08/2016,S,V4,N2,K2,PR1,09/08/2016,E8,,,,SC000002
BREAK3,01/05/2016,S,C2,N1,U4,PR1,01/08/2016,X1,,,,SC000001
BREAK3,01/08/2016,L,V4,N2,K2,PR1,09/08/2016,X1,,,,SC000002
BREAK3,09/08/2016,L,C2,N1,U4,PR1,,,,,,SC000001
BREAK4,01/05/2016,S,V4,N2,K2,PR1,01/08/2016,E8,,,,SC000002
BREAK4,01/08/2016,S,C2,N1,U4,PR1,,,,,,SC000001
OPEN1,01/05/2016,S,C2,N1,U4,PR1,,,,,,SC000001
OPEN1,01/09/2016,S,C2,N1,U4,PR1,22/03/2017,E4A,,,,SC000001
OPEN2,01/05/2016,S,C2,N1,U4,PR1,,,,,,SC000001
OPEN2,01/09/2016,P,C2,N1,U4,PR1,22/03/2017,E4A,,,,SC000002
GAP1,01/05/2016,S,C2,N1,U4,PR1,01/08/2016,X1,,,,SC000001
GAP1,05/08/2016,P,C2,N1,U4,PR1,,,,,,SC000002
GAP2,01/05/2016,S,C2,N1,U4,PR1,01/08/2016,E4A,,,,SC000001
GAP2,05/08/2016,S,C2,N1,U4,PR1,,,,,,SC000002
"""


@pytest.fixture(scope="module", autouse=True)
def core(warehouse: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Load the return, and build core from it."""
    episodes = EPISODES.partition("\n")[0] + "\n" + RETURN
    children = sorted({line.partition(",")[0] for line in RETURN.splitlines()})
    header = HEADER.partition("\n")[0] + "\n"
    header += "".join(f"{child},1,14/05/2006,WBRI,UN1,0,\n" for child in children)
    folder: Path = write_return(
        tmp_path_factory.mktemp("episodes"), {"children.csv": header, "stays.csv": episodes}
    )
    load = load_source(None, find_source(f"ssda903:{folder}?period=2017"), NIGHT).load
    with connect("carepath_loader") as loader:
        loader.execute(
            "insert into ops.cutoffs values (%s, %s, %s, 'gate')",
            (load.authority, load.load_id, NIGHT),
        )
    models = ("+fct_placement_carers", "+fct_legal_statuses")
    kinds = ("--resource-type", "model", "--resource-type", "seed")
    run_dbt(["build", "--select", *models, *kinds], layer="core")


def of(child: str, table: str, columns: str) -> list[tuple[Any, ...]]:
    """Return a child's rows of a table of core, in order of their first day."""
    return warehouse_rows(
        f"select {columns} from core.{table} where young_person_key"
        " = core.key_of('E09900903|' || %s) order by start_date",
        (child,),
    )


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def test_same_carers_in_the_same_place_are_one_home_settled_from_the_first_day() -> None:
    columns = "start_date, end_date, is_move, settled_from_date, home_number"
    first, moved = day("2016-05-01"), day("2016-07-01")
    assert of("SAME1", "fct_placements", columns) == [(first, None, False, first, 1)]
    # an Ofsted number of another provider is a move; a change of carers too
    last = day("2016-09-01")
    assert of("SAME2", "fct_placements", columns) == [
        (first, moved, False, first, 1), (moved, last, True, moved, 2),
        (last, None, True, last, 3),
    ]  # fmt: skip
    # as the Department's stability counts them: T is the same carer, whatever the provider
    assert of("SAME1", "fct_placement_carers", "carer_number") == [(1,)]
    assert of("SAME2", "fct_placement_carers", "carer_number") == [(1,), (1,), (2,)]


def test_short_break_within_care_describes_neither_status_nor_placement() -> None:
    first, ended = day("2016-05-01"), day("2016-08-01")
    status = "legal_status_code, start_date, end_date"
    placement = "placement_type_code, start_date, end_date"
    assert of("BREAK1", "fct_care_periods", "start_date, end_date") == [(first, None)]
    assert of("BREAK1", "fct_legal_statuses", status) == [("C2", first, None)]
    assert of("BREAK1", "fct_placements", placement) == [("U4", first, None)]
    # care had ended when this one began
    assert of("BREAK2", "fct_care_periods", "start_date, end_date") == [(first, ended)]
    assert of("BREAK2", "fct_legal_statuses", status) == [
        ("C2", first, ended), ("V4", ended, day("2016-08-09")),
    ]  # fmt: skip
    assert of("BREAK2", "fct_placements", placement) == [("U4", first, ended)]


def test_short_break_that_touches_care_is_not_care() -> None:
    first, ended, again = day("2016-05-01"), day("2016-08-01"), day("2016-08-09")
    period = "start_date, end_date, is_chain_broken, is_reentry_within_12_months"
    placement = "placement_type_code, start_date, end_date, is_move"
    # care on both sides of it: X1 promised that care goes on, so this is not a re-entry
    assert of("BREAK3", "fct_care_periods", period) == [
        (first, ended, True, False), (again, None, False, False),
    ]  # fmt: skip
    assert of("BREAK3", "fct_placements", placement) == [
        ("U4", first, ended, False), ("U4", again, None, False),
    ]  # fmt: skip
    # care begins where it ends
    assert of("BREAK4", "fct_care_periods", period) == [(ended, None, False, False)]
    assert of("BREAK4", "fct_placements", placement) == [("U4", ended, None, False)]
    for child in ("BREAK2", "BREAK3", "BREAK4"):
        reasons = of(child, "fct_care_episodes", "left_out_reason")
        assert reasons.count(("short break",)) == 1


def test_open_end_before_reason_s_ends_the_period_of_care() -> None:
    columns = "start_date, end_date, closed_open_end_count"
    first, last = day("2016-05-01"), day("2017-03-22")
    assert of("OPEN1", "fct_care_periods", columns) == [
        (first, day("2016-08-31"), 1), (day("2016-09-01"), last, 0),
    ]  # fmt: skip
    assert of("OPEN2", "fct_care_periods", columns) == [(first, last, 1)]


def test_gap_after_x1_is_marked_and_is_not_a_reentry() -> None:
    columns = "is_chain_broken, gap_day_count, is_reentry_within_12_months"
    assert of("GAP1", "fct_care_periods", columns) == [(True, None, False), (False, 4, False)]
    assert of("GAP2", "fct_care_periods", columns) == [(False, None, False), (False, 4, True)]
