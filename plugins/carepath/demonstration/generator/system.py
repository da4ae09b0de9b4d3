"""The demonstration's recording system: a PostgreSQL database in the standard's layout.

Each authority has its own schema. Tables carry no keys and no indexes, as the Standard
Safeguarding Dataset's scripts leave them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from carepath.demonstration.generator import borough
from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.dirt import DirtRates
from carepath.demonstration.generator.people import PEOPLE
from carepath.demonstration.generator.rows import Ints, Rows, day_number
from carepath.errors import SourceError, safe_message
from carepath.sources import SourceSpec

LAYOUT: Final = Path(__file__).with_name("layout.csv")
READER: Final = "recording_reader"
SEED: Final = 1034
FIRST: Final = date(2013, 7, 1)
LAST: Final = date(2019, 12, 31)

Progress = Callable[[str, int, int], None]
Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Authority:
    """What one authority is made of: its number, the seed and how many people it ever knows."""

    number: int
    seed: int
    people: int

    def tables(self, dirt: DirtRates) -> Iterator[Rows]:
        """Yield its tables."""
        return borough.tables(self.number, self.seed, dirt, self.people)


@lru_cache(maxsize=1)
def layout() -> Mapping[str, Mapping[str, str]]:
    """Return each table's columns with their PostgreSQL types, in the vendor's order."""
    found: dict[str, dict[str, str]] = {}
    with LAYOUT.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["table"], {})[row["column"]] = row["type"]
    return found


def sources(url: str, scale: int = 1) -> list[SourceSpec]:
    """Return one source per authority of a recording system of this scale, read through `url`."""
    return [
        SourceSpec(
            name=f"demo-{say.authority_code(number).lower()}",
            authority=say.authority_code(number),
            authority_name=say.authority_name(number),
            url=url,
            schema=schema_of(number),
            spelling="liquidlogic",
        )
        for number in range(1, scale + 1)
    ]


def schema_of(number: int) -> str:
    """Return the schema of the authority with this number."""
    return f"la_{say.authority_code(number).lower()}"


def fill(
    url: str,
    day: date,
    *,
    scale: int = 1,
    seed: int = SEED,
    people: int = PEOPLE,
    dirt: DirtRates | None = None,
    progress: Progress | None = None,
) -> None:
    """Make the recording system as it is at the end of `day`.

    It replaces an earlier one. One transaction per authority.

    Args:
        url: the database, owned by the user it names (SQLAlchemy's or libpq's spelling).
        day: from 1 July 2013 to 31 December 2019.
        scale: how many authorities; each is about one borough.
        seed: another one makes other people. The evaluation report's figures stay the same.
        people: how many people each authority after the first ever knows, 2,000 or more. It has
            as many care leavers and children of programmes as a large one.
        dirt: how dirty the records are.
        progress: called with the authority's name, the tables written and the tables in all.

    Raises:
        SourceError: the day is out of range or the database cannot be written.
    """
    _check_day(day)
    rates = dirt or DirtRates()
    with _connect(url) as connection:
        _make_clock(connection)
        for number in range(1, scale + 1):
            _fill_authority(connection, Authority(number, seed, people), day, rates, progress)
        _drop_beyond(connection, scale)


def advance(
    url: str,
    day: date,
    *,
    dirt: DirtRates | None = None,
    progress: Progress | None = None,
) -> None:
    """Bring every authority of the recording system to the end of a later day.

    The result is the same as that of `fill` for `day`, including row ids, which are new every
    night. It writes only rows that changed, and whole tables if they have row ids. One transaction
    per authority.

    Raises:
        SourceError: the recording system has not been filled, or `day` is before its day.
    """
    _check_day(day)
    rates = dirt or DirtRates()
    with _connect(url) as connection:
        _make_clock(connection)
        standing = connection.execute(
            "select day, number, seed, people from demonstration.clock order by number"
        ).fetchall()
        connection.commit()
        if not standing:
            raise SourceError(
                "The recording system is empty.",
                where="demonstration",
                todo="run `carepath demo`, which fills it.",
            )
        for now, *made_of in standing:
            authority = Authority(*made_of)
            if now > day:
                raise SourceError(
                    f"The recording system is already at {now}, which is after {day}.",
                    where=schema_of(authority.number),
                    todo="fill it again for the earlier day.",
                )
            if now < day:
                _advance_authority(connection, authority, now, day, rates, progress)


def _check_day(day: date) -> None:
    if not FIRST <= day <= LAST:
        raise SourceError(
            f"The demonstration does not cover {day}.",
            where="demonstration",
            todo=f"choose a day from {FIRST} to {LAST}.",
        )


def _connect(url: str) -> Connection:
    scheme, _, rest = url.partition("://")
    try:
        return psycopg.connect(f"{scheme.partition('+')[0]}://{rest}")
    except psycopg.OperationalError as error:
        raise SourceError(
            f"The recording system cannot be reached: {safe_message(error)}",
            where="demonstration",
            todo="start the server (`carepath up`) and check the address.",
        ) from None


def _make_clock(connection: Connection) -> None:
    """Make the table that has the current day of each authority."""
    with connection.transaction():
        connection.execute("create schema if not exists demonstration")
        connection.execute(
            "create table if not exists demonstration.clock"
            " (number integer primary key, day date not null, seed bigint not null,"
            " people integer not null)"
        )
        # a recording system that an earlier version made
        connection.execute(
            sql.SQL(
                "alter table demonstration.clock add column if not exists"
                " people integer not null default {}"
            ).format(PEOPLE)
        )


def _fill_authority(
    connection: Connection,
    authority: Authority,
    day: date,
    dirt: DirtRates,
    progress: Progress | None,
) -> None:
    schema = schema_of(authority.number)
    with connection.transaction():
        connection.execute(
            sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema))
        )
        connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
        for done, rows in enumerate(authority.tables(dirt), start=1):
            connection.execute(_create(schema, rows.table))
            close = day_number(day)
            _copy(connection, authority, rows, close, rows.present(close))
            _report(progress, authority.number, done)
        _grant(connection, schema)
        _set_clock(connection, authority, day)


def _advance_authority(
    connection: Connection,
    authority: Authority,
    now: date,
    day: date,
    dirt: DirtRates,
    progress: Progress | None,
) -> None:
    schema, before, close = schema_of(authority.number), day_number(now), day_number(day)
    with connection.transaction():
        for done, rows in enumerate(authority.tables(dirt), start=1):
            table = sql.Identifier(schema, rows.table)
            if rows.key is None:
                connection.execute(sql.SQL("truncate {}").format(table))
                _copy(connection, authority, rows, close, rows.present(close))
            else:
                gone, born = rows.changed(before, close)
                if len(gone):
                    key = rows.columns[rows.key]
                    connection.execute(
                        sql.SQL("delete from {} where {} = any(%s)").format(
                            table, sql.Identifier(rows.key)
                        ),
                        [key.words[key.at(before, gone)].tolist()],
                    )
                if len(born):
                    _copy(connection, authority, rows, close, born)
            _report(progress, authority.number, done)
        _set_clock(connection, authority, day)


def _create(schema: str, table: str) -> sql.Composed:
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
        for name, kind in layout()[table].items()
    )
    return sql.SQL("create table {} ({})").format(sql.Identifier(schema, table), columns)


def _copy(
    connection: Connection, authority: Authority, rows: Rows, close: int, positions: Ints
) -> None:
    columns = tuple(layout()[rows.table])
    table = sql.Identifier(schema_of(authority.number), rows.table)
    names = tuple(layout())
    night = (authority.seed, authority.number, close, names.index(rows.table))
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("copy {} from stdin").format(table)) as copy,
    ):
        for text in rows.copy_text(columns, close, positions, night):
            copy.write(text)


def _grant(connection: Connection, schema: str) -> None:
    found = connection.execute("select 1 from pg_roles where rolname = %s", [READER]).fetchone()
    if found:
        grants = ("usage on schema {}", "select on all tables in schema {}")
        for grant in grants:
            connection.execute(
                sql.SQL("grant " + grant + " to {}").format(
                    sql.Identifier(schema), sql.Identifier(READER)
                )
            )


def _set_clock(connection: Connection, authority: Authority, day: date) -> None:
    connection.execute(
        "insert into demonstration.clock values (%s, %s, %s, %s)"
        " on conflict (number) do update"
        " set day = excluded.day, seed = excluded.seed, people = excluded.people",
        [authority.number, day, authority.seed, authority.people],
    )


def _drop_beyond(connection: Connection, scale: int) -> None:
    """Remove the authorities of an earlier, larger recording system."""
    with connection.transaction():
        removed = connection.execute(
            "delete from demonstration.clock where number > %s returning number", [scale]
        ).fetchall()
        for (number,) in removed:
            connection.execute(
                sql.SQL("drop schema if exists {} cascade").format(
                    sql.Identifier(schema_of(number))
                )
            )


def _report(progress: Progress | None, number: int, done: int) -> None:
    if progress is not None:
        progress(say.authority_name(number), done, len(layout()))
