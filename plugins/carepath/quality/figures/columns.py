"""What the columns of the loaded tables say: how many records each code has, and how many blanks.

A profile is kept for each judged load. It is the profile before, and what the loads since then
opened and closed in history. So an ordinary night reads only the tables that changed, and counts
only the records that did.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import sql

from carepath.contract import Contract, Table, load_contract
from carepath.contract.code_lists import CodeList
from carepath.contract.code_lists import load as load_code_lists
from carepath.landing.tables import leaf

BLANK: Final = ""
OTHER: Final = "*"
# a profile is compared with the one of four weeks before, so a finding stays for four weeks
DAYS_BETWEEN: Final = 28
# what was usual before is read from the year before that
DAYS_USUAL: Final = 365
# profiles of every load are kept for this long, then only the last of each month
DAYS_KEPT: Final = 35
FLAGS: Final = frozenset({"Y", "N"})

ColumnName = tuple[str, str]


@dataclass(frozen=True)
class Said:
    """How many records say something as known at a load, and how many versions ever have."""

    standing: int = 0
    opened: int = 0

    def __add__(self, other: Said) -> Said:
        return Said(self.standing + other.standing, self.opened + other.opened)


Codes = Mapping[str, Said]


@dataclass(frozen=True)
class Profile:
    """Tonight's columns beside those of earlier published loads.

    Attributes:
        tonight: by table and column, what its codes say.
        before: the same four weeks before, or at the first published load; empty if there is none.
        usual: the same a year before that, or at the first published load; empty if there is none.
        since: the night of `before`.
        blanks: by table and column, the share of blanks at the end of each earlier month.
    """

    tonight: Mapping[ColumnName, Codes] = field(default_factory=dict)
    before: Mapping[ColumnName, Codes] = field(default_factory=dict)
    usual: Mapping[ColumnName, Codes] = field(default_factory=dict)
    since: dt.date | None = None
    blanks: Mapping[ColumnName, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivered:
    """One load of a table: its night, and how many records were new in it."""

    night: dt.date
    new: int


def profile(
    connection: psycopg.Connection[Any], authority: str, load_id: int, night: dt.date
) -> Profile:
    """Profile a load, keep that, and return it beside earlier ones.

    Args:
        connection: of carepath_loader.
        authority: the authority, by its ONS code.
        load_id: the load. The records are profiled as known at it.
        night: its night.
    """
    contract = load_contract()
    _keep(connection, contract, authority, load_id)
    published = connection.execute(
        """
        select distinct profiles.load_id, loads.night
        from ops.column_profiles as profiles
        inner join ops.loads on profiles.load_id = loads.load_id
        where profiles.authority = %(authority)s and loads.night < %(night)s
            and profiles.load_id in (select load_id from ops.publications)
        order by 2, 1
        """,
        {"authority": authority, "night": night},
    ).fetchall()
    nights = {day: load for load, day in published}
    since = _reference(nights, night - dt.timedelta(days=DAYS_BETWEEN))
    usual = _reference(nights, since - dt.timedelta(days=DAYS_USUAL)) if since else None
    month_ends = {
        day.replace(day=1): load for day, load in nights.items() if day < night.replace(day=1)
    }
    return Profile(
        tonight=_read(connection, authority, load_id),
        before=_read(connection, authority, nights[since]) if since else {},
        usual=_read(connection, authority, nights[usual]) if usual and usual != since else {},
        since=since,
        blanks=_blanks(connection, authority, list(month_ends.values())),
    )


def deliveries(
    connection: psycopg.Connection[Any], authority: str, load_id: int, night: dt.date
) -> dict[str, list[Delivered]]:
    """Return by table how many records were new in each load of the last months.

    Returns are left out, because they are sent once a year, and so is each table's first load.
    """
    found: dict[str, list[Delivered]] = {}
    for table, day, new in connection.execute(
        """
        select items.table_name, loads.night,
            greatest(items.opened_count - items.closed_count, 0)
        from ops.table_deliveries as items
        inner join ops.loads on items.load_id = loads.load_id
        where loads.authority = %(authority)s and loads.load_id <= %(load)s
            and loads.state = 'loaded' and loads.period is null
            and loads.night > %(night)s::date - 120
            and items.previous_row_count is not null
        order by loads.night, loads.load_id
        """,
        {"authority": authority, "load": load_id, "night": night},
    ):
        found.setdefault(table, []).append(Delivered(day, new or 0))
    return found


def _reference(nights: Mapping[dt.date, int], day: dt.date) -> dt.date | None:
    """Return the last night up to a day, or the first night if all are later."""
    earlier = [night for night in nights if night <= day]
    return max(earlier) if earlier else min(nights, default=None)


def _keep(
    connection: psycopg.Connection[Any], contract: Contract, authority: str, load_id: int
) -> None:
    with connection.transaction():
        last = connection.execute(
            "select max(load_id), bool_or(load_id = %s) from ops.column_profiles"
            " where authority = %s and load_id <= %s",
            (load_id, authority, load_id),
        ).fetchone()
        since, is_there = last if last and last[0] is not None else (None, False)
        if is_there:
            return
        counted = {} if since is None else dict(_read(connection, authority, since))
        changed = connection.execute(
            """
            select distinct items.table_name
            from ops.table_deliveries as items
            inner join ops.loads on items.load_id = loads.load_id
            where loads.authority = %s and loads.load_id > %s and loads.load_id <= %s
                and items.opened_count + items.closed_count > 0
            """,
            (authority, since or 0, load_id),
        ).fetchall()
        for (name,) in changed:
            if name in contract.tables:
                for name_of, codes in _changes(
                    connection, contract.tables[name], authority, since, load_id
                ).items():
                    before = counted.get(name_of, {})
                    counted[name_of] = {
                        code: before.get(code, Said()) + codes.get(code, Said())
                        for code in {**before, **codes}
                    }
        with (
            connection.cursor() as cursor,
            cursor.copy(
                "copy ops.column_profiles (authority, load_id, table_name, column_name, code,"
                " standing_count, opened_count) from stdin"
            ) as copy,
        ):
            for (table, column), codes in counted.items():
                for code, said in codes.items():
                    copy.write_row(
                        (authority, load_id, table, column, code, said.standing, said.opened)
                    )
        connection.execute(
            """
            with nights as (
                select loads.load_id, loads.night,
                    max(loads.load_id) over (
                        partition by date_trunc('month', loads.night)
                    ) as last_of_month
                from ops.loads
                inner join ops.publications on loads.load_id = publications.load_id
                where loads.authority = %(authority)s
            )

            delete from ops.column_profiles as old
            using ops.loads
            where old.authority = %(authority)s and old.load_id = loads.load_id
                and loads.night < (select night from ops.loads where load_id = %(load)s)
                    - %(days)s::integer
                and old.load_id not in (select last_of_month from nights)
            """,
            {"authority": authority, "load": load_id, "days": DAYS_KEPT},
        )


def _changes(
    connection: psycopg.Connection[Any],
    table: Table,
    authority: str,
    since: int | None,
    load_id: int,
) -> dict[ColumnName, dict[str, Said]]:
    """Count what the loads after `since` opened and closed, by column and code.

    If there was no profile before, all records count as they are, and none as opened.
    """
    columns = [column for column in table.columns if column.type != "row_id"]
    coded = [column for column in columns if column.type in ("code", "flag")]
    rows = sql.SQL(
        "(select *, (from_load > {since})::integer"
        " - coalesce(to_load <= {load}, false)::integer as standing,"
        " ({counts_new} and from_load > {since})::integer as opened"
        " from history.{leaf} where from_load <= {load}"
        " and (from_load > {since} or (to_load > {since} and to_load <= {load}))) as changed"
    ).format(
        since=sql.Literal(since or 0),
        load=sql.Literal(load_id),
        counts_new=sql.Literal(since is not None),
        leaf=sql.Identifier(leaf(table.name, authority)),
    )
    totals = connection.execute(
        sql.SQL("select coalesce(sum(standing), 0), coalesce(sum(opened), 0), {} from {}").format(
            sql.SQL(", ").join(
                sql.SQL(
                    "coalesce(sum(standing) filter (where coalesce(btrim({0}), '') = ''), 0),"
                    " coalesce(sum(opened) filter (where coalesce(btrim({0}), '') = ''), 0)"
                ).format(sql.Identifier(column.name))
                for column in columns
            ),
            rows,
        )
    ).fetchall()[0]
    whole = Said(int(totals[0]), int(totals[1]))
    found: dict[ColumnName, dict[str, Said]] = {}
    for number, column in enumerate(columns):
        blank = Said(int(totals[2 + 2 * number]), int(totals[3 + 2 * number]))
        found[table.name, column.name] = {BLANK: blank} | (
            {}
            if column in coded
            else {OTHER: Said(whole.standing - blank.standing, whole.opened - blank.opened)}
        )
    if coded:
        names = [sql.Identifier(column.name) for column in coded]
        lists = load_code_lists()
        for mask, value, standing, opened in connection.execute(
            sql.SQL(
                "select grouping({names}), coalesce({texts}), sum(standing), sum(opened)"
                " from {rows} group by grouping sets ({sets})"
            ).format(
                names=sql.SQL(", ").join(names),
                texts=sql.SQL(", ").join(sql.SQL("btrim({})").format(name) for name in names),
                rows=rows,
                sets=sql.SQL(", ").join(sql.SQL("({})").format(name) for name in names),
            )
        ):
            if not value:
                continue  # a blank, which is counted
            # each grouping set has one column: its bit is 0, the first column's is the highest
            bits = format(mask, f"0{len(coded)}b")
            column = coded[bits.index("0")]
            code = _code(lists.get(column.code_list) if column.code_list else None, value)
            codes = found[table.name, column.name]
            codes[code] = codes.get(code, Said()) + Said(int(standing), int(opened))
    return found


def _code(codes: CodeList | None, value: str) -> str:
    """Return the code that a value means, or OTHER: a text that is not a code may name somebody."""
    if codes is not None:
        return codes.normalise(value) or OTHER
    flag = value.upper()[:1]
    return flag if flag in FLAGS else OTHER


def _read(
    connection: psycopg.Connection[Any], authority: str, load_id: int
) -> dict[ColumnName, dict[str, Said]]:
    found: dict[ColumnName, dict[str, Said]] = {}
    for table, column, code, standing, opened in connection.execute(
        "select table_name, column_name, code, standing_count, opened_count"
        " from ops.column_profiles where authority = %s and load_id = %s",
        (authority, load_id),
    ):
        found.setdefault((table, column), {})[code] = Said(standing, opened)
    return found


def _blanks(
    connection: psycopg.Connection[Any], authority: str, load_ids: Sequence[int]
) -> dict[ColumnName, list[float]]:
    found: dict[ColumnName, list[float]] = {}
    for table, column, share in connection.execute(
        """
        select table_name, column_name,
            (sum(standing_count) filter (where code = '') / sum(standing_count))::float8
        from ops.column_profiles
        where authority = %s and load_id = any(%s)
        group by load_id, table_name, column_name having sum(standing_count) > 0
        order by load_id
        """,
        (authority, list(load_ids)),
    ):
        found.setdefault((table, column), []).append(share or 0.0)
    return found


def pairs(build_profile: Profile) -> Iterator[tuple[ColumnName, Codes, Codes]]:
    """Yield the columns that had records four weeks before: then, and tonight."""
    for column, codes in sorted(build_profile.tonight.items()):
        if before := build_profile.before.get(column):
            yield column, before, codes
