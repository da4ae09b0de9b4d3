"""Gate 2: the checks on figures, as pure functions and on a real PostgreSQL."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import scratch_staging as staging

from carepath.quality import checks
from carepath.quality.checks import Build, Figure, check_figures, run_checks, tolerance
from carepath.warehouse.connect import connect

NIGHT = staging.NIGHT
EARLIER = dt.date(2019, 5, 31)
COHORT = Figure("kpi_care_leavers", NIGHT, "care leavers", "all", 100, None, None, 0)
EET = Figure("kpi_eet", NIGHT, "EET", "open cases", 40, 80, 0.5, 20)
NEET = replace(EET, measure="NEET")
GOOD = Build(night=NIGHT, figures=(COHORT, EET, NEET), cohort={NIGHT: 100})


def failing(build: Build) -> dict[str, list[str]]:
    """Return the keys that each failing check finds."""
    _, findings = check_figures(build)
    return {
        rule_id: [f"{f.mart}|{f.key}" for f in found]
        for rule_id, found in findings.items()
        if found
    }


def moved(old: Figure, new: Figure, **more: Any) -> list[str]:
    """Return what the check of movements finds between two figures."""
    build = Build(night=NIGHT, figures=(new,), published=(old,), **more)
    return [finding.key for finding in checks.moved(build)[1]]


def test_figures_that_agree_pass() -> None:
    results, findings = check_figures(GOOD)
    assert {r.state for r in results} == {"passed"}
    assert not any(r.holds for r in results)
    assert not any(findings.values())


@pytest.mark.parametrize(
    ("build", "rule_id"),
    [
        (Build(night=NIGHT), "KPI-01"),
        (replace(GOOD, published=(replace(EET, mart="kpi_gone"),)), "KPI-01"),
        (replace(GOOD, night=dt.date(2019, 7, 1)), "KPI-01"),
        (replace(GOOD, figures=(COHORT, replace(EET, numerator=81), NEET)), "KPI-02"),
        (replace(GOOD, figures=(COHORT, replace(EET, numerator=None), NEET)), "KPI-02"),
        (replace(GOOD, figures=(COHORT, replace(EET, share=0.6), NEET)), "KPI-02"),
        (replace(GOOD, figures=(COHORT, replace(EET, left_out_count=21), NEET)), "KPI-03"),
        (replace(GOOD, figures=(replace(COHORT, numerator=99), EET, NEET)), "KPI-04"),
        (replace(GOOD, figures=(EET, NEET)), "KPI-04"),
        (replace(GOOD, cohort={NIGHT: 100, EARLIER: 90}), "KPI-04"),
        (replace(GOOD, figures=(COHORT, EET, replace(NEET, numerator=41))), "KPI-05"),
        (replace(GOOD, failed_tests=("marts: unique_kpi_eet",)), "KPI-07"),
        (replace(GOOD, published=(replace(COHORT, snapshot_date=EARLIER),)), "KPI-08"),
        (replace(GOOD, segments=(("kpi_eet", "all", True), ("kpi_eet", "odd", False))), "KPI-09"),
    ],
)
def test_figures_that_disagree_are_found(build: Build, rule_id: str) -> None:
    results, _ = check_figures(build)
    assert failing(build)[rule_id]
    assert next(r for r in results if r.rule_id == rule_id).holds


def test_figures_of_other_children_than_care_leavers_may_outnumber_their_cohort() -> None:
    looked_after = Figure("kpi_looked_after", NIGHT, "looked after", "all", 250, None, None, 0)
    earlier = replace(looked_after, snapshot_date=dt.date(2014, 3, 31))
    build = replace(GOOD, figures=(*GOOD.figures, looked_after, earlier))
    assert not any(failing(build).values())


ENTRIES = Figure("kpi_care_entries", NIGHT, "entries to care", "all", 10, None, None, 0)


def test_movement_of_events_is_followed_from_night_to_night_only() -> None:
    last_night = replace(ENTRIES, snapshot_date=dt.date(2019, 6, 29), numerator=20)
    assert moved(last_night, ENTRIES) == [ENTRIES.key]
    assert moved(replace(last_night, snapshot_date=dt.date(2018, 6, 30)), ENTRIES) == []


def test_movement_of_visits_in_a_window_of_days_may_be_twice_as_large() -> None:
    visits = replace(EET, mart="kpi_visits")
    thursday = replace(visits, snapshot_date=NIGHT - dt.timedelta(days=3))
    assert moved(thursday, replace(visits, numerator=47, share=0.5875)) == []
    assert moved(thursday, replace(visits, numerator=49, share=0.6125)) == [visits.key]
    assert moved(replace(thursday, mart="kpi_eet"), replace(EET, numerator=47, share=0.5875)) == [
        EET.key
    ]


def test_movement_of_a_past_quarter_may_be_larger_the_longer_ago_it_was_published() -> None:
    quarter = replace(ENTRIES, snapshot_date=dt.date(2019, 3, 31), numerator=100)
    revised = replace(quarter, numerator=114)
    for night, found in ((dt.date(2019, 6, 29), [revised.key]), (dt.date(2019, 5, 31), [])):
        last_night = replace(COHORT, snapshot_date=night)
        build = Build(night=NIGHT, figures=(COHORT, revised), published=(last_night, quarter))
        assert [finding.key for finding in checks.moved(build)[1]] == found


def test_figures_of_events_stay_at_quarter_ends_and_those_of_care_leavers_at_month_ends() -> None:
    month_end, quarter_end = dt.date(2019, 5, 31), dt.date(2019, 3, 31)

    def gone(figure: Figure, day: dt.date) -> list[str]:
        published = (replace(figure, snapshot_date=day),)
        return failing(replace(GOOD, published=published)).get("KPI-08", [])

    assert gone(COHORT, month_end) == ["kpi_care_leavers|2019-05-31"]
    assert gone(ENTRIES, month_end) == []
    assert gone(ENTRIES, quarter_end) == ["kpi_care_entries|2019-03-31"]


def test_check_that_raises_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Build) -> tuple[int, list[checks.Finding]]:
        raise ZeroDivisionError("value of a record")

    broken = replace(checks.CHECKS[0], find=fail)
    monkeypatch.setattr(checks, "CHECKS", (broken,))
    (result,), _ = check_figures(GOOD)
    assert (result.state, result.holds, result.message) == ("error", True, "ZeroDivisionError")


def test_tolerance_grows_with_the_time_passed() -> None:
    assert tolerance(0, of_share=True) == pytest.approx(0.05)
    assert tolerance(30, of_share=True) == pytest.approx(0.075)
    assert tolerance(577, of_share=True) > 0.5
    assert tolerance(30, of_share=False) == pytest.approx(0.15)


def test_movement_first_publication_is_not_compared() -> None:
    assert checks.moved(GOOD) == (0, [])


def test_movement_of_the_same_day_beyond_five_points_is_found() -> None:
    assert moved(EET, replace(EET, numerator=44, share=0.55)) == []
    assert moved(EET, replace(EET, numerator=45, share=0.5625)) == [EET.key]


def test_movement_over_a_month_may_be_larger() -> None:
    old = replace(EET, snapshot_date=EARLIER)
    assert moved(old, replace(EET, numerator=45, share=0.5625)) == []
    assert moved(old, replace(EET, numerator=60, share=0.75)) == [EET.key]


def test_movement_of_a_month_end_that_is_published_late_is_found() -> None:
    # 31 May was not published in its night; 30 June is as it was at the end of April
    april = replace(EET, snapshot_date=dt.date(2019, 4, 30))
    late = replace(EET, snapshot_date=EARLIER, numerator=10, share=0.125)
    build = Build(night=NIGHT, figures=(late, EET), published=(april,))
    assert [finding.key for finding in checks.moved(build)[1]] == [late.key]
    before_all = replace(build, published=(replace(EET),))
    assert checks.moved(before_all) == (1, [])


def test_movement_of_fewer_than_five_people_is_none() -> None:
    old = replace(EET, numerator=5, denominator=10, share=0.5)
    assert moved(old, replace(old, numerator=9, share=0.9)) == []


def test_movement_of_a_count_beyond_a_tenth_is_found() -> None:
    assert moved(COHORT, replace(COHORT, numerator=110)) == []
    assert moved(COHORT, replace(COHORT, numerator=111)) == [COHORT.key]


def test_movement_to_nobody_measured_is_found() -> None:
    gone = replace(EET, numerator=0, denominator=0, share=None)
    assert moved(EET, gone) == [EET.key]


def test_movement_of_the_people_behind_a_share_that_stands_is_found() -> None:
    everyone = replace(EET, numerator=100, denominator=200, left_out_count=0)
    few = replace(everyone, numerator=10, denominator=20)
    assert moved(everyone, few) == [EET.key]
    assert moved(everyone, replace(few, left_out_count=180)) == [EET.key]
    assert moved(everyone, replace(everyone, numerator=91, denominator=182)) == []


def test_movement_of_those_left_out_is_found_where_they_grow() -> None:
    more = replace(EET, numerator=34, denominator=68, left_out_count=32)
    assert moved(EET, more) == [EET.key]
    assert moved(more, EET) == []
    assert moved(EET, replace(EET, numerator=38, denominator=76, left_out_count=24)) == []


def test_movement_of_the_demonstration_over_nineteen_months_is_none() -> None:
    baseline = dt.date(2017, 11, 30)
    old = replace(EET, snapshot_date=baseline, numerator=108, denominator=189, share=108 / 189,
                  left_out_count=12)  # fmt: skip
    new = replace(EET, numerator=88, denominator=174, share=88 / 174, left_out_count=91)
    assert moved(old, new) == []
    few = replace(old, segment="open UASC cases", numerator=15, denominator=26, share=15 / 26,
                  left_out_count=0)  # fmt: skip
    more = replace(new, segment="open UASC cases", numerator=40, denominator=46, share=40 / 46,
                   left_out_count=22)  # fmt: skip
    assert moved(few, more) == []


def test_snapshot_of_the_latest_night_may_go_and_one_that_stays_may_not() -> None:
    month_end, latest = replace(COHORT, snapshot_date=EARLIER), dt.date(2019, 6, 27)
    gone = replace(GOOD, published=(month_end, replace(COHORT, snapshot_date=latest)))
    assert failing(gone)["KPI-08"] == ["kpi_care_leavers|2019-05-31"]
    assert failing(replace(gone, published_dates={(True, latest)}))["KPI-08"] == [
        "kpi_care_leavers|2019-05-31",
        "kpi_care_leavers|2019-06-27",
    ]
    assert "KPI-08" not in failing(replace(gone, accepted=("2019-05-31",)))
    kept = replace(gone, figures=(*GOOD.figures, month_end), cohort={NIGHT: 100, EARLIER: 100})
    assert failing(kept) == {}


@pytest.mark.parametrize("name", ["eet", "EET", "kpi_eet", "all"])
def test_movement_accepted_by_a_person_passes(name: str) -> None:
    assert moved(EET, replace(EET, numerator=60, share=0.75), accepted=(name,)) == []


def test_movement_accepted_for_another_kpi_is_still_found() -> None:
    assert moved(EET, replace(EET, numerator=60, share=0.75), accepted=("NEET",)) == [EET.key]


COLUMNS = (
    "authority text, snapshot_date date, measure text, segment text, numerator integer,"
    " denominator integer, share numeric, left_out_count integer, left_out_reason text"
)


@pytest.fixture
def built(warehouse: None) -> Any:
    """A loader's connection to a warehouse with a small build of one authority."""
    with connect("carepath_loader", autocommit=True) as loader:
        staging.load(loader)
        loader.execute(
            "drop table if exists core.fct_leaving_care_snapshot, marts_build.kpi_eet,"
            " marts_build.kpi_care_leavers, core.published_snapshot_dates, core.report_dates,"
            " marts_build.dim_segment"
        )
        loader.execute(
            "create table core.published_snapshot_dates (authority text, snapshot_date date);"
            "create table core.report_dates (authority text, report_date date)"
        )
        loader.execute("create table core.fct_leaving_care_snapshot as select %s as authority,"
                       " %s::date as snapshot_date from generate_series(1, 100)",
                       (staging.AUTHORITY, NIGHT))  # fmt: skip
        for mart in ("kpi_eet", "kpi_care_leavers"):
            loader.execute(f"create table marts_build.{mart} ({COLUMNS})")
        put(loader, "marts_build", COHORT, EET, NEET)
        loader.execute(
            "create table marts_build.dim_segment as select %s as authority, segment"
            " from unnest(array['all', 'open cases']) as segment",
            (staging.AUTHORITY,),
        )
        yield loader


