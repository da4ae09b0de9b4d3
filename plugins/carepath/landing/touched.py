"""Whose records a load touches, so that core makes only their rows again (docs/adr/0007).

A record touches the person that it names, before and after the change. It also touches everybody
who has a record with one of its ids: a new cost touches the child of the placement. With sound
records that is one child. People who share an id are entangled and are made again every night, so
no row that is kept rests on records of a second person. Records without an id share a blank one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

import psycopg
from psycopg import sql

from carepath.contract import Contract, Table

# about no person, but people's rows rest on them: a change touches everybody of the authority
ABOUT_EVERYBODY: Final = frozenset({"local_area_postcodes"})

BEGIN = """
create temporary table touched_ids
    (table_name text not null, kind text not null, id text not null) on commit drop;
create temporary table holders
    (kind text not null, id text not null, person_id text not null) on commit drop
"""

TOUCH = sql.SQL(
    """
    insert into touched_ids
    select distinct {name}, ids.kind, upper(ids.id)
    from history.{table} as record cross join lateral (values {ids}) as ids (kind, id)
    where record.authority = {authority} and {load} in (record.from_load, record.to_load)
        and ids.id is not null
    """
)

# A return says by its silence that an episode of an earlier one is over.
TOUCH_SILENT = sql.SQL(
    """
    insert into touched_ids
    select distinct {name}, 'person', upper(btrim(record.{person}))
    from history.{table} as record
    where record.authority = {authority} and record.to_load is null
        and record.period < {period} and btrim(record.{person}) <> ''
    """
)

# {all}: every id of this kind, or those that the load touched. A person '' is nobody.
HOLD = sql.SQL(
    """
    insert into holders
    select {kind}, upper({id}), upper(btrim(coalesce(record.{person}, '')))
    from history.{table} as record
    where record.authority = {authority} and {id} is not null
        and ({all} or upper({id}) in (select id from touched_ids where kind = {kind}))
    """
)

RECORD = sql.SQL(
    """
    analyze touched_ids;
    analyze holders;
    insert into ops.changed_people (load_id, table_name, person_id)
    select {load}::bigint, table_name, id from touched_ids where kind = 'person'
    union
    select {load}::bigint, touched_ids.table_name, holders.person_id
    from touched_ids inner join holders using (kind, id)
    where holders.person_id <> ''
    union
    select {load}::bigint, unnest({everybody}::text[]), '';
    insert into ops.entangled_people (authority, person_id)
    select distinct {authority}, person_id
    from holders
    inner join (
        select kind, id from holders group by kind, id having min(person_id) <> max(person_id)
    ) as shared using (kind, id)
    where person_id <> ''
    on conflict do nothing
    """
)


def record(
    connection: psycopg.Connection[Any],
    contract: Contract,
    load_id: int,
    authority: str,
    *,
    changed: Collection[str],
    first: Collection[str],
    accumulates: Collection[str] = frozenset(),
    period: str | None = None,
) -> None:
    """Write ops.changed_people and ops.entangled_people, once history has taken all tables.

    Args:
        connection: in the transaction that has written history.
        contract: says which columns refer to records.
        load_id: the load.
        authority: its authority.
        changed: tables that held records before, of which the load opened or closed some.
        first: tables that held nothing before. Each touches everybody.
        accumulates: tables of a return in which rows of earlier periods stay current. Each touches
            everybody whose record only an earlier return contains.
        period: the return's period.
    """
    names = {"load": sql.Literal(load_id), "authority": sql.Literal(authority)}
    ids = [(table, list(ids_of_records(contract, table))) for table in contract.tables.values()]
    connection.execute(BEGIN)
    for table, found in ids:
        if table.person_column:
            found = [*found, ("person", _trimmed(table.person_column))]
        if table.name in changed and found:
            pairs = [sql.SQL("({}, {})").format(sql.Literal(kind), id_) for kind, id_ in found]
            connection.execute(
                TOUCH.format(
                    **names,
                    name=sql.Literal(table.name),
                    table=sql.Identifier(table.name),
                    ids=sql.SQL(", ").join(pairs),
                )
            )
        if table.name in accumulates and table.person_column and period:
            connection.execute(
                TOUCH_SILENT.format(
                    **names,
                    name=sql.Literal(table.name),
                    table=sql.Identifier(table.name),
                    person=sql.Identifier(table.person_column),
                    period=sql.Literal(period),
                )
            )
    touched = connection.execute("select distinct kind from touched_ids").fetchall()
    every = {kind for table, found in ids if table.name in first for kind, _ in found}
    for table, found in ids:
        for kind, id_ in found:
            if table.person_column and (kind in every or (kind,) in touched):
                connection.execute(
                    HOLD.format(
                        **names,
                        kind=sql.Literal(kind),
                        id=id_,
                        person=sql.Identifier(table.person_column),
                        table=sql.Identifier(table.name),
                        all=sql.Literal(kind in every),
                    )
                )
    everybody = [*first, *ABOUT_EVERYBODY.intersection(changed)]
    connection.execute(RECORD.format(**names, everybody=sql.Literal(everybody)))


def ids_of_records(contract: Contract, table: Table) -> Iterator[tuple[str, sql.Composable]]:
    """Return each id in a table's rows: of a record of which table, and its SQL."""
    for column in table.columns:
        owners = contract.owners(column.as_name)
        if table in owners and column.name in table.natural_key:
            yield table.name, sql.SQL("coalesce({}, ' ')").format(_trimmed(column.name))
        elif len(owners) == 1 and table not in owners:
            yield owners[0].name, _trimmed(column.name)


def _trimmed(column: str) -> sql.Composable:
    return sql.SQL("nullif(btrim(record.{}), '')").format(sql.Identifier(column))
