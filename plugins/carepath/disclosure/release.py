"""Release figures: protect them, and write them into schema `published`.

A release belongs to one authority. It holds the dates that were not released before, or those
that a person revises. What was released stays, because readers have it.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from carepath.dates import written
from carepath.disclosure.cells import Protection, State
from carepath.disclosure.protection import protect
from carepath.disclosure.reader import PARTS, Figure, Knowledge, Part, Place, knowledge
from carepath.errors import CarepathError
from carepath.logs import service_log
from carepath.quality.waivers import person
from carepath.site.disclosure import (
    CONFIDENTIAL,
    LOW,
    NOT_APPLICABLE,
    NOT_AVAILABLE,
    Disclosure,
    nearest,
    read_disclosure,
)
from carepath.site.reading import site_folder
from carepath.warehouse.connect import connect

OWNER: Final = "carepath_owner"
LOCK: Final = 0x_CA4E_9A75  # the advisory lock that lets one release work at a time
PER_10000: Final = 10_000
# a single record's value, whatever the number of records behind it
OF_ONE: Final = frozenset({"maximum"})
MARCH: Final = 3

FIGURES: Final = """
select
    kpi.as_at_date,
    kpi.measure_code,
    kpi.segment_code,
    dim_measure.mart,
    dim_measure.statistic,
    dim_measure.period,
    dim_measure.period_months,
    coalesce(dim_segment.segment_kind, 'other') as segment_kind,
    kpi.is_total,
    coalesce(dim_segment.is_additive, false) as kind_adds_up,
    kpi.numerator,
    kpi.denominator,
    kpi.value,
    kpi.from_date,
    dim_measure.service,
    dim_measure.topic,
    dim_measure.title,
    dim_measure.unit,
    kpi.segment
from marts.kpi
inner join marts.dim_measure on kpi.measure_code = dim_measure.measure_code
left join marts.dim_segment
    on kpi.authority = dim_segment.authority and kpi.segment_code = dim_segment.segment_code
where
    kpi.authority = %(authority)s
    and kpi.as_at_date = any(%(dates)s)
    and not coalesce(dim_segment.segment_kind, 'other') = any(%(no_segments)s)
    and not kpi.measure_code = any(%(no_measures)s)