def put(connection: psycopg.Connection[Any], schema: str, *figures: Figure) -> None:
    """Insert figures into their marts."""
    for f in figures:
        connection.execute(
            f"insert into {schema}.{f.mart} values (%s, %s, %s, %s, %s, %s, %s, %s)",
            (staging.AUTHORITY, f.snapshot_date, f.measure, f.segment, f.numerator,
             f.denominator, f.share, f.left_out_count),
        )  # fmt: skip


def test_run_checks_good_build_passes_and_is_kept(built: psycopg.Connection[Any]) -> None:
    decision = run_checks("run", staging.AUTHORITY)
    assert decision.passed, decision.reasons
    kept = built.execute(
        "select gate, decision from quality.gate_runs where gate_run_id = %s",
        (decision.gate_run_id,),
    ).fetchone()
    assert kept == (2, "pass")


def test_run_checks_bad_build_holds_and_names_the_figure(built: psycopg.Connection[Any]) -> None:
    built.execute("update marts_build.kpi_eet set numerator = 81 where measure = 'EET'")
    decision = run_checks("run", staging.AUTHORITY)
    assert not decision.passed
    assert "What to do" in decision.message
    listed = built.execute(
        "select record_key from quality.work_list where rule_id = 'KPI-02' and gate = 2"
    ).fetchall()
    assert listed == [("kpi_eet|2019-06-30|EET|open cases",)]


