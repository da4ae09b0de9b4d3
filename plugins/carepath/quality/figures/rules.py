"""The rules for figures: what gate 2 tests in the KPI marts before they are published.

The KPI marts are small, so each rule is a pure function over their rows. A finding of a critical
rule holds the authority's figures. A warning never does: it asks a steward why something changed.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from carepath.quality.figures import drift
from carepath.quality.figures.figure import Build, Figure, Finding, Value
from expectations.rule import BI_TEAM, STEWARD


@dataclass(frozen=True, kw_only=True)
class FigureRule:
    """A rule for figures; `find` returns how many figures it judged, and those that fail.

    The severity is critical (one finding holds the night) or warning (no finding does).
    """

    rule_id: str
    says: str
    todo: str
    reference: str
    find: Callable[[Build], tuple[int, list[Finding]]]
    owner: str = BI_TEAM
    severity: Literal["critical", "warning"] = "critical"

    @property
    def threshold(self) -> float:
        """The share of the judged figures that may fail: a warning lets all of them pass."""
        return 1.0 if self.severity == "warning" else 0.0


def not_built(build: Build) -> tuple[int, list[Finding]]:
    """Find marts that are published but have no figures for this night."""
    built: list[Figure | Value] = [*build.figures, *build.values]
    marts = {f.mart for f in (*built, *build.published, *build.published_values)}
    there = {f.mart for f in built if f.as_at_date == build.night}
    missing = [Finding(mart, build.night.isoformat()) for mart in sorted(marts - there)]
    return len(marts), missing or ([] if marts else [Finding("marts_build", "no figures at all")])


def impossible(build: Build) -> tuple[int, list[Finding]]:
    """Find figures that cannot be right: no number, negative, numerator above denominator."""

    def wrong(f: Figure) -> bool:
        if f.numerator is None or f.numerator < 0 or f.left_out_count < 0:
            return True
        if f.denominator is None:
            return f.share is not None
        if f.numerator > f.denominator:
            return True
        if f.denominator == 0 or f.share is None:
            return (f.denominator == 0) != (f.share is None)
        return not abs(f.share - f.numerator / f.denominator) <= 1e-5  # true for NaN too

    def wrong_value(v: Value) -> bool:
        if v.record_count < 0 or v.left_out_count < 0:
            return True
        if v.value is None:
            return False
        negative = v.value < 0 and not build.is_difference(v.mart, v.measure)
        return negative or not math.isfinite(v.value)

    found = [(f.mart, f.key) for f in build.figures if wrong(f)]
    found += [(v.mart, v.key) for v in build.values if wrong_value(v)]
    found += [(f.mart, f.key) for f in build.not_numbers]
    looked_at = len(build.figures) + len(build.values)
    return looked_at, [Finding(mart, key) for mart, key in dict.fromkeys(found)]


def beyond_cohort(build: Build) -> tuple[int, list[Finding]]:
    """Find figures about more people than core has in their cohort.

    A mart of two dates is about the cohort of the date that it declares: those of the earlier date
    who are also in the later one may be more than the later cohort has.
    """
    figures = build.of_cohort
    if not figures:
        return 1, [Finding("marts_build", "no figure of care leavers")]
    return len(figures), [
        Finding(f.mart, f.key)
        for f in figures
        if any(f.people > build.cohort.get(day, 0) for day in f.cohort_dates or [f.as_at_date])
    ]


def cohort_differs(build: Build) -> tuple[int, list[Finding]]:
    """Find cohort sizes that differ from the number of rows in core, and dates without a size."""
    sizes = {
        f.as_at_date: f
        for f in build.figures
        if f.series == ("kpi_care_leavers", "care leavers", "all")
    }
    dates = sorted({f.as_at_date for f in build.of_cohort} | set(build.cohort))
    return len(dates), [
        Finding("kpi_care_leavers", day.isoformat())
        for day in dates
        if day not in sizes or sizes[day].numerator != build.cohort.get(day, 0)
    ]


def not_adding_up(build: Build) -> tuple[int, list[Finding]]:
    """Find figures whose parts do not add up to the whole."""
    wholes: dict[tuple[str, str], list[Figure]] = {}
    for f in build.figures:
        over = build.marts[f.mart].judged.adds_up_over if f.mart in build.marts else None
        if over and f.denominator is not None and not (over == "segment" and f.segment == "all"):
            fixed = f.segment if over == "measure" else f.measure
            wholes.setdefault((f.mart, f"{f.as_at_date.isoformat()}|{fixed}"), []).append(f)
    if not wholes:
        return 1, [Finding("marts_build", "no figure that adds up to a whole")]
    return len(wholes), [
        Finding(mart, key)
        for (mart, key), parts in sorted(wholes.items())
        if len({f.denominator for f in parts}) > 1
        or sum(f.numerator or 0 for f in parts) != parts[0].denominator
    ]


def snapshots_gone(build: Build) -> tuple[int, list[Finding]]:
    """Find published dates that the build does not have: publishing it would delete their figures.

    Month ends stay for ever for care leavers, and quarter ends for all other figures. The dates of
    a published report stay for both. Figures of the latest night are replaced by the next night.
    """

    def stays(f: Figure | Value) -> bool:
        is_of_cohort = build.is_of_cohort(f.mart)
        if (is_of_cohort, f.as_at_date) in build.published_dates:
            return True
        is_month_end = (f.as_at_date + dt.timedelta(days=1)).day == 1
        return is_month_end and (is_of_cohort or f.as_at_date.month % 3 == 0)

    before: list[Figure | Value] = [*build.published, *build.published_values]
    after: list[Figure | Value] = [*build.figures, *build.values]
    published = {(f.mart, f.as_at_date) for f in before if stays(f)}
    gone = published - {(f.mart, f.as_at_date) for f in after}
    return len(published), [Finding(mart, day.isoformat()) for mart, day in sorted(gone)]


def tests_failed(build: Build) -> tuple[int, list[Finding]]:
    """Find dbt models and tests of the run that did not pass."""
    return max(len(build.failed_tests), 1), [
        Finding("marts_build", name) for name in build.failed_tests
    ]


def segments_unknown(build: Build) -> tuple[int, list[Finding]]:
    """Find segments that are not in dim_segment: reports sliced by it would lose their figures."""
    return len(build.segments), [
        Finding(mart, segment) for mart, segment, is_known in build.segments if not is_known
    ]


def over_budget(build: Build) -> tuple[int, list[Finding]]:
    """Find figures from which all rules together take out more than their budget allows."""
    found = []
    for each in sorted(build.left_out, key=lambda it: (-it.total, it.mart, it.key)):
        budget = build.decisions.budget(each.mart)
        if each.total > budget.count and each.total > budget.share * each.people:
            rules = "; ".join(f"{names}: {n:,}" for names, n in each.by_rules.items())
            says = (
                f"{each.total:,} of {each.people:,} records are left out of {each.mart} "
                f"{each.key} ({rules}), but at most {budget.share:.1%}, or {budget.count} records, "
                "may be."
            )
            found.append(Finding(each.mart, each.key, says))
    return len(build.figures) + len(build.values), found


FIGURE_RULES = (
    FigureRule(
        rule_id="KPI-01",
        says="A KPI table has no figures for this night.",
        todo="Read the timings of the run in ops.model_timings, and correct the model.",
        reference="every published KPI has figures of the latest night",
        find=not_built,
    ),
    FigureRule(
        rule_id="KPI-02",
        says="A figure cannot be right: it is not a number, it is negative, or its numerator, "
        "denominator and share do not agree.",
        todo="Correct the KPI's model, or the records that it reads. Add the case to the model's "
        "unit test. If a value may be negative, declare its measure in the mart's YAML "
        "(config.meta.judged.differences).",
        reference="the KPI's numerator and denominator in docs/kpis.md",
        find=impossible,
    ),
    FigureRule(
        rule_id="KPI-03",
        says="A figure is about more people than its cohort of care leavers has.",
        todo="Look for a join that multiplies rows in the KPI's model. If its denominator is the "
        "cohort of another date, name that date's column in the mart's YAML "
        "(config.meta.judged.cohort_dates).",
        reference="core.fct_leaving_care_snapshot, one row per care leaver per date",
        find=beyond_cohort,
    ),
    FigureRule(
        rule_id="KPI-04",
        says="The number of care leavers in the KPI differs from the number in core.",
        todo="Compare kpi_care_leavers with core.fct_leaving_care_snapshot.",
        reference="core.fct_leaving_care_snapshot, one row per care leaver per date",
        find=cohort_differs,
    ),
    FigureRule(
        rule_id="KPI-05",
        says="The parts of a figure do not add up to their whole.",
        todo="Look for a code without a segment in the KPI's model.",
        reference="config.meta.judged.adds_up_over in the mart's YAML",
        find=not_adding_up,
    ),
    FigureRule(
        rule_id="KPI-06",
        says="A figure moved further than its tolerance allows.",
        todo="Find the reason. If the figure is right, ask for a waiver: run the night again with "
        "--accept-movement and the name of the KPI. A second person approves it.",
        reference="carepath/quality/figures/movement.py; config.meta.judged.wider in the mart's "
        "YAML",
        find=drift.moved_and_why,
    ),
    FigureRule(
        rule_id="KPI-07",
        says="A dbt model or test of this night failed.",
        todo="Read the message in ops.model_timings. Correct the model or the record.",
        reference="the tests beside each model in dbt_project/models",
        find=tests_failed,
    ),
    FigureRule(
        rule_id="KPI-08",
        says="A month end or report date that was published is missing from the new figures.",
        todo="Look for the reason in core.dim_snapshot and in the site setting "
        "published_snapshot_dates.csv. If the figures of that date should go, ask for a waiver: "
        "run the night again with --accept-movement and the date. A second person approves it.",
        reference="docs/adr/0008-two-kinds-of-dates.md",
        find=snapshots_gone,
    ),
    FigureRule(
        rule_id="KPI-09",
        says="A segment is not in dim_segment, so reports by segment would lose its figures.",
        todo="Declare it by kind in the mart's YAML, config.meta.segments: its name, or a pattern "
        'around a list of dim_segment, such as "need: {need}".',
        reference="README, Add a KPI",
        find=segments_unknown,
    ),
    FigureRule(
        rule_id="DRIFT-01",
        severity="warning",
        says="A figure left the limits of its own history in one step.",
        todo="Ask the owner of the KPI whether something changed in the service or in how it is "
        "recorded. If it did, nothing needs to be done: the limits follow within a few months.",
        reference="docs/adr/0015-drift-is-a-question.md; an XmR chart of the last published "
        "figure of each month, from ten months on",
        find=drift.unusual,
    ),
    FigureRule(
        rule_id="DRIFT-02",
        severity="warning",
        says="One team moved a figure, or one team's part of it changed by an implausible amount.",
        todo="Ask the manager of the team that the finding names. Look at its newest records "
        "first: a unit (pounds, pence), an import or a form may have changed.",
        reference="docs/adr/0015-drift-is-a-question.md; config.meta.judged.by_team in the "
        "mart's YAML",
        find=drift.moved_by_one_team,
    ),
    FigureRule(
        rule_id="DRIFT-03",
        severity="warning",
        says="A code that was not in use now takes many of the new records.",
        todo="Ask the system's administrator whether the form changed. Check that the code list "
        "and the KPIs count the code where it belongs.",
        reference="docs/adr/0015-drift-is-a-question.md; ops.column_profiles",
        find=drift.codes_appeared,
    ),
    FigureRule(
        rule_id="DRIFT-04",
        severity="warning",
        says="A code that was in use is no longer used.",
        todo="Ask the system's administrator whether the form or the extract changed. Records "
        "that should have the code may now have another code, or no code.",
        reference="docs/adr/0015-drift-is-a-question.md; ops.column_profiles",
        find=drift.codes_vanished,
    ),
    FigureRule(
        rule_id="DRIFT-05",
        severity="warning",
        says="A column is blank much more often than before.",
        todo="Check the extract first: run `carepath doctor`. Then ask the teams that record it.",
        reference="docs/adr/0015-drift-is-a-question.md; ops.column_profiles",
        find=drift.blanks_jumped,
    ),
    FigureRule(
        rule_id="DRIFT-06",
        severity="warning",
        says="A table that normally grows got no new record for ten working days.",
        todo="Ask the system's administrator whether the extract still reads the live table.",
        reference="docs/adr/0015-drift-is-a-question.md; ops.table_deliveries",
        find=drift.stood_still,
    ),
    FigureRule(
        rule_id="BUD-01",
        says="Rules together take more records out of a figure than its budget allows.",
        todo="Ask the owners on the work list to correct the records that fail these rules. If the "
        "figure is right without them, ask for a waiver (`carepath waive BUD-01 --figure`).",
        reference="docs/adr/0014-decisions-waivers-budgets.md; site setting decisions.yml",
        find=over_budget,
        owner=STEWARD,
    ),
)
