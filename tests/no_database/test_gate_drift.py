"""The drift rules of gate 2 as pure functions: when each speaks, and when it does not."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from carepath.quality.figures import drift
from carepath.quality.figures.columns import BLANK, OTHER, Delivered, Profile, Said
from carepath.quality.figures.figure import Build, Figure, Point, TeamFigure, Value
from carepath.quality.figures.gate import apply_rules
from carepath.quality.figures.limits import FEWEST_POINTS, limits_of
from carepath.quality.figures.rules import FIGURE_RULES

NIGHT = dt.date(2019, 6, 27)
EET = Figure("kpi_eet", NIGHT, "EET", "open cases", 96, 200, 0.48, 20)
COST = Value("kpi_placement_budget", NIGHT, "weekly cost of open placements", "all", 230_000.0,
             100, 2)  # fmt: skip
WEEKLY = COST.series
TABLE, COLUMN = "ssd_care_leavers", "clea_care_leaver_activity"


def months(*numbers: float, people: float = 200) -> list[Point]:
    """Return points at days of the months up to April 2019."""
    first = 12 * 2019 + 4 - len(numbers)
    days = [dt.date((first + n) // 12, (first + n) % 12 + 1, 28) for n in range(len(numbers))]
    return [
        Point(day, number, number * people, people)
        for day, number in zip(days, numbers, strict=True)
    ]


STEADY = (0.47, 0.48, 0.46, 0.47, 0.49, 0.48, 0.47, 0.46, 0.48, 0.47)


def found(rule: Any, build: Build) -> dict[str, str]:
    """Return what a rule finds: key and words."""
    return {f"{f.mart}|{f.key}": f.says for f in rule(build)[1]}


def history(*points: Point, series: Any = EET.series, team: int = 0) -> dict[Any, list[Point]]:
    return {(series, team): list(points)}


def test_limits_are_those_of_an_xmr_chart() -> None:
    limits = limits_of([10.0, 12.0] * 5)
    assert limits is not None
    assert limits.low == pytest.approx(11 - 2.66 * 2)
    assert limits.high == pytest.approx(11 + 2.66 * 2)
    assert limits.move == pytest.approx(3.27 * 2)


def test_limits_need_ten_points() -> None:
    assert limits_of([1.0] * (FEWEST_POINTS - 1)) is None
    assert limits_of([1.0] * FEWEST_POINTS) is not None


@given(some.lists(some.floats(0, 1), min_size=FEWEST_POINTS, max_size=30))
def test_limits_are_not_broken_by_a_figure_that_stays_where_it_was(numbers: list[float]) -> None:
    limits = limits_of(numbers)
    assert limits is not None
    assert not limits.broken_by(numbers[-1], numbers[-1])


def test_share_beyond_its_own_limits_is_found_with_what_moved_and_since_when() -> None:
    build = Build(night=NIGHT, figures=(replace(EET, numerator=108, share=0.54),),
                  history=history(*months(*STEADY)))  # fmt: skip
    (says,) = found(drift.unusual, build).values()
    assert says.startswith("EET (open cases) went from 47.0% on 28 April 2019 to 54.0% on")
    assert "between 43." in says
    assert list(found(drift.unusual, build)) == ["kpi_eet|EET|open cases"]


def test_share_that_varies_a_lot_may_move_as_far() -> None:
    wild = (0.40, 0.55, 0.42, 0.53, 0.44, 0.56, 0.41, 0.52, 0.43, 0.47)
    build = Build(night=NIGHT, figures=(replace(EET, numerator=108, share=0.54),),
                  history=history(*months(*wild)))  # fmt: skip
    assert found(drift.unusual, build) == {}


def test_share_that_went_slowly_up_for_a_year_is_no_finding() -> None:
    slowly = [0.30 + 0.02 * n for n in range(12)]
    build = Build(night=NIGHT, figures=(replace(EET, numerator=108, share=0.54),),
                  history=history(*months(*slowly)))  # fmt: skip
    assert found(drift.unusual, build) == {}


def test_share_with_a_short_history_or_of_an_earlier_date_is_not_judged() -> None:
    moved = replace(EET, numerator=108, share=0.54)
    short = Build(night=NIGHT, figures=(moved,), history=history(*months(*STEADY[:9])))
    assert drift.unusual(short) == (0, [])
    past = replace(short, figures=(replace(moved, as_at_date=dt.date(2019, 3, 31)),),
                   history=history(*months(*STEADY)))  # fmt: skip
    assert drift.unusual(past) == (0, [])


def test_share_moved_by_fewer_than_five_people_is_no_finding() -> None:
    few = replace(EET, numerator=28, denominator=50, share=0.56)
    build = Build(night=NIGHT, figures=(few,), history=history(*months(*STEADY, people=50)))
    assert found(drift.unusual, build) == {}


def test_value_beyond_its_own_limits_is_found() -> None:
    steady = [200_000.0 + 1_000 * (n % 3) for n in range(12)]
    past = [replace(point, denominator=100) for point in months(*steady)]
    build = Build(night=NIGHT, values=(COST,), history=history(*past, series=WEEKLY))
    assert list(found(drift.unusual, build)) == [
        "kpi_placement_budget|weekly cost of open placements|all"
    ]
    usual = replace(build, values=(replace(COST, value=202_000.0),))
    assert found(drift.unusual, usual) == {}


def team(key: int, numerator: float, denominator: float, **more: Any) -> TeamFigure:
    """Return a team's part of EET."""
    point = Point(more.pop("day", NIGHT), numerator / denominator, numerator, denominator)
    return replace(TeamFigure("kpi_eet", "EET", "open cases", key, f"Team {key}", True, point),
                   **more)  # fmt: skip


