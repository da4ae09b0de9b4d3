"""What the pages read: tables of schema `marts` only, as bi_reader, all of one publication."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

import psycopg

from carepath.desk.database import STATEMENT_SECONDS, read
from carepath.report.disclosure import is_small, must_be_withheld, withheld
from carepath.statistics.data_sets import published_measures
from carepath.warehouse.connect import connect

READER: Final = "bi_reader"

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Publication:
    """What the marts hold for an authority."""

    authority: str
    authority_name: str
    publication_id: int
    night: dt.date
    published_at: dt.datetime
    kind: str
    code_version: str


@dataclass(frozen=True)
class Measure:
    """One row of marts.dim_measure."""

    measure_code: str
    mart: str
    measure: str
    title: str
    service: str
    topic: str
    statistic: str
    unit: str
    number_format: str
    direction: str
    standard: str
    official_code: str | None
    period: str
    date_basis: str
    default_segment: str
    owner: str
    numerator: str | None
    denominator: str | None
    left_out: str | None
    differs: str | None


@dataclass(frozen=True)
class Figure:
    """One row of marts.kpi.

    Attributes:
        is_withheld: the file may not show it; its numbers are None then.
        is_left_out_withheld: the same for how many are left out; the count is 0 then.
    """

    as_at_date: dt.date
    measure_code: str
    segment: str
    segment_kind: str | None
    segment_order: int | None
    numerator: int | None
    denominator: int | None
    value: Decimal | None
    left_out_count: int
    left_out_reason: str | None
    is_total: bool
    looks_back_far_enough: bool
    is_withheld: bool = False
    is_left_out_withheld: bool = False


@dataclass(frozen=True)
class Target:
    """One target on the latest report date, as marts.kpi_targets judges it."""

    target_code: str
    service: str
    measure: str
    direction: str
    target_change_percent: Decimal
    baseline_figure_date: dt.date | None
    baseline_value: Decimal | None
    target_value: Decimal | None
    actual_figure_date: dt.date | None
    actual_value: Decimal | None
    change_percent: Decimal | None
    is_reached: bool | None
    movement: str | None
    due_date: dt.date
    statistic: str
    not_measured_reason: str | None
    measure_code: str | None
    number_format: str
    kpi_segment: str
    is_withheld: bool = False

    @property
    def judgement(self) -> str:
        """Whether it is met, and if not, which way the figure moved."""
        if self.is_withheld or self.is_reached is None:
            return "Withheld" if self.is_withheld else "Not measured"
        if self.is_reached:
            return "Met"
        return {
            "towards the target": "Not met, right direction",
            "away from the target": "Not met, wrong direction",
        }.get(self.movement or "", "Not met, unchanged")


@dataclass(frozen=True)
class Compared:
    """An own figure beside the published ones of the same year and definition.

    Attributes:
        segment: among whom both are counted.
        numerator, denominator: of the own figure.
        rank_among_authorities: of the own figure, 1 for the best, or for the highest where neither
            direction is better; None if the Department does not publish this authority.
        is_withheld: the file may not show the own figure; its numbers and rank are None then.
    """

    figure_code: str
    measure_code: str
    segment: str
    as_at_date: dt.date
    own_value: Decimal | None
    numerator: int | None
    denominator: int | None
    england_value: Decimal | None
    region_name: str | None
    region_value: Decimal | None
    neighbour_mean_value: Decimal | None
    neighbour_count: int
    authority_count: int | None
    rank_among_authorities: int | None
    comparison_note: str | None
    is_withheld: bool = False


@dataclass(frozen=True)
class Month:
    """How often a type of event happened in a month, with the limits of an XmR chart."""

    event_type_code: str
    event_type: str
    month_start_date: dt.date
    event_count: int | None
    mean: Decimal | None
    low: Decimal | None
    high: Decimal | None
    signal: str | None
    is_withheld: bool = False


@dataclass(frozen=True)
class Change:
    """A share at two dates, with the interval of its difference (marts.kpi_change)."""

    earlier_snapshot_date: dt.date
    as_at_date: dt.date
    title: str
    segment: str
    direction: str
    earlier_numerator: int
    earlier_denominator: int
    earlier_share: Decimal
    later_numerator: int
    later_denominator: int
    later_share: Decimal
    difference: Decimal
    difference_low: Decimal
    difference_high: Decimal


@dataclass(frozen=True)
class LastEvents:
    """How often one thing happened on the last night, and in the week that ends with it."""

    as_at_date: dt.date
    event_type: str
    last_night_count: int
    last_week_count: int


@dataclass(frozen=True)
class StillInCare:
    """The share of a cohort of entries still in care after some days (Kaplan and Meier)."""

    cohort_from_date: dt.date
    cohort_to_date: dt.date
    day_number: int
    period_count: int
    share_in_care: Decimal
    share_low: Decimal | None
    share_high: Decimal | None
    median_days: int | None


@dataclass(frozen=True)
class Flow:
    """How many moves led from one stage to another in the 12 months to a date."""

    as_at_date: dt.date
    segment: str
    from_stage: str
    to_stage: str
    numerator: int
    from_rank: int
    to_rank: int


@dataclass(frozen=True)
class Saving:
    """What a placement programme saves under one assumption."""

    segment: str
    value: Decimal | None
    record_count: int
    residential_share: Decimal
    residential_week_gbp: Decimal
    programme_name: str


@contextmanager
def marts() -> Iterator[Connection]:
    """Connect for one page. All that it reads is of one publication, also during the next one."""
    with connect(READER, options=f"-c statement_timeout={STATEMENT_SECONDS}s") as connection:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield connection


def read_publications(connection: Connection) -> list[Publication]:
    """Return what the marts hold, by authority; nothing before the first publication."""
    row = connection.execute("select to_regclass('marts.dim_authority') is not null").fetchone()
    if row is None or not row[0]:
        return []
    return read(
        connection,
        Publication,
        "select authority, coalesce(authority_name, authority) as authority_name, publication_id,"
        " night, published_at, kind, code_version from marts.publication"
        " left join marts.dim_authority using (authority) order by authority_name, authority",
    )


def read_measures(connection: Connection) -> dict[str, Measure]:
    """Return all measures by their codes."""
    found = read(
        connection,
        Measure,
        "select measure_code, mart, measure, btrim(title, e' \\n') as title, service, topic,"
        " statistic, unit, number_format, direction, standard, official_code, period, date_basis,"
        " default_segment, owner, numerator, denominator, left_out, differs"
        " from marts.dim_measure order by service, topic, measure_code",
    )
    return {each.measure_code: each for each in found}


def read_figures(
    connection: Connection,
    authority: str,
    measures: Collection[Measure],
    *,
    withhold: bool,
    segment: str | None = None,
) -> dict[str, list[Figure]]:
    """Return the figures of measures by code, in the order of date and segment.

    Args:
        connection: see `marts`.
        authority: ONS code.
        measures: whose figures are wanted.
        withhold: the figures leave the department.
        segment: only this segment.
    """
    statistics = {each.measure_code: each.statistic for each in measures}
    rows = read(
        connection,
        Figure,
        "select kpi.as_at_date, kpi.measure_code, kpi.segment, segments.segment_kind,"
        " segments.segment_order, kpi.numerator, kpi.denominator, kpi.value, kpi.left_out_count,"
        " kpi.left_out_reason, kpi.is_total,"
        " coalesce(dates.looks_back_far_enough, true) as looks_back_far_enough"
        " from marts.kpi as kpi"
        " left join marts.dim_segment as segments"
        " on kpi.authority = segments.authority and kpi.segment_code = segments.segment_code"
        " left join marts.dim_snapshot as dates"
        " on kpi.authority = dates.authority and kpi.as_at_date = dates.as_at_date"
        " where kpi.authority = %(authority)s and kpi.measure_code = any(%(codes)s)"
        " and (%(segment)s::text is null or kpi.segment = %(segment)s)"
        " order by kpi.measure_code, kpi.as_at_date, segments.segment_order, kpi.segment",
        {"authority": authority, "codes": list(statistics), "segment": segment},
    )
    found: dict[str, list[Figure]] = {}
    for row in rows:
        kept = withheld(row, statistics[row.measure_code]) if withhold else row
        found.setdefault(row.measure_code, []).append(kept)
    return found


def read_targets(connection: Connection, authority: str, *, withhold: bool) -> list[Target]:
    """Return the targets on the latest report date, in the order of the services."""
    targets = read(
        connection,
        Target,
        "select targets.target_code, targets.service, targets.measure, targets.direction,"
        " targets.target_change_percent, targets.baseline_figure_date, targets.baseline_value,"
        " targets.target_value, targets.actual_figure_date, targets.actual_value,"
        " targets.change_percent, targets.is_reached, targets.movement, targets.due_date,"
        " targets.statistic, targets.not_measured_reason, measures.measure_code,"
        " case targets.statistic when 'count' then '#,##0' else"
        " coalesce(measures.number_format, '#,##0.0') end as number_format, targets.kpi_segment"
        " from marts.kpi_targets as targets left join marts.dim_measure as measures"
        " on targets.kpi_mart = measures.mart and targets.kpi_measure = measures.measure"
        " where targets.authority = %(authority)s and targets.is_latest order by"
        " array_position(array['edge of care', 'in care', 'leaving care'], targets.service),"
        " targets.target_code",
        {"authority": authority},
    )
    return [_as_shown(connection, authority, each) for each in targets] if withhold else targets


def _as_shown(connection: Connection, authority: str, target: Target) -> Target:
    """Return a target as the file may show it: not if one of its two figures is withheld."""
    figures = connection.execute(
        "select measures.statistic, kpi.numerator, kpi.denominator, kpi.value from marts.kpi"
        " join marts.dim_measure as measures using (measure_code) where authority = %s"
        " and measure_code = %s and segment = %s and as_at_date = any(%s)",
        (
            authority,
            target.measure_code,
            target.kpi_segment,
            [target.baseline_figure_date, target.actual_figure_date],
        ),
    ).fetchall()
    if not any(must_be_withheld(*figure) for figure in figures):
        return target
    return replace(
        target, baseline_value=None, target_value=None, actual_value=None,
        change_percent=None, is_reached=None, movement=None, is_withheld=True,
    )  # fmt: skip


def read_compared(
    connection: Connection, authority: str, measures: Collection[Measure], *, withhold: bool
) -> dict[str, list[Compared]]:
    """Return own figures beside the published ones, by published figure, the newest date first.

    Dates before records are complete are left out: there, own figures are too low.

    Args:
        connection: see `marts`.
        authority: ONS code.
        measures: whose figures are wanted.
        withhold: the figures leave the department. Published figures are public already.
    """
    statistics = {each.measure_code: each.statistic for each in measures}
    segments = {each.figure_code: each.segment for each in published_measures()}
    rows = read(
        connection,
        Compared,
        # a mart that was published by an earlier version does not say its segment
        "select compared.figure_code, compared.measure_code, published.segment,"
        " compared.as_at_date, own_value, kpi.numerator, kpi.denominator, england_value,"
        " region_name, region_value, neighbour_mean_value, neighbour_count, authority_count,"
        " rank_among_authorities, comparison_note from marts.kpi_comparison as compared"
        " inner join unnest(%(figures)s::text[], %(segments)s::text[])"
        " as published (figure_code, segment) on compared.figure_code = published.figure_code"
        " left join marts.kpi on compared.authority = kpi.authority"
        " and compared.as_at_date = kpi.as_at_date and compared.measure_code = kpi.measure_code"
        " and published.segment = kpi.segment left join marts.dim_snapshot as dates"
        " on compared.authority = dates.authority and compared.as_at_date = dates.as_at_date"
        " where compared.authority = %(authority)s"
        " and coalesce(dates.looks_back_far_enough, true)"
        " and compared.measure_code = any(%(codes)s) and england_value is not null"
        " order by compared.figure_code, compared.as_at_date desc",
        {
            "authority": authority,
            "codes": list(statistics),
            "figures": list(segments),
            "segments": list(segments.values()),
        },
    )
    found: dict[str, list[Compared]] = {}
    for row in rows:
        is_withheld = withhold and must_be_withheld(
            statistics[row.measure_code], row.numerator, row.denominator, row.own_value
        )
        kept = _without_own(row) if is_withheld else row
        found.setdefault(row.figure_code, []).append(kept)
    return found


def _without_own(row: Compared) -> Compared:
    """Return the published figures only: the rank among authorities would bound the own one."""
    return replace(
        row, own_value=None, numerator=None, denominator=None,
        rank_among_authorities=None, is_withheld=True,
    )  # fmt: skip


def read_months(
    connection: Connection, authority: str, event_types: Sequence[str], *, withhold: bool
) -> dict[str, list[Month]]:
    """Return the months of types of events, oldest first."""
    rows = read(
        connection,
        Month,
        "select event_type_code, event_type, month_start_date, event_count, mean, low, high, signal"
        " from marts.monthly_counts where authority = %(authority)s"
        " and event_type_code = any(%(types)s)"
        " order by array_position(%(types)s, event_type_code), month_start_date",
        {"authority": authority, "types": list(event_types)},
    )
    found: dict[str, list[Month]] = {}
    for row in rows:
        is_withheld = withhold and is_small(row.event_count)
        kept = replace(row, event_count=None, is_withheld=True) if is_withheld else row
        found.setdefault(row.event_type_code, []).append(kept)
    return found


def read_changes(connection: Connection, authority: str, *, withhold: bool) -> list[Change]:
    """Return the shares of the last two snapshots that changed by more than chance."""
    rows = read(
        connection,
        Change,
        "select changes.earlier_snapshot_date, changes.as_at_date, measures.title, changes.segment,"
        " measures.direction, earlier_numerator, earlier_denominator, earlier_share,"
        " later_numerator, later_denominator, later_share, difference, difference_low,"
        " difference_high from marts.kpi_change as changes inner join marts.dim_measure as measures"
        " on changes.mart = measures.mart and changes.measure = measures.measure"
        " where authority = %(authority)s and is_beyond_chance"
        " and (earlier_snapshot_date, as_at_date) = ("
        " select min(earlier_snapshot_date), max(as_at_date) from marts.kpi_change"
        " where authority = %(authority)s)"
        " order by abs(difference) desc, measures.title, changes.segment",
        {"authority": authority},
    )
    return [
        each
        for each in rows
        if not withhold
        or not (
            must_be_withheld("share", each.earlier_numerator, each.earlier_denominator, None)
            or must_be_withheld("share", each.later_numerator, each.later_denominator, None)
        )
    ]


def read_last_events(connection: Connection, authority: str) -> list[LastEvents]:
    """Return what happened in the week of the last night, the most frequent first."""
    return read(
        connection,
        LastEvents,
        "select as_at_date, event_type, last_night_count, last_week_count"
        " from marts.last_night_events where authority = %(authority)s and last_week_count > 0"
        " order by last_week_count desc, event_type",
        {"authority": authority},
    )


def read_still_in_care(connection: Connection, authority: str) -> list[StillInCare]:
    """Return the share still in care, by cohort of entry, oldest first."""
    return read(
        connection,
        StillInCare,
        "select cohort_from_date, cohort_to_date, day_number, period_count, share_in_care,"
        " share_low, share_high, median_days from marts.time_in_care"
        " where authority = %(authority)s order by cohort_from_date, day_number",
        {"authority": authority},
    )


def read_flow_choices(connection: Connection, authority: str) -> tuple[list[str], list[dt.date]]:
    """Return the cohorts and the dates for which the flow between stages is counted."""
    segments = connection.execute(
        "select distinct segment, segment <> 'all' from marts.kpi_journey_flow"
        " where authority = %s order by 2, 1",
        (authority,),
    ).fetchall()
    dates = connection.execute(
        "select distinct as_at_date from marts.kpi_journey_flow where authority = %s"
        " order by as_at_date desc",
        (authority,),
    ).fetchall()
    return [name for name, _ in segments], [day for (day,) in dates]


def read_flow(connection: Connection, authority: str, segment: str, day: dt.date) -> list[Flow]:
    """Return the links of one cohort for the 12 months to a date, from the lowest stage up."""
    return read(
        connection,
        Flow,
        "select as_at_date, segment, from_stage, to_stage, numerator,"
        " from_types.precedence as from_rank, to_types.precedence as to_rank"
        " from marts.kpi_journey_flow as flow"
        " inner join marts.dim_plan_type as from_types on flow.from_stage = from_types.plan_type"
        " inner join marts.dim_plan_type as to_types on flow.to_stage = to_types.plan_type"
        " where authority = %(authority)s and segment = %(segment)s and as_at_date = %(day)s"
        " and numerator > 0 order by from_rank, to_rank",
        {"authority": authority, "segment": segment, "day": day},
    )


def read_savings(connection: Connection, authority: str) -> list[Saving]:
    """Return the net saving of placement programmes under each assumption, on the latest date."""
    return read(
        connection,
        Saving,
        "select segment, value, record_count, residential_share, residential_week_gbp,"
        " split_part(segment, ':', 1) as programme_name from marts.kpi_pathway_sensitivity"
        " where authority = %(authority)s and measure = 'net saving' and as_at_date = ("
        " select max(as_at_date) from marts.kpi_pathway_sensitivity"
        " where authority = %(authority)s) order by residential_week_gbp, residential_share",
        {"authority": authority},
    )
