"""`carepath changes`: what happened last night, and which earlier figures it moved."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from psycopg import sql
from psycopg.rows import class_row
from rich.console import Console

from carepath.dates import written
from carepath.publish.difference import CHANGE
from carepath.publish.publication import PREVIOUS
from carepath.publish.shape import MARTS, read_shapes
from carepath.terminal.layout import plural, print_indented, table_of
from carepath.warehouse.connect import connect

LOADER: Final = "carepath_loader"  # of those who change nothing in marts, it reads both sets

_KEY: Final = ("authority", "as_at_date", "measure", "segment")


@dataclass(frozen=True)
class Event:
    """How often one thing happened on the last night, and in the week that ends with it."""

    as_at_date: dt.date
    event_type: str
    last_night_count: int
    last_week_count: int


@dataclass(frozen=True)
class Moved:
    """A figure of an earlier date that the last publication changed."""

    mart: str
    as_at_date: dt.date
    measure: str
    segment: str
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Recorded:
    """What the last load of an authority did to one table of history."""

    table_name: str
    opened_count: int
    closed_count: int


def read_events(authority: str) -> list[Event]:
    """Return the published events of the last night, each type that happened in its week."""
    with connect("bi_reader") as connection:
        cursor = connection.cursor(row_factory=class_row(Event))
        return cursor.execute(
            "select as_at_date, event_type, last_night_count, last_week_count"
            " from marts.last_night_events where authority = %s and last_week_count > 0"
            " order by last_night_count desc, last_week_count desc, event_type",
            [authority],
        ).fetchall()


def read_recorded(authority: str) -> list[Recorded]:
    """Return, by table, how many versions of records the published load opened and closed."""
    with connect("carepath_analyst") as connection:
        cursor = connection.cursor(row_factory=class_row(Recorded))
        return cursor.execute(
            "select table_name, opened_count, closed_count from ops.table_deliveries"
            " where load_id = (select load_id from ops.publications where authority = %s"
            " order by publication_id desc limit 1) and closed_count > 0"
            " order by closed_count desc, table_name",
            [authority],
        ).fetchall()


def read_moved(authority: str) -> list[Moved]:
    """Return the figures of dates before the last publication that now have another number.

    `marts_prev` holds the rows that the last publication replaced. Where it updated a figure of an
    earlier date, records were corrected backwards, or the code is new.
    """
    with connect(LOADER) as connection:
        shapes, kept = read_shapes(connection, MARTS), read_shapes(connection, PREVIOUS)
        selects = [
            _moved(name, "numerator" if "numerator" in shape.columns else "value")
            for name, shape in sorted(shapes.items())
            if name in kept
            and set(_KEY) == set(shape.key)
            and {"numerator", "value"} & set(shape.columns) & set(kept[name].columns)
        ]
        if not selects:
            return []
        cursor = connection.cursor(row_factory=class_row(Moved))
        return cursor.execute(
            sql.SQL("{} order by mart, as_at_date desc, measure, segment").format(
                sql.SQL(" union all ").join(selects)
            ),
            {"authority": authority},
        ).fetchall()


def print_changes(console: Console, authority: str, *, limit: int = 20) -> None:
    """Print events, corrected records and moved figures of an authority's last publication."""
    events = read_events(authority)
    if events:
        table = table_of(
            f"{authority}, {written(events[0].as_at_date)}", ["event"], ["that day", "7 days"]
        )
        for event in events:
            table.add_row(
                event.event_type, f"{event.last_night_count:,}", f"{event.last_week_count:,}"
            )
        console.print(table)
    else:
        console.print("Nothing happened in the week of the last night.")
    recorded = read_recorded(authority)
    if recorded:
        table = table_of("Records changed or gone", ["table"], ["ended", "new or changed"])
        for each in recorded[:limit]:
            table.add_row(each.table_name, f"{each.closed_count:,}", f"{each.opened_count:,}")
        console.print(table)
    moved = read_moved(authority)
    if not moved:
        console.print("No figure of an earlier date changed.")
        return
    table = table_of(
        f"{plural(len(moved), 'figure')} of earlier dates changed",
        ["figure", "date"],
        ["before", "now"],
    )
    for figure in moved[:limit]:
        table.add_row(
            f"{figure.mart}: {figure.measure}, {figure.segment}",
            f"{figure.as_at_date}",
            _number(figure.before),
            _number(figure.after),
        )
    console.print(table)
    if len(moved) > limit:
        print_indented(console, f"and {len(moved) - limit:,} more: --limit {len(moved)}", by=2)


def _moved(mart: str, column: str) -> sql.Composed:
    return sql.SQL(
        "select {mart} as mart, new.as_at_date, new.measure, new.segment,"
        " old.{column}::double precision as before, new.{column}::double precision as after"
        " from {new} as new inner join {old} as old using (authority, as_at_date, measure, segment)"
        " where new.authority = %(authority)s and old.{change} = 'updated'"
        " and new.{column} is distinct from old.{column}"
    ).format(
        mart=sql.Literal(mart),
        column=sql.Identifier(column),
        change=sql.Identifier(CHANGE),
        new=sql.Identifier(MARTS, mart),
        old=sql.Identifier(PREVIOUS, mart),
    )


def _number(number: float | None) -> str:
    return "none" if number is None else f"{number:,.2f}".removesuffix(".00")
