"""What a reader knows about the figures of an authority: which cells they have, and which sums.

A figure has up to two counts: numerator and denominator. The reader is given every relation that
holds for all the figures of a release, whether the tables say it or not. A reader who knows more
can find out more, so protection against this one protects against others too.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import gcd, log1p
from typing import Final, Literal, TypeVar

from carepath.disclosure.cells import Cells, State

K = TypeVar("K", bound=Hashable)
Part = Literal["numerator", "denominator"]
PARTS: Final[tuple[Part, ...]] = ("numerator", "denominator")
# later dates of these periods hold everything that earlier ones hold
NESTED: Final = "up to the date"
NESTED_IN_YEAR: Final = "financial year to the date"
YEAR, QUARTER = 12, 3
APRIL: Final = 4
MOST_COLUMNS: Final = 40
TOTAL_WEIGHT: Final = 3.0
POPULATION: Final = "rate"
SIMPLE: Final = frozenset({-1, 0, 1})


@dataclass(frozen=True)
class Figure:
    """One row of marts.kpi with what its dimensions say about it.

    `kind_adds_up` says that nobody is in two segments of the kind.
    """

    as_at_date: dt.date
    measure_code: str
    segment_code: str
    mart: str
    statistic: str
    period: str
    period_months: int | None
    segment_kind: str
    is_total: bool
    kind_adds_up: bool
    numerator: int | None
    denominator: int | None

    def count(self, part: Part) -> int | None:
        """Return a count that is about people; the population of a rate is public."""
        if part == "numerator":
            return self.numerator
        public = self.statistic == POPULATION and self.numerator is not None
        return None if public else self.denominator


Place = tuple[dt.date, str, str, Part]  # date, measure, segment, part
Series = tuple[str, str, Part]  # measure, segment, part


@dataclass
class Knowledge:
    """The cells of an authority, and which of them is the count of which figure."""

    cells: Cells = field(default_factory=Cells)
    place: dict[Place, int] = field(default_factory=dict)


def knowledge(
    figures: Sequence[Figure],
    largest: int,
    states: Mapping[Place, State] | None = None,
) -> Knowledge:
    """Return the cells of the figures and every relation found between them.

    Args:
        figures: of one authority, all dates of the release and of earlier ones.
        largest: the largest confidential count; equal counts above it are taken for the same.
        states: counts that are not open: published before, or not to be published now.
    """
    found = Knowledge()
    _place_cells(found, figures, largest, states or {})
    by_measure = _grouped(figures, lambda f: f.measure_code)
    for rows in by_measure.values():
        _relate_segments(found, rows)
        _relate_dates(found, rows)
    _relate_parts(found, figures)
    for rows in _grouped(figures, lambda f: f.mart).values():
        _relate_measures(found, rows)
        _relate_quarters(found, rows)
    return found


def _place_cells(
    found: Knowledge, figures: Sequence[Figure], largest: int, states: Mapping[Place, State]
) -> None:
    """Give every count a cell. Counts that are the same at all dates share one.

    Two measures of one mart with the same denominator are the usual case. A denominator that is
    the numerator of another measure, and the same figure in two marts, are others.
    """
    series: dict[Series, dict[dt.date, int]] = defaultdict(dict)
    marts: dict[str, str] = {}
    totals: dict[Series, bool] = {}
    for figure in figures:
        marts[figure.measure_code] = figure.mart
        for part in PARTS:
            if (value := figure.count(part)) is not None:
                key = (figure.measure_code, figure.segment_code, part)
                series[key][figure.as_at_date] = value
                totals[key] = figure.is_total
    same: dict[object, list[Series]] = defaultdict(list)
    for key, values in series.items():
        measure, segment, _ = key
        who = "the total" if totals[key] else segment
        where = "anywhere" if max(values.values()) > largest else marts[measure]
        same[who, where, tuple(sorted(values.items()))].append(key)
    for keys in same.values():
        for date, value in series[keys[0]].items():
            places: list[Place] = [(date, *key) for key in keys]
            known = {states.get(place, State.OPEN) for place in places}
            state = next(
                (s for s in (State.KNOWN, State.OPEN, State.WITHHELD) if s in known), State.HIDDEN
            )
            weight = 1 + log1p(value)
            weight *= len(keys) * (TOTAL_WEIGHT if totals[keys[0]] else 1.0)
            cell = found.cells.add(value, weight, state)
            found.place.update(dict.fromkeys(places, cell))


def _relate_segments(found: Knowledge, rows: Sequence[Figure]) -> None:
    """Relate the segments of a measure to its total, for each kind of segment."""
    for part in PARTS:
        totals = {
            row.as_at_date: cell
            for row in rows
            if row.is_total and (cell := _cell(found, row, part)) is not None
        }
        kinds = _grouped(
            (row for row in rows if not row.is_total and row.as_at_date in totals),
            lambda f: (f.segment_kind, f.kind_adds_up),
        )
        for (_, adds_up), members in kinds.items():
            dates = {
                date: [c for row in at if (c := _cell(found, row, part)) is not None]
                for date, at in _grouped(members, lambda f: f.as_at_date).items()
            }
            values = found.cells.values
            whole = adds_up and all(
                sum(values[c] for c in cells) == values[totals[date]]
                for date, cells in dates.items()
            )
            for date, cells in dates.items():
                total = totals[date]
                others = [cell for cell in cells if cell != total]
                if whole and len(others) == len(cells) == len(set(cells)):
                    found.cells.relate({total: 1, **dict.fromkeys(cells, -1)})
                    continue
                if adds_up and len(others) > 1 and len(set(others)) == len(others):
                    found.cells.rest(total, others)
                for cell in sorted(set(others)):
                    found.cells.rest(total, [cell])


def _relate_dates(found: Knowledge, rows: Sequence[Figure]) -> None:
    """Relate a later date to an earlier one that it contains: who came between is a group."""
    if rows[0].period not in (NESTED, NESTED_IN_YEAR):
        return
    for of_segment in _grouped(rows, lambda f: f.segment_code).values():
        ordered = sorted(of_segment, key=lambda f: f.as_at_date)
        for part in PARTS:
            for earlier, later in itertools.pairwise(ordered):
                if earlier.period == NESTED_IN_YEAR and (
                    _year(earlier.as_at_date) != _year(later.as_at_date)
                ):
                    continue
                first, second = _cell(found, earlier, part), _cell(found, later, part)
                if first is not None and second is not None and first != second:
                    found.cells.rest(second, [first])


def _relate_parts(found: Knowledge, figures: Sequence[Figure]) -> None:
    """Relate a numerator to its denominator: the others of the denominator are a group."""
    done = set()
    for figure in figures:
        part, whole = (_cell(found, figure, p) for p in PARTS)
        if part is None or whole is None or part == whole or (part, whole) in done:
            continue
        done.add((part, whole))
        found.cells.rest(whole, [part])


def _relate_measures(found: Knowledge, rows: Sequence[Figure]) -> None:
    """Relate measures of a mart whose counts always add up, such as all kinds of activity.

    Row reduction finds every linear relation that holds at all dates and in all segments.
    """
    places: dict[tuple[dt.date, str], dict[tuple[str, Part], int]] = defaultdict(dict)
    for row in rows:
        for part in PARTS:
            if (cell := _cell(found, row, part)) is not None:
                places[row.as_at_date, row.segment_code][row.measure_code, part] = cell
    alike: dict[frozenset[tuple[str, Part]], list[dict[tuple[str, Part], int]]] = defaultdict(list)
    for columns in places.values():
        alike[frozenset(columns)].append(columns)
    for names, table in alike.items():
        # columns that share their cells everywhere are one
        unique: dict[tuple[int, ...], tuple[str, Part]] = {}
        for name in sorted(names):
            unique.setdefault(tuple(row[name] for row in table), name)
        chosen = list(unique.values())
        if not 2 < len(chosen) <= MOST_COLUMNS or len(table) < 2 * len(chosen):
            continue
        values = [[found.cells.values[row[name]] for name in chosen] for row in table]
        for relation in always(values):
            for columns in table:
                terms: dict[int, int] = defaultdict(int)
                for name, factor in zip(chosen, relation, strict=True):
                    terms[columns[name]] += factor
                kept = {cell: factor for cell, factor in terms.items() if factor}
                if len(kept) > 1:
                    found.cells.relate(kept)


def _relate_quarters(found: Knowledge, rows: Sequence[Figure]) -> None:
    """Relate a year's count to those of its quarters, where a mart has both."""
    measures = _grouped(rows, lambda f: f.measure_code)
    years = [m for m, of in measures.items() if of[0].period_months == YEAR]
    quarters = [m for m, of in measures.items() if of[0].period_months == QUARTER]
    for year in years:
        for quarter in quarters:
            for part in PARTS:
                sums = list(_sums(found, measures[year], quarter, part))
                values = found.cells.values
                if sums and all(
                    values[whole] == sum(values[c] for c in parts) for whole, parts in sums
                ):
                    for whole, parts in sums:
                        if len({whole, *parts}) == len(parts) + 1:
                            found.cells.relate({whole: 1, **dict.fromkeys(parts, -1)})


