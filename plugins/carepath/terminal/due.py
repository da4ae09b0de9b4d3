"""`carepath due`: what is due in the next 14 days and what is overdue, by team."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from itertools import groupby
from typing import IO, Final

import psycopg
from psycopg.rows import class_row
from rich.console import Console

from carepath.dates import written
from carepath.errors import CarepathError
from carepath.spreadsheets import inert
from carepath.terminal.layout import print_indented, table_of
from carepath.warehouse.connect import connect

CASELOAD: Final = "carepath_caseload"
READER: Final = "bi_reader"

# the heading of a column, and how the kinds of thing under it end
COLUMNS: Final = {
    "visits": "visit",
    "reviews": "review",
    "assess- ments": "assessment",
    "confer- ences": "conference",
    "pathway plans": "pathway plan review",
    "health": "health assessment",
}


@dataclass(frozen=True)
class Count:
    """How many things of one kind a team has due, and overdue."""

    authority: str
    as_at_date: dt.date
    team: str
    due_type: str
    due_count: int
    overdue_count: int

    @property
    def column(self) -> str:
        """The heading under which the kind is counted: the longest ending that it has."""
        endings = sorted(COLUMNS.items(), key=lambda column: -len(column[1]))
        return next(heading for heading, ending in endings if self.due_type.endswith(ending))


@dataclass(frozen=True)
class Due:
    """A thing that is due or overdue. It has ids, and no other value of the record."""

    authority: str
    as_at_date: dt.date
    due_date: dt.date
    is_overdue: bool
    due_type: str
    person_id: str | None
    worker_id: str | None
    team_name: str | None


def read_counts(authority: str | None = None, team: str | None = None) -> list[Count]:
    """Return the published counts by team and kind, without a case id.

    Raises:
        CarepathError: no night has published them yet.
    """
    with connect(READER) as connection:
        cursor = connection.cursor(row_factory=class_row(Count))
        try:
            return cursor.execute(
                "select c.authority, c.as_at_date, coalesce(t.team_name, 'no team') as team,"
                " c.due_type, sum(c.due_count)::integer as due_count,"
                " sum(c.overdue_count)::integer as overdue_count"
                " from marts.due_counts as c left join marts.dim_team as t"
                " on c.authority = t.authority and c.team_key = t.team_key"
                " where (%(authority)s::text is null or c.authority = upper(%(authority)s))"
                " and (%(team)s::text is null"
                " or strpos(lower(coalesce(t.team_name, 'no team')), lower(%(team)s)) > 0)"
                " group by c.authority, c.as_at_date, team, c.due_type"
                " order by c.authority, team, c.due_type",
                {"authority": authority, "team": team},
            ).fetchall()
        except psycopg.errors.UndefinedTable:
            raise CarepathError(_NOTHING, todo=_RUN) from None


def read_due(authority: str | None = None, team: str | None = None) -> list[Due]:
    """Return each thing that is due, with its case id, as the role that may see it.

    Raises:
        CarepathError: no night has built the list yet.
    """
    with connect(CASELOAD) as connection:
        cursor = connection.cursor(row_factory=class_row(Due))
        try:
            return cursor.execute(
                f"select {', '.join(field.name for field in fields(Due))} from caseload.due"
                " where (%(authority)s::text is null or authority = upper(%(authority)s))"
                " and (%(team)s::text is null"
                " or strpos(lower(coalesce(team_name, 'no team')), lower(%(team)s)) > 0)"
                " order by authority, team_name, due_date, due_type, person_id",
                {"authority": authority, "team": team},
            ).fetchall()
        except psycopg.errors.UndefinedTable:
            raise CarepathError(_NOTHING, todo=_RUN) from None


def print_due(console: Console, authority: str | None = None, team: str | None = None) -> None:
    """Print, by team, how many things are due in 14 days and how many are overdue."""
    found = read_counts(authority, team)
    if not found:
        console.print("Nothing is due in 14 days, and nothing is overdue.")
        return
    for (code, day), each in groupby(found, lambda count: (count.authority, count.as_at_date)):
        counts = list(each)
        table = table_of(
            f"Due in the 14 days after {written(day)} / overdue, {code}", ["team"], [*COLUMNS]
        )
        # so that no word of a team's name is broken on 80 columns
        table.padding, table.columns[0].min_width = (0, 0), 13
        for name, of_team in groupby(counts, lambda count: count.team):
            table.add_row(name, *_cells(list(of_team)))
        table.add_section()
        table.add_row("all", *_cells(counts))
        console.print(table)
    print_indented(console, "The list with case ids: carepath due --csv FILE", by=2)


def write_csv(file: IO[str], found: Sequence[Due]) -> None:
    """Write the list as CSV, one row each. Text that a spreadsheet would run is quoted."""
    writer = csv.writer(file)
    writer.writerow([field.name for field in fields(Due)])
    for each in found:
        writer.writerow([inert(value) for value in astuple(each)])


def _cells(counts: Sequence[Count]) -> list[str]:
    cells = []
    for heading in COLUMNS:
        here = [count for count in counts if count.column == heading]
        due, overdue = sum(c.due_count for c in here), sum(c.overdue_count for c in here)
        cells.append(f"{due:,} / {overdue:,}" if due or overdue else "")
    return cells


_NOTHING: Final = "No night has counted what is due yet."
_RUN: Final = "run a night first (`carepath run --date DATE`)."