order by kpi.as_at_date, kpi.measure_code, kpi.segment_code
"""

DATES: Final = """
select as_at_date, is_latest, is_quarter_end
from marts.dim_snapshot
where authority = %s
order by as_at_date
"""

COLUMNS: Final = (
    "authority", "release_id", "as_at_date", "measure_code", "segment_code", "from_date",
    "service", "topic", "measure", "statistic", "unit", "segment_kind", "segment",
    "numerator", "numerator_symbol", "denominator", "denominator_symbol", "value", "value_symbol",
)  # fmt: skip


@dataclass(frozen=True)
class Row(Figure):
    """A figure with its value and with what it is called."""

    value: Decimal | None
    from_date: dt.date | None
    service: str
    topic: str
    title: str
    unit: str
    segment: str


Shown = tuple[Any, str | None]  # a number, or the symbol in its place


@dataclass(frozen=True)
class Released:
    """What a release holds.

    Attributes:
        release_id: None if there was nothing to release.
        figure_count: rows of published.figure.
        count_count: counts in them, numerators and denominators.
        small_count: counts suppressed because they are small.
        other_count: counts suppressed because a small one could be computed from them.
        exposed_count: small counts with narrower bounds than asked for, whatever is suppressed.
        rounds: how often the attacker looked.
        seconds: how long it took to protect them.
    """

    release_id: int | None
    authority: str
    dates: tuple[dt.date, ...]
    figure_count: int = 0
    count_count: int = 0
    small_count: int = 0
    other_count: int = 0
    exposed_count: int = 0
    rounds: int = 0
    seconds: float = 0.0


def release(
    authority: str,
    *,
    dates: Sequence[dt.date] = (),
    revise: bool = False,
    rules: Disclosure | None = None,
) -> Released:
    """Protect and release figures of one authority, in one transaction.

    Args:
        authority: ONS code.
        dates: the as-at dates; by default those of the rules.
        revise: release dates again that were released before. Without it, they stay.
        rules: by default those of the council's settings.

    Raises:
        CarepathError: a date has no figures, or nothing has been published yet.
        SettingsError: the rules are not valid.
    """
    rules = rules or read_disclosure(site_folder())
    with connect(OWNER) as connection:
        connection.execute("set transaction isolation level repeatable read")
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        wanted = _dates(connection, authority, dates, rules)
        earlier = _earlier(connection, authority)
        before = {place[0] for place in earlier}
        new = tuple(date for date in wanted if revise or date not in before)
        if not new:
            return Released(None, authority, ())
        rows = _read(connection, authority, sorted({*new, *before}), rules)
        began = time.monotonic()
        states = _states(rows, set(new), earlier, rules)
        known = knowledge(rows, rules.suppress_up_to, states)
        chosen = protect(known.cells, Protection(largest=rules.suppress_up_to, width=rules.width))
        hidden = {place for place, cell in known.place.items() if chosen.cells[cell]}
        released = [row for row in rows if row.as_at_date in new]
        release_id = _write(connection, authority, released, hidden, rules)
        result = _counted(release_id, authority, new, released, known, hidden, rules)
    result = Released(
        **{
            **result.__dict__,
            "exposed_count": len(chosen.exposed),
            "rounds": chosen.rounds,
            "seconds": time.monotonic() - began,
        }
    )
    service_log().info(
        "figures_released",
        released_by=person(),
        authority=authority,
        release_id=release_id,
        dates=[date.isoformat() for date in new],
        figures=result.figure_count,
    )
    return result


def _dates(
    connection: psycopg.Connection[Any], authority: str, named: Sequence[dt.date], rules: Disclosure
) -> list[dt.date]:
    """Return the dates to release, in order."""
    there = connection.execute(DATES, [authority]).fetchall()
    if missing := set(named) - {date for date, _, _ in there}:
        raise CarepathError(
            f"The marts have no figures as at {written(min(missing))}.",
            where=authority,
            todo="name a date that marts.dim_snapshot has.",
        )
    if named:
        return sorted(set(named))
    latest, year_ends = "latest" in rules.dates, rules.dates.startswith("year")
    return [
        date
        for date, is_latest, is_quarter_end in there
        if (is_quarter_end and (not year_ends or date.month == MARCH)) or (latest and is_latest)
    ]


def _read(
    connection: psycopg.Connection[Any], authority: str, dates: Sequence[dt.date], rules: Disclosure
) -> list[Row]:
    with connection.cursor(row_factory=class_row(Row)) as cursor:
        return cursor.execute(
            FIGURES,
            {
                "authority": authority,
                "dates": list(dates),
                "no_segments": list(rules.leave_out_segments),
                "no_measures": list(rules.leave_out_measures),
            },
        ).fetchall()


def _earlier(connection: psycopg.Connection[Any], authority: str) -> dict[Place, set[int | None]]:
    """Return every number that was released of each count; None where it was suppressed."""
    found: dict[Place, set[int | None]] = {}
    for date, measure, segment, *counts in connection.execute(
        "select as_at_date, measure_code, segment_code, numerator, denominator"
        " from published.figure where authority = %s",
        [authority],
    ):
        for part, count in zip(PARTS, counts, strict=True):
            found.setdefault((date, measure, segment, part), set()).add(count)
    return found


def _states(
    rows: Sequence[Row],
    new: set[dt.date],
    earlier: Mapping[Place, set[int | None]],
    rules: Disclosure,
) -> dict[Place, State]:
    """Say which counts readers have already, and which are not released now."""
    found: dict[Place, State] = {}
    for row in rows:
        for part in PARTS:
            if (count := row.count(part)) is None:
                continue
            place: Place = (row.as_at_date, row.measure_code, row.segment_code, part)
            if count > rules.suppress_up_to and _as_shown(count) & earlier.get(place, set()):
                found[place] = State.KNOWN
            elif row.as_at_date not in new:
                found[place] = State.WITHHELD if place in earlier else State.HIDDEN
    return found


def _as_shown(count: int) -> set[int | None]:
    """Return how a count may have been shown before, whatever the rules were."""
    return {nearest(count, base) for base in (1, 5, 10)}


def _write(
    connection: psycopg.Connection[Any],
    authority: str,
    rows: Sequence[Row],
    hidden: set[Place],
    rules: Disclosure,
) -> int:
    published = connection.execute(
        "select night, publication_id from marts.publication where authority = %s", [authority]
    ).fetchone()
    if published is None:
        raise CarepathError("Nothing has been published yet.", todo="run a night first.")
    ((release_id,),) = connection.execute(
        "insert into published.release (authority, night, publication_id, rules)"
        " values (%s, %s, %s, %s) returning release_id",
        [authority, *published, Jsonb(rules.model_dump())],
    ).fetchall()
    with connection.cursor().copy(
        f"copy published.figure ({', '.join(COLUMNS)}) from stdin"
    ) as copy:
        for row in rows:
            shown = {part: _count(row, part, hidden, rules) for part in PARTS}
            copy.write_row(
                (
                    authority, release_id, row.as_at_date, row.measure_code, row.segment_code,
                    row.from_date, row.service, row.topic, row.title.strip(), row.statistic,
                    row.unit, row.segment_kind, row.segment,
                    *shown["numerator"], *shown["denominator"], *_value(row, shown, rules),
                )
            )  # fmt: skip
    return int(release_id)


def _count(row: Row, part: Part, hidden: set[Place], rules: Disclosure) -> Shown:
    count = row.numerator if part == "numerator" else row.denominator
    if count is None:
        return None, NOT_APPLICABLE
    if row.count(part) is None:  # the population of a rate
        return count, None
    if (row.as_at_date, row.measure_code, row.segment_code, part) in hidden:
        return None, CONFIDENTIAL
    rounded = rules.rounded(count)
    return (None, LOW) if count and not rounded else (rounded, None)


def _value(row: Row, shown: Mapping[Part, Shown], rules: Disclosure) -> Shown:
    """Return the value; it is withheld with its counts, and computed from rounded ones."""
    (top, top_symbol), (bottom, bottom_symbol) = shown["numerator"], shown["denominator"]
    if row.statistic == "count":
        return top, top_symbol
    if CONFIDENTIAL in (top_symbol, bottom_symbol):
        return None, CONFIDENTIAL
    if LOW in (top_symbol, bottom_symbol):
        return None, LOW
    if row.denominator == 0:
        return None, NOT_APPLICABLE
    if row.value is None or row.denominator is None:  # nothing says how many are behind it
        return None, NOT_AVAILABLE
    if row.statistic in OF_ONE:
        return None, CONFIDENTIAL
    value = row.value
    if row.statistic == "share":
        value = Decimal(100) * top / bottom if row.numerator is not None else value * 100
    elif row.numerator is not None and rules.round_to > 1 and row.statistic == "rate":
        value = Decimal(PER_10000) * top / bottom
    rounded = value.quantize(Decimal(1).scaleb(-rules.decimals), ROUND_HALF_UP)
    return (None, LOW) if value and not rounded else (rounded, None)


def _counted(
    release_id: int,
    authority: str,
    dates: tuple[dt.date, ...],
    rows: Sequence[Row],
    known: Knowledge,
    hidden: set[Place],
    rules: Disclosure,
) -> Released:
    places = [
        (row.as_at_date, row.measure_code, row.segment_code, part)
        for row in rows
        for part in PARTS
        if row.count(part) is not None
    ]
    values = known.cells.values
    small = {p for p in hidden if 1 <= values[known.place[p]] <= rules.suppress_up_to}
    return Released(
        release_id,
        authority,
        dates,
        figure_count=len(rows),
        count_count=len(places),
        small_count=sum(place in small for place in places),
        other_count=sum(place in hidden and place not in small for place in places),
    )
