"""Each figure's own history: as it was last published in each month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from carepath.quality.figures.figure import Figure, Point, Series, TeamFigure, Value

# limits follow the last two years, so that an old level does not count for ever
MONTHS_READ: Final = 24


@dataclass(frozen=True)
class _Row:
    """One row of quality.figure_history without its authority and month."""

    series: Series
    team_key: int
    as_at_date: dt.date
    number: float
    numerator: float
    denominator: float


def keep(
    connection: psycopg.Connection[Any],
    authority: str,
    figures: Iterable[Figure],
    values: Iterable[Value],
    teams: Iterable[TeamFigure],
) -> None:
    """Keep the published figures of the latest night as those of its month.

    The figures of a night replace those of earlier nights of the same month. A month that has
    ended stays as it was.

    Args:
        connection: of carepath_loader.
        authority: the authority, by its ONS code.
        figures, values, teams: what is published now, of any date.
    """
    rows = [*_of_figures(figures), *_of_values(values), *_of_teams(teams)]
    if not rows:
        return
    night = max(row.as_at_date for row in rows)
    of_night = list(
        {(row.series, row.team_key): row for row in rows if row.as_at_date == night}.values()
    )
    connection.execute(
        """
        insert into quality.figure_history as kept (authority, month, mart, measure, segment,
            team_key, as_at_date, number, numerator, denominator)
        select %(authority)s, date_trunc('month', %(night)s::date), mart, measure, segment,
            team_key, %(night)s, number, numerator, denominator
        from unnest(%(marts)s::text[], %(measures)s::text[], %(segments)s::text[],
            %(teams)s::bigint[], %(numbers)s::float8[], %(numerators)s::float8[],
            %(denominators)s::float8[])
            as each (mart, measure, segment, team_key, number, numerator, denominator)
        on conflict (authority, month, mart, measure, segment, team_key) do update
            set (as_at_date, number, numerator, denominator)
                = (excluded.as_at_date, excluded.number, excluded.numerator,
                    excluded.denominator)
        where (kept.as_at_date, kept.number, kept.numerator, kept.denominator)
            is distinct from (excluded.as_at_date, excluded.number, excluded.numerator,
                excluded.denominator)
        """,
        {
            "authority": authority,
            "night": night,
            "marts": [row.series[0] for row in of_night],
            "measures": [row.series[1] for row in of_night],
            "segments": [row.series[2] for row in of_night],
            "teams": [row.team_key for row in of_night],
            "numbers": [float(row.number) for row in of_night],
            "numerators": [float(row.numerator) for row in of_night],
            "denominators": [float(row.denominator) for row in of_night],
        },
    )


def read(
    connection: psycopg.Connection[Any], authority: str, night: dt.date
) -> Mapping[tuple[Series, int], tuple[Point, ...]]:
    """Return the points of each figure from the months before the night's, the oldest first.

    The key is the figure and its team, 0 for the whole figure.
    """
    found: dict[tuple[Series, int], list[Point]] = {}
    for mart, measure, segment, team, day, number, numerator, denominator in connection.execute(
        """
        select mart, measure, segment, team_key, as_at_date, number, numerator, denominator
        from quality.figure_history
        where authority = %(authority)s
            and month < date_trunc('month', %(night)s::date)
            and month >= date_trunc('month', %(night)s::date) - %(months)s * interval '1 month'
        order by month
        """,
        {"authority": authority, "night": night, "months": MONTHS_READ},
    ):
        found.setdefault(((mart, measure, segment), team), []).append(
            Point(day, number, numerator, denominator)
        )
    return {key: tuple(points) for key, points in found.items()}


def _of_figures(figures: Iterable[Figure]) -> Iterable[_Row]:
    for f in figures:
        if (point := f.point) is not None:
            yield _Row(f.series, 0, f.as_at_date, point.number, point.numerator, point.denominator)


def _of_values(values: Iterable[Value]) -> Iterable[_Row]:
    for v in values:
        if (point := v.point) is not None:
            yield _Row(v.series, 0, v.as_at_date, point.number, point.numerator, point.denominator)


def _of_teams(teams: Iterable[TeamFigure]) -> Iterable[_Row]:
    for t in teams:
        yield _Row(t.series, t.team_key, t.point.as_at_date, t.point.number, t.point.numerator,
                   t.point.denominator)  # fmt: skip