def test_run_checks_segment_that_no_mart_declares_holds_and_says_what_to_declare(
    built: psycopg.Connection[Any],
) -> None:
    built.execute("create table marts_build.kpi_of_values (authority text, segment text)")
    try:
        built.execute(
            "insert into marts_build.kpi_of_values values (%s, 'all'), (%s, 'by the moon'),"
            " ('E09900009', 'of another authority')",
            (staging.AUTHORITY, staging.AUTHORITY),
        )
        held = run_checks("run", staging.AUTHORITY)
    finally:
        built.execute("drop table marts_build.kpi_of_values")
    assert [r.partition(" ")[0] for r in held.reasons] == ["KPI-09"]
    assert "config.meta.segments" in held.message
    assert built.execute(
        "select record_key from quality.work_list where rule_id = 'KPI-09'"
    ).fetchall() == [("kpi_of_values|by the moon",)]


def test_run_checks_movement_holds_until_accepted(built: psycopg.Connection[Any]) -> None:
    with connect("carepath_owner", autocommit=True) as owner:
        owner.execute("drop table if exists marts.kpi_eet")
        owner.execute(f"create table marts.kpi_eet ({COLUMNS})")
        put(owner, "marts", replace(EET, numerator=10, share=0.125))
        try:
            held = run_checks("run", staging.AUTHORITY)
            accepted = run_checks("run", staging.AUTHORITY, accept_movement=["EET"])
        finally:
            owner.execute("drop table marts.kpi_eet")
    assert [r.partition(" ")[0] for r in held.reasons] == ["KPI-06"]
    assert "--accept-movement" in held.message
    assert accepted.passed, accepted.reasons