def _sums(
    found: Knowledge, rows: Sequence[Figure], quarter: str, part: Part
) -> Iterator[tuple[int, list[int]]]:
    for row in rows:
        whole = _cell(found, row, part)
        parts = [
            found.place.get((date, quarter, row.segment_code, part))
            for date in _quarter_ends(row.as_at_date)
        ]
        cells = [cell for cell in parts if cell is not None]
        if whole is not None and len(cells) == len(parts):
            yield whole, cells


def always(table: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return a basis of the relations that hold in every row, of those with simple factors.

    Args:
        table: rows of whole numbers, all equally long.

    Returns:
        Factors by column, each -1, 0 or 1, whose products with any row add up to 0.
    """
    rows = [list(row) for row in dict.fromkeys(map(tuple, table))]
    width = len(rows[0])
    pivots: list[int] = []
    reduced: list[list[int]] = []
    for column in range(width):
        pivot = next((row for row in rows if row[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        pivots.append(column)
        rows = [_without(row, pivot, column) for row in rows]
        reduced = [_without(row, pivot, column) for row in reduced]
        reduced.append(pivot)
    found = []
    for free in set(range(width)) - set(pivots):
        relation = [0] * width
        relation[free] = 1
        whole = True
        for pivot_column, row in zip(pivots, reduced, strict=True):
            factor, remainder = divmod(-row[free], row[pivot_column])
            relation[pivot_column] = factor
            whole = whole and remainder == 0
        if whole and set(relation) <= SIMPLE:
            found.append(relation)
    return found


def _without(row: Sequence[int], pivot: Sequence[int], column: int) -> list[int]:
    """Return the row with a multiple of the pivot subtracted, so that the column is 0."""
    combined = [pivot[column] * a - row[column] * b for a, b in zip(row, pivot, strict=True)]
    divisor = gcd(*combined) or 1
    return [value // divisor for value in combined]


def _cell(found: Knowledge, figure: Figure, part: Part) -> int | None:
    return found.place.get((figure.as_at_date, figure.measure_code, figure.segment_code, part))


def _year(day: dt.date) -> int:
    return day.year if day.month >= APRIL else day.year - 1


def _quarter_ends(last: dt.date) -> list[dt.date]:
    """Return the ends of the four quarters up to a date."""
    found = []
    for months in range(0, YEAR, QUARTER):
        after = last.year * 12 + last.month - months  # the month after, counted from 0
        found.append(dt.date(after // 12, after % 12 + 1, 1) - dt.timedelta(days=1))
    return found


def _grouped(figures: Iterable[Figure], key: Callable[[Figure], K]) -> dict[K, list[Figure]]:
    found: dict[K, list[Figure]] = defaultdict(list)
    for figure in figures:
        found[key(figure)].append(figure)
    return found