def cost(key: int, pounds: float, placements: float) -> TeamFigure:
    """Return a team's part of the weekly cost."""
    return TeamFigure(*WEEKLY, key, f"Team {key}", False, Point(NIGHT, pounds, pounds, placements))


def test_share_moved_by_one_team_names_the_team() -> None:
    before = (team(1, 30, 60), team(2, 35, 70), team(3, 35, 70))
    after = (team(1, 12, 60), team(2, 34, 70), team(3, 36, 70))
    build = Build(night=NIGHT, teams=after, published_teams=before)
    (says,) = found(drift.moved_by_one_team, build).values()
    assert says.endswith("The team Team 1 explains most of it.")
    assert says.startswith("EET (open cases) went from 50.0% on")


def test_share_moved_by_all_teams_names_no_team() -> None:
    before = (team(1, 30, 60), team(2, 35, 70), team(3, 35, 70))
    after = (team(1, 24, 60), team(2, 28, 70), team(3, 29, 70))
    assert found(drift.moved_by_one_team,
                 Build(night=NIGHT, teams=after, published_teams=before)) == {}  # fmt: skip


def test_team_that_appears_or_gets_a_new_name_explains_nothing() -> None:
    before = (team(1, 30, 60), team(2, 35, 70))
    after = (team(1, 30, 60, team_name="Renamed"), team(2, 35, 70), team(3, 0, 20))
    assert found(drift.moved_by_one_team,
                 Build(night=NIGHT, teams=after, published_teams=before)) == {}  # fmt: skip


@pytest.mark.parametrize("times", [10, 100, 1_000])
def test_costs_of_one_team_times_ten_are_found_even_if_the_total_hardly_moves(times: int) -> None:
    before = (cost(1, 3_000, 3), cost(2, 150_000, 50), cost(3, 150_000, 50))
    after = (cost(1, 3_000 * times, 3), *before[1:])
    build = Build(night=NIGHT, teams=after, published_teams=before)
    (says,) = found(drift.moved_by_one_team, build).values()
    assert "Team 1" in says


def test_costs_of_a_team_with_one_placement_may_be_those_of_another_placement() -> None:
    before = (cost(1, 450, 1), cost(2, 150_000, 50), cost(3, 150_000, 50))
    residential = (cost(1, 4_500, 1), *before[1:])
    pence = (cost(1, 45_000, 1), *before[1:])

    def judged(*teams: TeamFigure) -> dict[str, str]:
        return found(drift.moved_by_one_team,
                     Build(night=NIGHT, teams=teams, published_teams=before))  # fmt: skip

    assert judged(*residential) == {}
    assert judged(*pence)