def test_run_checks_published_date_that_is_not_built_holds(
    built: psycopg.Connection[Any],
) -> None:
    day = dt.date(2017, 11, 29)
    built.execute(
        "insert into core.published_snapshot_dates values (%s, %s)", (staging.AUTHORITY, day)
    )
    with connect("carepath_owner", autocommit=True) as owner:
        owner.execute(f"create table marts.kpi_eet ({COLUMNS})")
        put(owner, "marts", replace(EET, snapshot_date=day))
        try:
            held = run_checks("run", staging.AUTHORITY)
        finally:
            owner.execute("drop table marts.kpi_eet")
    assert [r.partition(" ")[0] for r in held.reasons] == ["KPI-08"]
    assert "--accept-movement" in held.message


def test_run_checks_compares_each_pair_of_snapshots_with_itself(
    built: psycopg.Connection[Any],
) -> None:
    pair = Figure("kpi_two_snapshots", NIGHT, "in both snapshots", "all", 70, 100, 0.7, 0)
    with connect("carepath_owner", autocommit=True) as owner:
        schemas = {"marts": owner, "marts_build": built}
        for schema, role in schemas.items():
            role.execute(f"create table {schema}.kpi_two_snapshots ({COLUMNS},"
                         " earlier_snapshot_date date)")  # fmt: skip
            put(role, schema, pair, replace(pair, numerator=99, share=0.99))
            role.execute(f"update {schema}.kpi_two_snapshots set earlier_snapshot_date"
                         " = case numerator when 70 then date '2017-11-30' else %s end",
                         (EARLIER,))  # fmt: skip
        try:
            decision = run_checks("run", staging.AUTHORITY)
        finally:
            for schema, role in schemas.items():
                role.execute(f"drop table {schema}.kpi_two_snapshots")
    assert decision.passed, decision.reasons


