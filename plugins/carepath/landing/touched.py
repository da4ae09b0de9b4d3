"""Whose records a load touches, so that core need make only their rows anew (docs/adr/0007).

A record touches the person that it names, in its old and its new version, and everybody of whom a
record, of whatever time, goes by one of its ids or refers to it: a referral whose date changes
touches the child whose assessment names that referral. With sound records that is the same child.
Who shares an id with somebody else is entangled, and made anew every night: nobody else's rows then
rest on a record of a person whose rows are not made anew with theirs. Records without an id share
that, since their record_key is the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from carepath.contract import Contract, Table

BEGIN = """
create temporary table touched_ids
    (table_name text not null, kind text not null, id text not null) on commit drop;
create temporary table holders
    (kind text not null, id text not null, person_id text not null) on commit drop
"""

# {closed}, {opened}: the rows of history and of the delivery that change
NOTE = sql.SQL(
    """
    insert into touched_ids
    select distinct {name}, ids.kind, upper(ids.id)
    from (
        select {noted} from {history} where {closed}
        union all
        select {noted} from {incoming} where {opened}
    ) as changed
    cross join lateral (values {ids}) as ids (kind, id)
    where ids.id is not null
    """
)

# who has a record that goes by an id, or refers to one; '' is nobody
HOLD = sql.SQL(
    """
    insert into holders
    select {kind}, upper({id}), upper(btrim(coalesce(record.{person}, '')))
    from history.{table} as record
    where record.authority = {authority} and {id} is not null {noted}
    """
)
NOTED = sql.SQL("and upper({id}) in (select id from touched_ids where kind = {kind})")

RECORD = sql.SQL(
    """
    analyze touched_ids;
    analyze holders;
    insert into ops.changed_people (load_id, table_name, person_id)
    select {load}::bigint, table_name, id from touched_ids where kind = 'person'
    union
    select {load}::bigint, touched_ids.table_name, holders.person_id
    from touched_ids inner join holders using (kind, id)
    where holders.person_id <> '';
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


def begin(connection: psycopg.Connection[Any]) -> None:
    """Open the lists of what a load touches, for the transaction that is open."""
    connection.execute(BEGIN)


def note(
    connection: psycopg.Connection[Any],
    contract: Contract,
    table: Table,
    names: Mapping[str, sql.Composable],
) -> None:
    """Note the ids of a table's records that are about to close and to open.

    Args:
        connection: in the transaction that writes history, before it has written the table.
        contract: says which columns refer to records.
        table: what changes.
        names: `name`, `history`, `incoming`, and as conditions `closed` and `opened`.
    """
    ids = list(_ids(contract, table))
    if table.person_column:
        ids.append(_Id("person", table.person_column))
    if ids:
        connection.execute(
            NOTE.format(
                **names,
                noted=sql.SQL(", ").join(sql.Identifier(each.column) for each in ids),
                ids=sql.SQL(", ").join(
                    sql.SQL("({}, {})").format(sql.Literal(each.kind), each.of("changed"))
                    for each in ids
                ),
            )
        )


def record(
    connection: psycopg.Connection[Any],
    contract: Contract,
    load_id: int,
    authority: str,
    *,
    first: Collection[str],
) -> None:
    """Write ops.changed_people and ops.entangled_people, once history has taken all tables.

    Args:
        connection: in the transaction that has written history.
        contract: says which columns refer to records.
        load_id: the load.
        authority: its authority.
        first: tables that held nothing before: everybody's ids are looked at, not those noted.
    """
    noted = {
        str(kind)
        for (kind,) in connection.execute("select distinct kind from touched_ids").fetchall()
    }
    kinds = {each.kind for name in first for each in _ids(contract, contract.tables[name])}
    for table in contract.tables.values():
        for each in _ids(contract, table):
            if table.person_column and each.kind in noted | kinds:
                names = {"kind": sql.Literal(each.kind), "id": each.of("record")}
                connection.execute(
                    HOLD.format(
                        **names,
                        person=sql.Identifier(table.person_column),
                        table=sql.Identifier(table.name),
                        authority=sql.Literal(authority),
                        noted=sql.SQL("") if each.kind in kinds else NOTED.format(**names),
                    )
                )
    connection.execute(RECORD.format(load=sql.Literal(load_id), authority=sql.Literal(authority)))


@dataclass(frozen=True)
class _Id:
    """A column of ids: of the records of which table (`kind`), and whether of its own."""

    kind: str
    column: str
    is_own: bool = False

    def of(self, rows: str) -> sql.Composed:
        """Return the id in some rows as SQL: null refers to nothing, an own one is a blank then."""
        id_ = sql.SQL("nullif(btrim({}), '')").format(sql.Identifier(rows, self.column))
        return sql.SQL("coalesce({}, ' ')").format(id_) if self.is_own else id_


def _ids(contract: Contract, table: Table) -> Iterator[_Id]:
    """Return a table's columns that hold ids of records about persons."""
    for column in table.columns:
        owners = contract.owners(column.as_name)
        if table in owners and column.name in table.natural_key:
            yield _Id(table.name, column.name, is_own=True)
        elif len(owners) == 1 and table not in owners:
            yield _Id(owners[0].name, column.name)
