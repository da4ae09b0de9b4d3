"""The page The pathway: between stages, time in care, programmes, placements, leaving care."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from carepath.dates import written
from carepath.report import reading
from carepath.report.disclosure import MARK, is_small
from carepath.report.headlines import history_picture, main_line, value_of
from carepath.report.numbers import number
from carepath.report.pictures import (
    Picture,
    Table,
    bars_chart,
    flow_chart,
    lines_chart,
)
from carepath.report.reading import Connection, Figure, Flow, Measure, Saving, StillInCare

EVERYBODY: Final = "all"
START, NOW = "on the day of joining", "at the report date"
PLANS: Final = ("looked_after", "child_protection", "child_in_need", "early_help", "none")
PLACEMENTS: Final = ("placement_group", "fostered_by_relatives", "placed_out_of_area",
                     "placed_over_20_miles", "placed_out_of_area_over_20_miles")  # fmt: skip
MOVES: Final = ("moved_12_months", "three_or_more_placements_12_months_dfe", "moves_per_1000_days")
COSTS: Final = (
    "placement_weekly_cost",
    "pathway_costs_total",
    "pathway_costs_avoided",
    "pathway_costs_net_saving",
)
BY_AGE: Final = (
    "care_leavers_at_date_number",
    "care_leavers_at_date_eet",
    "care_leavers_at_date_suitable",
    "care_leavers_at_date_in_touch",
)
LONGEST: Final = 28  # segments shown of one measure


@dataclass(frozen=True)
class Pathway:
    """The page.

    Attributes:
        flow: the Sankey diagram; None if nothing is counted.
        segment, day: whose moves it shows, in the 12 months to which date.
        segments, days: for whom and for which dates there is one.
        still_in_care: the share still in care by cohort of entry.
        plans: plans at the start and now, for each group of cohorts.
        placements, moves: as they are now, with the year before.
        placement_groups: children by group of placement.
        costs: what placements cost, and what programmes save.
        weekly_cost: the weekly cost over time.
        savings: the net saving under other assumptions, by programme.
        leaving_care: by age band, over time.
    """

    flow: Picture | None
    segment: str
    day: dt.date | None
    segments: Sequence[str]
    days: Sequence[dt.date]
    still_in_care: Picture | None
    plans: Sequence[Picture]
    placements: Table | None
    placement_groups: Picture | None
    moves: Table | None
    costs: Table | None
    weekly_cost: Picture | None
    savings: Sequence[Picture]
    leaving_care: Sequence[Picture]


def read_pathway(
    connection: Connection,
    authority: str,
    *,
    withhold: bool,
    segment: str = "",
    day: dt.date | None = None,
) -> Pathway:
    """Return the page of an authority.

    Args:
        connection: see `reading.marts`.
        authority: ONS code.
        withhold: the page leaves the department, so small counts are withheld.
        segment: the cohort of the flow; blank or unknown for everybody.
        day: the last day of its 12 months; None or unknown for the latest.
    """
    measures = reading.read_measures(connection)
    codes = [*PLACEMENTS, *MOVES, *COSTS, *BY_AGE]
    codes += [f"edge_of_care_plan_{when}_{plan}" for when in ("at_start", "now") for plan in PLANS]
    wanted = {code: measures[code] for code in codes if code in measures}
    figures = reading.read_figures(connection, authority, wanted.values(), withhold=withhold)
    segments, days = reading.read_flow_choices(connection, authority)
    segment = segment if segment in segments else EVERYBODY
    day = day if day in days else next(iter(days), None)
    links = reading.read_flow(connection, authority, segment, day) if day else []
    in_care = reading.read_still_in_care(connection, authority)
    weekly = figures.get("placement_weekly_cost", [])
    return Pathway(
        flow=_flow(links, withhold) if links else None,
        segment=segment,
        day=day,
        segments=segments,
        days=days,
        still_in_care=_still_in_care(in_care, withhold) if in_care else None,
        plans=_plans(wanted, figures),
        placements=_now(wanted, figures, PLACEMENTS, "Where children are placed"),
        placement_groups=_groups(wanted, figures),
        moves=_now(wanted, figures, MOVES, "Moves and stability"),
        costs=_now(wanted, figures, COSTS, "Cost of placements and of placement programmes"),
        weekly_cost=history_picture(main_line(weekly), wanted["placement_weekly_cost"])
        if weekly
        else None,
        savings=_savings(reading.read_savings(connection, authority), withhold),
        leaving_care=_by_age(wanted, figures),
    )


def _flow(links: Sequence[Flow], withhold: bool) -> Picture:
    """Return the Sankey diagram. A withheld link is not drawn, because its width shows its size."""
    ranks = {each.from_stage: each.from_rank for each in links}
    ranks |= {each.to_stage: each.to_rank for each in links}
    stages = sorted(ranks, key=lambda stage: -ranks[stage])
    shown = [each for each in links if not (withhold and is_small(each.numerator))]
    most = max(shown, key=lambda each: each.numerator, default=None)
    says = "Every number of moves is withheld."
    if most is not None:
        says = (
            f"In the 12 months to {written(most.as_at_date)}, the most frequent move was from "
            f"{most.from_stage} to {most.to_stage}: {most.numerator:,} times."
        )
    name = f"Moves between stages, {_among(links[0].segment)}"
    return Picture(
        name=name,
        says=says,
        svg=flow_chart([(e.from_stage, e.to_stage, e.numerator) for e in shown], stages),
        table=Table(
            name,
            ("From", "To", "Moves"),
            tuple(
                (
                    each.from_stage,
                    each.to_stage,
                    MARK if withhold and is_small(each.numerator) else f"{each.numerator:,}",
                )
                for each in sorted(links, key=lambda each: -each.numerator)
            ),
            text_columns=2,
        ),
        is_wide=True,
    )


def _among(segment: str) -> str:
    return "all young people" if segment == EVERYBODY else segment


def _still_in_care(found: Sequence[StillInCare], withhold: bool) -> Picture:
    cohorts: dict[str, list[StillInCare]] = {}
    for each in found:
        name = f"{each.cohort_from_date:%B %Y} to {each.cohort_to_date:%B %Y}"
        cohorts.setdefault(name, []).append(each)

    def is_withheld(each: StillInCare) -> bool:
        count = round(each.share_in_care * each.period_count)
        return withhold and (
            is_small(each.period_count) or is_small(count) or is_small(each.period_count - count)
        )

    def shown(each: StillInCare | None) -> str:
        if each is None:
            return "not yet"
        return MARK if is_withheld(each) else _share_in_care(each)

    numbers = sorted({each.day_number for each in found})
    rows = []
    for name, points in cohorts.items():
        by_day = {each.day_number: each for each in points}
        few = withhold and is_small(points[0].period_count)
        median = points[0].median_days
        rows.append(
            (
                name,
                MARK if few else f"{points[0].period_count:,}",
                *(shown(by_day.get(after)) for after in numbers),
                MARK if few else "not yet" if median is None else f"{median:,}",
            )
        )
    last = next(
        (points for points in reversed(cohorts.values()) if points[-1].day_number >= 365), None
    )
    says = "Periods of care that ended within 8 days do not count."
    if last is not None:
        year = next(each for each in last if each.day_number == 365)
        if not is_withheld(year):
            says = (
                f"Of those who came into care from {written(year.cohort_from_date)} to "
                f"{written(year.cohort_to_date)}, {number(year.share_in_care, '0%')} were still in "
                f"care after a year. {says}"
            )
    return Picture(
        name="Still in care, by year of entry",
        says=says,
        svg=lines_chart(
            {
                name: [
                    (0, 1),
                    *(
                        (each.day_number, None if is_withheld(each) else each.share_in_care)
                        for each in points
                    ),
                ]
                for name, points in cohorts.items()
            },
            ".0%",
            x_title="days after the entry to care",
            x_format=",.0f",
        ),
        table=Table(
            "Share still in care, with its 95% interval",
            (
                "Came into care",
                "Periods",
                *(f"{after:,} days" for after in numbers),
                "Median days",
            ),
            tuple(rows),
        ),
    )


def _share_in_care(each: StillInCare) -> str:
    share = number(each.share_in_care, "0%")
    if each.share_low is None:
        return share
    return f"{share} ({number(each.share_low, '0%')} to {number(each.share_high, '0%')})"


def _plans(measures: dict[str, Measure], figures: dict[str, list[Figure]]) -> list[Picture]:
    """Return the plans at start and now, for groups of cohorts and cohorts without a group."""
    found = {
        (when, plan): {
            each.segment: each
            for each in _of_last_date(figures.get(f"edge_of_care_plan_{when}_{plan}", ()))
        }
        for when in ("at_start", "now")
        for plan in PLANS
    }
    segments = list(dict.fromkeys(name for each in found.values() for name in each))
    pictures = []
    for segment in segments[:LONGEST]:
        bars, rows = [], []
        for plan in PLANS:
            start, now = (found[when, plan].get(segment) for when in ("at_start", "now"))
            name = plan.replace("_", " ") if plan != "none" else "no plan"
            measure = measures.get(f"edge_of_care_plan_now_{plan}")
            if start is None or now is None or measure is None:
                continue
            for when, figure in ((START, start), (NOW, now)):
                bars.append((name, when, figure.numerator, _count(figure)))
            rows.append(
                (name, _count(start), _count(now), value_of(start, measure), value_of(now, measure))
            )
        if not rows:
            continue
        of = [each[segment] for each in found.values() if segment in each]
        whole = next((each.denominator for each in of if each.denominator), None)
        people = f"{whole:,} young people" if whole else "the young people"
        pictures.append(
            Picture(
                name=segment,
                says=f"Plans of {people} on the day of joining, and on "
                f"{written(of[0].as_at_date)}.",
                svg=bars_chart(bars, ",.0f", groups=(START, NOW)),
                table=Table(
                    f"Plans, {segment}",
                    ("Plan", "At start", "Now", "Share at start", "Share now"),
                    tuple(rows),
                ),
            )
        )
    return pictures


def _count(figure: Figure) -> str:
    if figure.is_withheld:
        return MARK
    return "none" if figure.numerator is None else f"{figure.numerator:,}"


def _groups(measures: dict[str, Measure], figures: dict[str, list[Figure]]) -> Picture | None:
    measure = measures.get("placement_group")
    found = _of_last_date(figures.get("placement_group", ()))
    if measure is None or not found:
        return None
    found = sorted(found, key=lambda each: -(each.value or 0))
    day = written(found[0].as_at_date)
    return Picture(
        name=f"Children looked after by placement, {day}",
        says=f"{found[0].segment[:1].upper()}{found[0].segment[1:]}: {value_of(found[0], measure)}"
        f" of the children looked after on {day}.",
        svg=bars_chart(
            [(each.segment, "", each.value, _share_and_count(each, measure)) for each in found],
            ".0%",
        ),
        table=Table(
            f"Children looked after by placement, {day}",
            ("Placement", "Children", "Share"),
            tuple((each.segment, _count(each), value_of(each, measure)) for each in found),
        ),
    )


def _share_and_count(figure: Figure, measure: Measure) -> str:
    return MARK if figure.is_withheld else f"{value_of(figure, measure)} ({_count(figure)})"


def _now(
    measures: dict[str, Measure],
    figures: dict[str, list[Figure]],
    codes: Sequence[str],
    caption: str,
) -> Table | None:
    """Return the latest figures of some measures beside those of about a year before."""
    rows = []
    newest = max(
        (each.as_at_date for code in codes for each in figures.get(code, ())), default=None
    )
    for code in codes:
        if code not in measures or code == "placement_group":
            continue
        last = [each for each in figures.get(code, ()) if each.as_at_date == newest]
        totals = [each for each in last if each.is_total] or last
        for figure in totals[:LONGEST]:
            line = main_line(figures[code], figure.segment)
            before = next(
                (
                    each
                    for each in reversed(line)
                    if (figure.as_at_date - each.as_at_date).days >= 365
                ),
                None,
            )
            rows.append(
                (
                    measures[code].title,
                    "" if figure.segment == EVERYBODY else figure.segment,
                    value_of(figure, measures[code]),
                    f"{value_of(before, measures[code])} on {written(before.as_at_date)}"
                    if before
                    else "none",
                )
            )
    if not rows or newest is None:
        return None
    columns = ("Measure", "Among", "Figure", "A year before")
    return Table(f"{caption}, {written(newest)}", columns, tuple(rows), 2)


def _savings(found: Sequence[Saving], withhold: bool) -> list[Picture]:
    pictures = []
    for programme in dict.fromkeys(each.programme_name for each in found):
        of = [each for each in found if each.programme_name == programme]
        if withhold and is_small(of[0].record_count):
            continue
        weeks = list(dict.fromkeys(each.residential_week_gbp for each in of))
        lines = {
            f"residential week at {number(week, '£#,##0')}": [
                (each.residential_share, each.value)
                for each in of
                if each.residential_week_gbp == week
            ]
            for week in weeks
        }
        shares = sorted({each.residential_share for each in of})
        by = {(each.residential_week_gbp, each.residential_share): each.value for each in of}
        losing = sum(value is not None and value < 0 for value in by.values())
        pictures.append(
            Picture(
                name=f"{programme}: net saving under other assumptions",
                says="The report assumes that every week would otherwise have been in residential "
                "care (100%). Here only a part of the weeks would have been, and the rest in "
                f"foster care. In {losing} of {len(by)} cases the programme costs more than it "
                "saves.",
                svg=lines_chart(
                    lines, "$,.0f", x_title="share of weeks in residential care", x_format=".0%"
                ),
                table=Table(
                    f"Net saving, {programme}",
                    ("Share in residential care", *(name for name in lines)),
                    tuple(
                        (
                            number(share, "0%"),
                            *(number(by.get((week, share)), "£#,##0") for week in weeks),
                        )
                        for share in shares
                    ),
                ),
            )
        )
    return pictures


def _by_age(measures: dict[str, Measure], figures: dict[str, list[Figure]]) -> list[Picture]:
    pictures = []
    for code in BY_AGE:
        if code not in measures or code not in figures:
            continue
        measure = measures[code]
        bands = [each for each in figures[code] if each.segment.startswith("aged")]
        names = list(dict.fromkeys(each.segment for each in bands))
        days = sorted({each.as_at_date for each in bands})
        if not bands:
            continue
        by = {(each.segment, each.as_at_date): each for each in bands}
        last = [by[name, days[-1]] for name in names if (name, days[-1]) in by]
        pictures.append(
            Picture(
                name=measure.title,
                says=f"On {written(days[-1])}: "
                + "; ".join(f"{each.segment} {value_of(each, measure)}" for each in last)
                + ".",
                svg=lines_chart(
                    {
                        name: [
                            (day, by[name, day].value if (name, day) in by else None)
                            for day in days
                        ]
                        for name in names
                    },
                    ".0%" if measure.statistic == "share" else ",.0f",
                ),
                table=Table(
                    measure.title,
                    ("Date", *names),
                    tuple(
                        (
                            written(day),
                            *(
                                value_of(by[name, day], measure) if (name, day) in by else "none"
                                for name in names
                            ),
                        )
                        for day in reversed(days)
                    ),
                ),
            )
        )
    return pictures


def _of_last_date(figures: Sequence[Figure]) -> list[Figure]:
    last = max((each.as_at_date for each in figures), default=None)
    return [each for each in figures if each.as_at_date == last]
