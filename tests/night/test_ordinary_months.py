"""Ordinary nights of an ordinary department hold nothing; wrong deaths and costs are found.

The suite runs the nights on which something happens that once held a night, at the smallest
scale. `python -m benchmarks --months` runs two years, and two months of them night by night.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from carepath.demonstration.ordinary import (
    AUTHORITY,
    Event,
    OrdinaryDepartment,
    run_night,
    source,
)
from carepath.night import lock
from carepath.quality.figures.build import read_build
from carepath.settings import get_settings
from carepath.sources import write_sources
from carepath.warehouse.connect import connect

# before Christmas, after its quiet days, and when a new code and a third more contacts have come
NIGHTS = (dt.date(2018, 12, 20), dt.date(2019, 1, 2), dt.date(2019, 2, 28))
DEATHS = dt.date(2019, 3, 1)
ONE_TEAM, ALL_PLACEMENTS = dt.date(2019, 3, 2), dt.date(2019, 3, 3)
ALL_DIED = (
    "update ssd_person set pers_death_date = '2018-06-01' where upper(btrim(pers_person_id)) in"
    " (select upper(btrim(clea_person_id)) from ssd_care_leavers)"
)
TIMES_HUNDRED = (
    "update local_placement_costs set lpco_weekly_cost = lpco_weekly_cost * 100"
    " where lpco_placement_id in (select clap_cla_placement_id from ssd_cla_placement"
    " inner join ssd_involvements on upper(btrim(invo_person_id)) = upper(btrim(clap_person_id))"
    " where clap_cla_placement_end_date is null and invo_involvement_end_date is null"
    " and invo_professional_team = (select invo_professional_team from ssd_involvements"
    " inner join ssd_cla_placement on upper(btrim(invo_person_id)) = upper(btrim(clap_person_id))"
    " inner join local_placement_costs on lpco_placement_id = clap_cla_placement_id"
    " where clap_cla_placement_end_date is null and invo_involvement_end_date is null"
    " group by 1 order by count(*), 1 limit 1))"
)
TIMES_THOUSAND = (
    "update local_placement_costs set lpco_weekly_cost = lpco_weekly_cost * 1000"
    " where lpco_placement_id in (select clap_cla_placement_id from ssd_cla_placement"
    " where clap_cla_placement_end_date is null)"
)


@pytest.fixture(scope="module")
def department(staged_warehouse: None) -> Iterator[OrdinaryDepartment]:
    """The department after its ordinary nights, each of which was published."""
    write_sources([source()])
    found = OrdinaryDepartment(leavers=8, others=200)
    try:
        with lock.driving():
            for night in NIGHTS:
                found.advance(night)
                outcome, _ = run_night(night)
                assert outcome.state == "published", (night, outcome.message)
            yield found
    finally:  # the modules that follow begin without a source
        get_settings().sources_file.unlink()


def said(night: dt.date, rule_id: str) -> list[str]:
    """Return what a rule of gate 2 said about a night."""
    with connect("carepath_analyst") as analyst:
        rows = analyst.execute(
            "select says from quality.figure_findings inner join quality.gate_runs"
            " using (gate_run_id) where night = %s and rule_id = %s order by says",
            (night, rule_id),
        ).fetchall()
    return [says for (says,) in rows]


def test_ordinary_nights_are_published_and_no_table_stood_still_at_christmas(
    department: OrdinaryDepartment,
) -> None:
    assert not [says for night in NIGHTS for says in said(night, "DRIFT-06")]
    assert {event.day for event in department.events if event.day <= NIGHTS[-1]} >= {
        dt.date(2019, 1, 7), dt.date(2019, 2, 18),
    }  # fmt: skip


def test_parts_of_the_teams_add_up_to_each_declared_figure(department: OrdinaryDepartment) -> None:
    with connect("carepath_loader", autocommit=True) as loader:
        build = read_build(loader, "no run", AUTHORITY, NIGHTS[-1])
    parts: dict[tuple[str, str, str], tuple[float, float]] = {}
    for team in build.teams:
        counted, people = parts.get(team.series, (0.0, 0.0))
        parts[team.series] = (counted + team.point.numerator, people + team.point.denominator)
    wholes = {
        figure.series: (figure.point.numerator, figure.point.denominator)
        for figure in (*build.figures, *build.values)
        if figure.as_at_date == NIGHTS[-1] and figure.point is not None
    }
    declared = [part for mart in build.marts.values() for part in mart.judged.by_team]
    assert len(parts) == len(declared) > 4
    for series, whole in parts.items():
        assert whole == pytest.approx(wholes[series]), series


def test_deaths_of_all_care_leavers_hold(department: OrdinaryDepartment) -> None:
    ordinary = department.events
    department.events = (*ordinary, Event(DEATHS, "all have died", (ALL_DIED,)))
    try:
        department.advance(DEATHS)
        outcome, _ = run_night(DEATHS)
    finally:
        department.events = ordinary
    assert outcome.state == "held"
    with connect("carepath_analyst") as analyst:
        holding = analyst.execute(
            "select rule_id from quality.rule_results inner join quality.gate_runs"
            " using (gate_run_id) where night = %s and holds order by rule_id",
            (DEATHS,),
        ).fetchall()
    assert {"LIFE-03", "LIFE-05"} <= {rule_id for (rule_id,) in holding}


def test_costs_of_one_team_are_a_finding_and_those_of_all_placements_hold(
    department: OrdinaryDepartment,
) -> None:
    ordinary = department.events
    states = []
    try:
        for night, statement in ((ONE_TEAM, TIMES_HUNDRED), (ALL_PLACEMENTS, TIMES_THOUSAND)):
            department.events = (*ordinary, Event(night, "costs are wrong", (statement,)))
            department.advance(night)
            states.append(run_night(night)[0].state)
    finally:
        department.events = ordinary
    (says,) = [text for text in said(ONE_TEAM, "DRIFT-02") if text.startswith("weekly cost")]
    assert "The team " in says or "about the team " in says
    # gate 2 holds the first because the total moved; gate 1 the second, as no week costs so much
    assert states == ["held", "held"]