def test_team_is_compared_with_its_own_history_where_there_is_one() -> None:
    series = ("kpi_eet", "EET", "open cases")
    past = {
        (series, key): months(0.5, people=people) for key, people in ((1, 60), (2, 70), (3, 70))
    }
    tonight = (team(1, 12, 60), team(2, 34, 70), team(3, 36, 70))
    build = Build(night=NIGHT, teams=tonight, published_teams=tonight, history=past)
    (says,) = found(drift.moved_by_one_team, build).values()
    assert "on 28 April 2019" in says


def test_movement_that_holds_the_night_says_what_moved_and_which_team_explains_it() -> None:
    old, new = replace(EET, numerator=100, share=0.5), replace(EET, numerator=80, share=0.4)
    build = Build(
        night=NIGHT, figures=(new,), published=(old,),
        teams=(team(1, 12, 60), team(2, 34, 70), team(3, 34, 70)),
        published_teams=(team(1, 30, 60), team(2, 35, 70), team(3, 35, 70)),
    )  # fmt: skip
    (says,) = found(drift.moved_and_why, build).values()
    assert says == (
        "EET (open cases) on 27 June 2019 is 40.0% of 200, 20 left out. Before it was 50.0% of "
        "200, 20 left out. The team Team 1 explains most of it."
    )
    wrong = replace(COST, value=230_000_000.0)
    costs = Build(night=NIGHT, values=(wrong,), published_values=(COST,))
    assert list(found(drift.moved_and_why, costs).values()) == [
        "weekly cost of open placements (all) on 27 June 2019 is 230,000,000.00 from 100 records. "
        "Before it was 230,000.00 from 100 records."
    ]


def profile(before: dict[str, Said], tonight: dict[str, Said], **more: Any) -> Build:
    """Return a build with the profile of one column."""
    return Build(
        night=NIGHT,
        profile=Profile(tonight={(TABLE, COLUMN): tonight}, before={(TABLE, COLUMN): before},
                        since=dt.date(2019, 5, 30), **more),
    )  # fmt: skip


BEFORE = {"F1": Said(100, 40), "F2": Said(300, 120), BLANK: Said(20, 8)}


def test_code_that_takes_many_new_records_is_found() -> None:
    tonight = {**BEFORE, "F2": Said(310, 140), "G4": Said(30, 30)}
    (says,) = found(drift.codes_appeared, profile(BEFORE, tonight)).values()
    assert says == (
        f"The code G4 of {COLUMN} was not in use on 30 May 2019. Since then 30 of 50 new or "
        "changed records have it."
    )
    unlisted = {**BEFORE, OTHER: Said(30, 30)}
    (key,) = found(drift.codes_appeared, profile(BEFORE, unlisted))
    assert key == f"{TABLE}|{COLUMN}|*"


def test_code_that_few_new_records_have_is_no_finding() -> None:
    rare = {**BEFORE, "F2": Said(500, 320), "G4": Said(30, 30)}
    assert found(drift.codes_appeared, profile(BEFORE, rare)) == {}
    few = {**BEFORE, "G4": Said(19, 19)}
    assert found(drift.codes_appeared, profile(BEFORE, few)) == {}
    # all codes of a table that is delivered for the first time are new
    assert found(drift.codes_appeared, profile({BLANK: Said(5, 0)}, {"G4": Said(50, 50)})) == {}


def test_code_that_no_record_has_any_more_is_found() -> None:
    gone = {**BEFORE, "F1": Said(0, 40), "F2": Said(400, 220)}
    (says,) = found(drift.codes_vanished, profile(BEFORE, gone)).values()
    assert says.startswith("100 of 400 records had the code F1")
    assert found(drift.codes_vanished, profile(BEFORE, {**BEFORE, "F1": Said(3, 41)})) == {}


def test_code_that_no_new_record_has_is_found_if_some_were_expected() -> None:
    usual = {(TABLE, COLUMN): {"F1": Said(80, 0), "F2": Said(200, 0), BLANK: Said(20, 0)}}
    tonight = {**BEFORE, "F2": Said(380, 200)}
    (says,) = found(drift.codes_vanished, profile(BEFORE, tonight, usual=usual)).values()
    assert "About 19 of 80 were expected" in says
    fewer = {**BEFORE, "F2": Said(320, 140)}
    assert found(drift.codes_vanished, profile(BEFORE, fewer, usual=usual)) == {}