def test_run_checks_failed_dbt_test_holds(built: psycopg.Connection[Any]) -> None:
    built.execute(
        "insert into ops.model_timings (run_id, layer, model, status)"
        " values ('run', 'marts', 'unique_kpi_eet', 'fail')"
    )
    decision = run_checks("run", staging.AUTHORITY)
    built.execute("delete from ops.model_timings")
    assert not decision.passed


def test_run_checks_failed_dbt_test_holds_the_authorities_that_it_is_about(
    built: psycopg.Connection[Any],
) -> None:
    decisions = []
    for authorities in (["E09900009"], ["E09900009", staging.AUTHORITY]):
        built.execute(
            "insert into ops.model_timings (run_id, layer, model, status, authorities)"
            " values ('run', 'marts', 'unique_kpi_eet', 'fail', %s)",
            (authorities,),
        )
        decisions.append(run_checks("run", staging.AUTHORITY))
        built.execute("delete from ops.model_timings")
    assert decisions[0].passed, decisions[0].reasons
    assert not decisions[1].passed
    assert "marts: unique_kpi_eet" in decisions[1].message


def test_run_checks_dbt_test_that_passed_when_retried_passes(
    built: psycopg.Connection[Any],
) -> None:
    built.execute(
        "insert into ops.model_timings (run_id, layer, model, status, recorded_at) values"
        " ('run', 'marts', 'unique_kpi_eet', 'fail', '2019-06-30 02:00'),"
        " ('run', 'marts', 'unique_kpi_eet', 'pass', '2019-06-30 02:05'),"
        " ('run', 'marts', 'leaving_care_report', 'no-op', '2019-06-30 02:05')"
    )
    decision = run_checks("run", staging.AUTHORITY)
    built.execute("delete from ops.model_timings")
    assert decision.passed, decision.reasons


def test_run_checks_without_core_holds(built: psycopg.Connection[Any]) -> None:
    built.execute("drop table core.fct_leaving_care_snapshot")
    decision = run_checks("run", staging.AUTHORITY)
    assert not decision.passed
    assert "does not exist" in decision.message
