"""The records that a return is made of, read from staging in one read-only transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from carepath.dates import written
from carepath.errors import CarepathError
from carepath.returns.remarks import Row
from carepath.warehouse.connect import connect

READER: Final = "carepath_analyst"
# without statistics of history by authority, the planner would read all addresses for each episode
OPTIONS: Final = "-c default_transaction_read_only=on -c enable_nestloop=off"


@dataclass(frozen=True)
class CollectionYear:
    """Collection year Y: 1 April Y-1 to 31 March Y.

    A recording system keeps all years, so dates decide what a year has. The records of a return
    that was loaded have their year as `period`; a record that a later return repeats has the later
    one.
    """

    number: int

    @property
    def start(self) -> dt.date:
        """The first day."""
        return dt.date(self.number - 1, 4, 1)

    @property
    def end(self) -> dt.date:
        """The last day."""
        return dt.date(self.number, 3, 31)

    def was_sent(self, row: Row) -> bool:
        """Say whether the return of this very year brought the record."""
        return bool(row["period"] == str(self.number))

    def has(self, row: Row, begin: dt.date | None, end: dt.date | None) -> bool:
        """Say whether the year's return has a record that lasts from `begin` to `end`."""
        period = row["period"]
        if period is not None and period <= str(self.number):
            return self.was_sent(row)
        return (begin is None or begin <= self.end) and (end is None or end >= self.start)

    def known(self, row: Row, day: dt.date | None) -> dt.date | None:
        """Return a day, or None if it is after the year and the year's return did not say it."""
        return day if day is None or self.was_sent(row) or day <= self.end else None


@dataclass(frozen=True)
class Records:
    """One authority's records, as of the last load that counts."""

    connection: psycopg.Connection[Any]
    authority: str
    night: dt.date

    def of(self, view: str, order: str) -> list[Row]:
        """Return the rows of a staging view, in order of some of its columns."""
        query = sql.SQL("select * from staging.{} where authority = %s order by {}").format(
            sql.Identifier(view),
            sql.SQL(", ").join(map(sql.Identifier, order.split())),
        )
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return list(cursor.execute(query, (self.authority,)).fetchall())

    def sent_ids(self) -> dict[str, str]:
        """Return each child's id as it was sent, by the id in capitals that staging has."""
        found = self.connection.execute(
            "select upper(btrim(pers_person_id)), btrim(pers_person_id) from history.ssd_person"
            " where authority = %s and btrim(pers_person_id) <> '' order by from_load, 2",
            (self.authority,),
        ).fetchall()
        return dict(found)


@contextmanager
def open_records(authority: str | None, year: CollectionYear | None = None) -> Iterator[Records]:
    """Open the records of an authority, all as of one moment.

    Args:
        authority: its ONS code; None if there is only one.
        year: the collection year that must have begun.

    Raises:
        CarepathError: there are no records, several authorities, or the year is in the future.
    """
    with connect(READER, options=OPTIONS) as connection:
        connection.execute("set transaction isolation level repeatable read")
        nights = dict(
            connection.execute("select authority, night from ops.cutoffs order by 1").fetchall()
        )
        if not nights:
            raise CarepathError("There are no records yet.", todo="run a night first.")
        if authority is None and len(nights) == 1:
            (authority,) = nights
        if authority is None or authority not in nights:
            raise CarepathError(
                f"There are no records of the authority '{authority}'."
                if authority
                else "There are records of several authorities, and none was named.",
                todo=f"name one with --authority: {', '.join(nights)}.",
            )
        night = nights[authority]
        if year and night < year.start and not _has_return(connection, authority, year):
            raise CarepathError(
                f"The year to {written(year.end)} had not begun on {written(night)}, the day of"
                " the last load.",
                where=authority,
                todo="name an earlier --year.",
            )
        yield Records(connection, authority, night)


def _has_return(connection: psycopg.Connection[Any], authority: str, year: CollectionYear) -> bool:
    found = connection.execute(
        "select exists (select from ops.loads where authority = %s and period = %s"
        " and state = 'loaded')",
        (authority, str(year.number)),
    ).fetchone()
    return found == (True,)