def test_blanks_that_jump_are_found_in_all_records_and_in_new_ones() -> None:
    more = {"F1": Said(80, 40), "F2": Said(280, 120), BLANK: Said(60, 48)}
    (says,) = found(drift.blanks_jumped, profile(BEFORE, more)).values()
    assert says.startswith(f"{COLUMN} is blank in 14.3% of the records.")
    usual = {(TABLE, COLUMN): {"F1": Said(90, 10), "F2": Said(180, 20), BLANK: Said(20, 0)}}
    large = {"F1": Said(4_000, 40), "F2": Said(6_000, 120), BLANK: Said(100, 8)}
    newly = {"F1": Said(4_010, 50), "F2": Said(6_010, 130), BLANK: Said(140, 48)}
    (says,) = found(drift.blanks_jumped, profile(large, newly, usual=usual)).values()
    assert "blank in 67% of the 60 records that are new or changed since 30 May 2019" in says


def test_blanks_that_are_as_usual_are_no_finding() -> None:
    same = {"F1": Said(110, 60), "F2": Said(330, 160), BLANK: Said(24, 14)}
    assert found(drift.blanks_jumped, profile(BEFORE, same)) == {}
    # a column in which blanks go up and down may have as many as before
    wild = [0.04, 0.14] * 6
    more = {"F1": Said(80, 40), "F2": Said(280, 120), BLANK: Said(60, 48)}
    build = profile(BEFORE, more, blanks={(TABLE, COLUMN): wild})
    assert found(drift.blanks_jumped, build) == {}
    steady = profile(BEFORE, more, blanks={(TABLE, COLUMN): [0.047, 0.048] * 6})
    assert found(drift.blanks_jumped, steady)


def nightly(first: str, last: str, *quiet: tuple[str, str], new: int = 4) -> list[Delivered]:
    """Return a load for every night, with new records on working days that are not quiet."""
    night, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    loads = []
    while night <= end:
        still = any(a <= night.isoformat() <= b for a, b in quiet) or night.isoweekday() > 5
        loads.append(Delivered(night, 0 if still else new))
        night += dt.timedelta(days=1)
    return loads


def still(loads: list[Delivered]) -> dict[str, str]:
    return found(drift.stood_still,
                 Build(night=loads[-1].night, deliveries={"ssd_cla_visits": loads}))  # fmt: skip


def test_table_that_stands_still_for_a_fortnight_is_found() -> None:
    (says,) = still(nightly("2019-02-01", "2019-05-17", ("2019-05-03", "2019-05-17"))).values()
    assert says.startswith("ssd_cla_visits got no new record since 2 May 2019, which is 10 working")
    assert "Usually it gets about 42 in ten." in says


def test_table_that_stands_still_over_christmas_or_easter_is_no_finding() -> None:
    assert still(nightly("2018-09-03", "2019-01-03", ("2018-12-20", "2019-01-03"))) == {}
    assert still(nightly("2019-01-07", "2019-04-26", ("2019-04-12", "2019-04-26"))) == {}


def test_table_that_seldom_moves_or_is_loaded_once_a_month_is_no_finding() -> None:
    seldom = [replace(load, new=int(load.night.day == 1))
              for load in nightly("2019-02-01", "2019-05-28")]  # fmt: skip
    assert still(seldom) == {}
    ends = [Delivered(dt.date(2019, month, 28), 90 * (month < 5)) for month in range(1, 6)]
    assert still(ends) == {}


def test_no_drift_rule_holds_a_night_and_all_of_them_speak_of_their_finding() -> None:
    moved = Build(
        night=NIGHT, figures=(replace(EET, numerator=108, share=0.54),),
        history=history(*months(*STEADY)),
    )  # fmt: skip
    rules = [rule for rule in FIGURE_RULES if rule.rule_id.startswith("DRIFT")]
    assert len(rules) == 6
    results, findings = apply_rules(moved, rules)
    assert [r.rule_id for r in results if r.state == "failed"] == ["DRIFT-01"]
    assert not any(r.holds for r in results)
    assert "went from 47.0%" in next(r.says for r in results if r.state == "failed")
    assert len(findings["DRIFT-01"]) == 1
