"""Gate 2: the figures of one authority in marts_build, before they are published.

The KPI marts are small, so the checks are pure functions over their rows. All are critical: one
finding holds the authority's publication. A KPI may move as far as `tolerance` allows for the
time that has passed, or further once a person has said that it is right
(`carepath run --accept-movement KPI`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg import sql

from carepath.errors import CarepathError, safe_message
from carepath.quality.decision import Decision, Result, decide, weigh
from carepath.quality.results import keep_decision, mirror, open_gate_run, read_cutoff
from carepath.warehouse.connect import connect
from carepath.warehouse.kpi_page import MARTS
from expectations.rule import BI_TEAM

LOADER = "carepath_loader"
COHORT = "fct_leaving_care_snapshot"

# Movement: five points of a share and a tenth of a count from one night to the next; figures of
# people drift, so half of that more for every month between the two nights. Fewer than five people
# are no movement: one person of twenty is five points.
SHARE_BASE, SHARE_PER_MONTH = 0.05, 0.025
COUNT_BASE, COUNT_PER_MONTH = 0.10, 0.05
FEW_PEOPLE = 5
# How many times further a mart's shares may move: who was visited within ten working days depends
# on the day of the week and on holidays.
WIDER = {"kpi_visits": 2.0}
# Nights further apart than this do not follow one another: a source was out for long, or began.
NIGHT_TO_NIGHT_DAYS = 7

# The marts that count the care leavers of a snapshot; others count children, records or events.
COHORT_MARTS = frozenset(path.stem for path in (MARTS / "leaving_care").glob("kpi_*.yml"))

# What the numerators of a mart add up to its denominators over.
PARTS = {
    "kpi_category_of_need": "measure",
    "kpi_ethnicity": "measure",
    "kpi_eet": "measure",
    "kpi_care_leavers": "segment",
}


@dataclass(frozen=True)
class Figure:
    """One row of a KPI mart; `denominator` is None for a plain count."""

    mart: str
    snapshot_date: dt.date
    measure: str
    segment: str
    numerator: int | None
    denominator: int | None
    share: float | None
    left_out_count: int

    @property
    def key(self) -> str:
        """What names the row on the work list."""
        return f"{self.snapshot_date.isoformat()}|{self.measure}|{self.segment}"

    @property
    def people(self) -> int:
        """How many people the figure is about, measured or left out."""
        counted = self.numerator if self.denominator is None else self.denominator
        return (counted or 0) + self.left_out_count

    @property
    def series(self) -> tuple[str, str, str]:
        """What the figure is about, whatever the date."""
        return self.mart, self.measure, self.segment


@dataclass(frozen=True)
class Build:
    """What the checks look at: the built and the published figures of one authority.

    Attributes:
        night: the night that the build stands for.
        figures: of marts_build.
        published: of marts; empty before the first publication.
        cohort: care leavers in core by snapshot date.
        failed_tests: dbt tests and models of the run that did not pass, unless a test can tell
            that it is about other authorities only.
        accepted: marts, measures or dates whose movement or absence a person has accepted.
        published_dates: days as of which a report has published figures of care leavers (true)
            or of anything else (false); they always stay.
        segments: mart and segment of every KPI mart, and whether dim_segment has the segment.
    """

    night: dt.date
    figures: Sequence[Figure] = ()
    published: Sequence[Figure] = ()
    cohort: Mapping[dt.date, int] = field(default_factory=dict)
    failed_tests: Sequence[str] = ()
    accepted: Collection[str] = ()
    published_dates: Collection[tuple[bool, dt.date]] = ()
    segments: Sequence[tuple[str, str, bool]] = ()


@dataclass(frozen=True)
class Finding:
    """A figure that fails a check: its mart and key."""

    mart: str
    key: str


@dataclass(frozen=True)
class Check:
    """A check of the figures; `find` returns how many it looked at and which of them fail."""

    rule_id: str
    says: str
    todo: str
    reference: str
    find: Callable[[Build], tuple[int, list[Finding]]]
    owner: str = BI_TEAM


def not_built(build: Build) -> tuple[int, list[Finding]]:
    """Find what is missing altogether: a published mart without figures of this night."""
    marts = {f.mart for f in build.figures} | {f.mart for f in build.published}
    there = {f.mart for f in build.figures if f.snapshot_date == build.night}
    missing = [Finding(mart, build.night.isoformat()) for mart in sorted(marts - there)]
    return len(marts), missing or ([] if marts else [Finding("marts_build", "no figures at all")])


def impossible(build: Build) -> tuple[int, list[Finding]]:
    """Find figures that cannot be: negative, more counted than there are, a share of its own."""

    def wrong(f: Figure) -> bool:
        if f.numerator is None or f.numerator < 0 or f.left_out_count < 0:
            return True
        if f.denominator is None:
            return f.share is not None
        if f.numerator > f.denominator:
            return True
        if f.denominator == 0 or f.share is None:
            return (f.denominator == 0) != (f.share is None)
        return abs(f.share - f.numerator / f.denominator) > 1e-5

    return _those(build.figures, wrong)


def beyond_cohort(build: Build) -> tuple[int, list[Finding]]:
    """Find figures about more people than the cohort has in core."""
    return _those(
        _of_cohort(build),
        lambda f: f.people > build.cohort.get(f.snapshot_date, 0),
    )


def cohort_differs(build: Build) -> tuple[int, list[Finding]]:
    """Find cohort sizes that are not the number of rows in core, and dates without any."""
    sizes = {
        f.snapshot_date: f
        for f in build.figures
        if f.series == ("kpi_care_leavers", "care leavers", "all")
    }
    dates = sorted({f.snapshot_date for f in _of_cohort(build)} | set(build.cohort))
    return len(dates), [
        Finding("kpi_care_leavers", day.isoformat())
        for day in dates
        if day not in sizes or sizes[day].numerator != build.cohort.get(day, 0)
    ]


def not_adding_up(build: Build) -> tuple[int, list[Finding]]:
    """Find parts that do not add up to their whole."""
    wholes: dict[tuple[str, str], list[Figure]] = {}
    for f in build.figures:
        over = PARTS.get(f.mart)
        if over and f.denominator is not None and not (over == "segment" and f.segment == "all"):
            fixed = f.segment if over == "measure" else f.measure
            wholes.setdefault((f.mart, f"{f.snapshot_date.isoformat()}|{fixed}"), []).append(f)
    return len(wholes), [
        Finding(mart, key)
        for (mart, key), parts in sorted(wholes.items())
        if len({f.denominator for f in parts}) > 1
        or sum(f.numerator or 0 for f in parts) != parts[0].denominator
    ]


def moved(build: Build) -> tuple[int, list[Finding]]:
    """Find figures further from the published ones than `tolerance` allows for the time passed.

    A figure moves with its share, with the number of people whom it is about, and with how many
    of them it leaves out (`exceeds`). Compared are figures of the same day, and the latest with
    the latest published. Care leavers are a cohort as known then: their figures are followed over
    any time, and a new one of a day in between (a month end that was not published in its night)
    is compared with the published one before it. Other figures count events and spells as recorded
    tonight, which come and go: the latest are compared from night to night only, and a figure of
    the same day may be revised the further the longer its last publication is ago. Nothing is
    compared before the first publication.
    """
    before = {(f.series, f.snapshot_date): f for f in build.published}
    latest, latest_before = _latest(build.figures), _latest(build.published)
    published_night = max((f.snapshot_date for f in build.published), default=build.night)
    since = (build.night - published_night).days
    pairs = [
        (before[f.series, f.snapshot_date], f, 0 if f.mart in COHORT_MARTS else since)
        for f in build.figures
        if (f.series, f.snapshot_date) in before
    ]
    pairs += [
        (old, latest[series], (latest[series].snapshot_date - old.snapshot_date).days)
        for series, old in latest_before.items()
        if series in latest and latest[series].snapshot_date != old.snapshot_date
        if old.mart in COHORT_MARTS or since <= NIGHT_TO_NIGHT_DAYS
    ]
    pairs += [
        (old, new, (new.snapshot_date - old.snapshot_date).days)
        for new in _of_cohort(build)
        if (new.series, new.snapshot_date) not in before and latest[new.series] is not new
        if (
            older := [
                f
                for f in build.published
                if f.series == new.series and f.snapshot_date < new.snapshot_date
            ]
        )
        for old in [max(older, key=lambda f: f.snapshot_date)]
    ]
    accepted = {name.casefold() for name in build.accepted}
    found = {
        (new.mart, new.key)
        for old, new, days in pairs
        if accepted.isdisjoint((new.mart.casefold(), new.measure.casefold(), "all"))
        and exceeds(old, new, days)
    }
    return len(pairs), [Finding(mart, key) for mart, key in sorted(found)]


def tolerance(days: int, *, of_share: bool) -> float:
    """Return how far a figure may move in `days`: points of a share, or a part of a count."""
    months = abs(days) / 30
    if of_share:
        return SHARE_BASE + SHARE_PER_MONTH * months
    return COUNT_BASE + COUNT_PER_MONTH * months


def exceeds(old: Figure, new: Figure, days: int) -> bool:
    """Say whether a figure moved further in `days` than its tolerance, by more than a few people.

    A share can stand while those whom it measures go: so the people whom the figure is about,
    measured or left out, may move as a count does, and the part of them that is left out may
    grow as a share does.
    """
    if old.denominator is not None and not old.denominator:
        return False  # a measure that had nobody to measure has nothing to move from
    if old.denominator and not new.denominator:
        return old.denominator >= FEW_PEOPLE  # it has nobody left
    change = abs(new.people - old.people)
    # a group within the cohort may come from little: its change is a part of the larger number
    whole = old.people if new.denominator is None else max(old.people, new.people)
    if change >= FEW_PEOPLE and change > tolerance(days, of_share=False) * whole:
        return True
    allowed = tolerance(days, of_share=True) * WIDER.get(new.mart, 1)
    if new.left_out_count - old.left_out_count >= FEW_PEOPLE and (
        new.left_out_count / new.people - old.left_out_count / max(old.people, 1) > allowed
    ):
        return True
    if old.share is None or new.share is None:
        return False
    moved_by = abs(new.share - old.share)
    people = moved_by * max(old.denominator or 0, new.denominator or 0)
    return people >= FEW_PEOPLE and moved_by > allowed


def snapshots_gone(build: Build) -> tuple[int, list[Finding]]:
    """Find published dates that the build lacks: publishing it would delete their figures.

    For care leavers month ends stay for ever, for everything else quarter ends, and for both the
    dates of a published report; the figures of the latest night go with the next one.
    """

    def stays(f: Figure) -> bool:
        if (f.mart in COHORT_MARTS, f.snapshot_date) in build.published_dates:
            return True
        is_month_end = (f.snapshot_date + dt.timedelta(days=1)).day == 1
        return is_month_end and (f.mart in COHORT_MARTS or f.snapshot_date.month % 3 == 0)

    published = {(f.mart, f.snapshot_date) for f in build.published if stays(f)}
    accepted = {name.casefold() for name in build.accepted}
    gone = published - {(f.mart, f.snapshot_date) for f in build.figures}
    return len(published), [
        Finding(mart, day.isoformat())
        for mart, day in sorted(gone)
        if accepted.isdisjoint((mart.casefold(), day.isoformat(), "all"))
    ]


def tests_failed(build: Build) -> tuple[int, list[Finding]]:
    """Find dbt models and tests of the run that did not pass."""
    return max(len(build.failed_tests), 1), [
        Finding("marts_build", name) for name in build.failed_tests
    ]


def segments_unknown(build: Build) -> tuple[int, list[Finding]]:
    """Find segments that dim_segment lacks: a report that slices by it would lose their figures."""
    return len(build.segments), [
        Finding(mart, segment) for mart, segment, is_known in build.segments if not is_known
    ]


CHECKS = (
    Check("KPI-01", "A mart has no figures for this night.",
          "Read the run's model timings (ops.model_timings) and mend the model.",
          "design.md, gate 2", not_built),
    Check("KPI-02", "A figure cannot be: its numerator, denominator and share do not agree.",
          "Mend the KPI's model; its unit test should have caught this.",
          "design.md, definitions", impossible),
    Check("KPI-03", "A figure is about more people than the cohort has.",
          "Look for a join that multiplies rows in the KPI's model.",
          "design.md, gate 2", beyond_cohort),
    Check("KPI-04", "The published cohort is not the number of care leavers in core.",
          "Compare kpi_care_leavers with core.fct_leaving_care_snapshot.",
          "design.md, gate 2", cohort_differs),
    Check("KPI-05", "The parts of a figure do not add up to their whole.",
          "Look for a code without a segment in the KPI's model.",
          "design.md, gate 2", not_adding_up),
    Check("KPI-06", "A figure moved further than its tolerance allows.",
          "Find the reason; if the figure is right, run the night again with "
          "--accept-movement and the KPI's name.",
          "design.md, gate 2; tolerances in quality/checks.py", moved),
    Check("KPI-07", "A dbt model or test of this night failed.",
          "Read its message in ops.model_timings and mend the model or the record.",
          "design.md, marts_build", tests_failed),
    Check("KPI-08", "A published month end, or date of a report, is no longer in the build.",
          "Find out why (core.dim_snapshot, the seed published_snapshot_dates); if it is right "
          "that its figures go, run the night again with --accept-movement and the date.",
          "design.md, gate 2", snapshots_gone),
    Check("KPI-09", "A segment is not in dim_segment: reports sliced by it would lose its figures.",
          "Declare it by kind in the mart's YAML, config.meta.segments: its name, or a pattern "
          "around a list of dim_segment, such as \"need: {need}\".",
          "README, Add a KPI", segments_unknown),
)  # fmt: skip


def check_figures(build: Build) -> tuple[list[Result], dict[str, list[Finding]]]:
    """Run all checks: weighed results, one per check, and the findings by rule id.

    A check that raises is an error, which holds.
    """
    results, findings = [], {}
    for check in CHECKS:
        found: list[Finding] = []
        result = Result(check.rule_id, "marts_build", "critical", 0.0, check.says, "error")
        try:
            looked_at, found = check.find(build)
        except Exception as error:
            result = replace(result, message=type(error).__name__)
        else:
            result = replace(
                result,
                state="failed" if found else "passed",
                population=looked_at,
                failing=len(found),
                says=f"{check.says} The first: {found[0].key}." if found else check.says,
            )
        results.append(weigh(result))
        findings[check.rule_id] = found
    return results, findings


def run_checks(run_id: str, authority: str, accept_movement: Collection[str] = ()) -> Decision:
    """Judge the figures of one authority in marts_build before they are published (gate 2).

    Args:
        run_id: the run in `ops.runs`.
        authority: whose figures.
        accept_movement: marts or measures whose movement, or dates (yyyy-mm-dd) whose absence,
            a person says is right; `all` for any.

    Returns:
        The decision. It is `hold` too if the figures cannot be read.

    Raises:
        WarehouseError: the database cannot be reached, or the authority has no accepted load.
    """
    with connect(LOADER, autocommit=True) as connection:
        cutoff = read_cutoff(connection, authority)
        mirror(connection)
        gate_run_id = open_gate_run(connection, run_id, authority, 2, cutoff)
        results: list[Result] = []
        try:
            build = read_build(connection, run_id, authority, cutoff.night, accept_movement)
        except (psycopg.Error, CarepathError) as error:
            results = [
                weigh(Result(c.rule_id, "marts_build", "critical", 0.0, c.says, "error",
                             message=safe_message(error)))
                for c in CHECKS
            ]  # fmt: skip
        else:
            results, findings = check_figures(build)
            _keep_findings(connection, gate_run_id, authority, findings)
        decision = _for_people(decide(results, {c.rule_id for c in CHECKS}), results)
        keep_decision(connection, gate_run_id, decision, results)
    return replace(decision, gate_run_id=gate_run_id)


def read_build(
    connection: psycopg.Connection[Any],
    run_id: str,
    authority: str,
    night: dt.date,
    accepted: Collection[str] = (),
) -> Build:
    """Read what the checks look at."""
    cohort = connection.execute(
        f"select snapshot_date, count(*) from core.{COHORT} where authority = %s group by 1",
        (authority,),
    ).fetchall()
    failed = connection.execute(
        """
        with latest as (  -- a step that was retried counts as it ended
            select distinct on (layer, model) layer, model, status, authorities
            from ops.model_timings
            where run_id = %s and layer <> 'staging'
            order by layer, model, recorded_at desc
        )

        select layer || ': ' || model from latest
        where status not in ('success', 'pass', 'warn', 'no-op')
            and (authorities is null or %s = any(authorities))
        order by 1
        """,
        (run_id, authority),
    ).fetchall()
    published_dates = connection.execute(
        "select true, snapshot_date from core.published_snapshot_dates where authority = %(a)s"
        " union select false, report_date from core.report_dates where authority = %(a)s",
        {"a": authority},
    ).fetchall()
    return Build(
        night=night,
        figures=_figures(connection, "marts_build", authority),
        published=_figures(connection, "marts", authority),
        cohort={day: int(count) for day, count in cohort},
        failed_tests=[name for (name,) in failed],
        accepted=accepted,
        published_dates=set(published_dates),
        segments=_segments(connection, authority),
    )


def _figures(connection: psycopg.Connection[Any], schema: str, authority: str) -> list[Figure]:
    """Read every KPI mart of a schema that has the columns common to KPI marts."""
    marts = connection.execute(
        """
        select table_name from information_schema.columns
        where table_schema = %s and table_name like 'kpi\\_%%'
            and column_name in ('authority', 'snapshot_date', 'measure', 'segment', 'numerator',
                'denominator', 'share', 'left_out_count')
        group by table_name having count(*) = 8 order by table_name
        """,
        (schema,),
    ).fetchall()
    figures = []
    for (mart,) in marts:
        rows = connection.execute(
            sql.SQL(
                # a mart of two dates has a row for each earlier one: it is part of the segment
                "select snapshot_date, measure, concat_ws(' since ', segment,"
                " to_jsonb(mart) ->> 'earlier_snapshot_date'), numerator, denominator, share,"
                " left_out_count from {}.{} as mart where authority = %s"
            ).format(sql.Identifier(schema), sql.Identifier(mart)),
            (authority,),
        ).fetchall()
        figures += [
            Figure(mart, day, measure, segment, n, d, None if s is None else float(s), left or 0)
            for day, measure, segment, n, d, s, left in rows
        ]
    return figures


def _segments(connection: psycopg.Connection[Any], authority: str) -> list[tuple[str, str, bool]]:
    """Read the segments of every KPI mart that was built, and whether dim_segment has them."""
    marts = connection.execute(
        """
        select table_name from information_schema.columns
        where table_schema = 'marts_build' and table_name like 'kpi\\_%'
            and column_name in ('authority', 'segment')
        group by table_name having count(*) = 2 order by table_name
        """
    ).fetchall()
    found = []
    for (mart,) in marts:
        rows = connection.execute(
            sql.SQL(
                "select segment, exists(select 1 from marts_build.dim_segment as known"
                " where known.authority = %(a)s and known.segment = figures.segment)"
                " from marts_build.{} as figures where authority = %(a)s group by segment"
                " order by segment"
            ).format(sql.Identifier(mart)),
            {"a": authority},
        ).fetchall()
        found += [(mart, segment, is_known) for segment, is_known in rows]
    return found


def _keep_findings(
    connection: psycopg.Connection[Any],
    gate_run_id: int,
    authority: str,
    findings: Mapping[str, Sequence[Finding]],
) -> None:
    rows = [
        (gate_run_id, authority, rule_id, "marts_build", f"{finding.mart}|{finding.key}")
        for rule_id, found in findings.items()
        for finding in found
    ]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "insert into quality.failing_keys"
            " (gate_run_id, authority, rule_id, table_name, record_key)"
            " values (%s, %s, %s, %s, %s)",
            rows,
        )


def _for_people(decision: Decision, results: Sequence[Result]) -> Decision:
    """Return the decision with gate 2's own line: the figures are wrong, not the records."""
    if decision.passed:
        return decision
    holding = [r.rule_id for r in results if r.holds]
    todo = " ".join(check.todo for check in CHECKS if check.rule_id in holding[:1])
    return replace(
        decision,
        message=f"The new figures were not published. {decision.reasons[0]} What to do: {todo} "
        "quality.work_list names each figure.",
    )


def _of_cohort(build: Build) -> list[Figure]:
    return [f for f in build.figures if f.mart in COHORT_MARTS]


def _those(figures: Sequence[Figure], wrong: Callable[[Figure], bool]) -> tuple[int, list[Finding]]:
    return len(figures), [Finding(f.mart, f.key) for f in figures if wrong(f)]


def _latest(figures: Sequence[Figure]) -> dict[tuple[str, str, str], Figure]:
    return {f.series: f for f in sorted(figures, key=lambda f: f.snapshot_date)}
