"""Returns of past years still name people whose records were disposed of: they are left out.

A recording system that delivers such a person may have a new need for the records, and so may the
newest return. A return of a past year says nothing new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import psycopg
from psycopg import sql

from carepath.contract import Contract, Table
from carepath.landing.delivery import Load, TableDelivery
from carepath.landing.tables import incoming

# Loads of a return for which the authority has a later return of the same kind.
PAST_LOADS: Final = """
select load_id from (
    select
        loads.load_id,
        loads.period,
        max(loads.period) filter (where loads.state = 'loaded')
            over (partition by loads.authority, sources.kind) as newest
    from ops.loads as loads
    inner join ops.sources as sources on loads.source = sources.source
) as returns
where period < newest
"""

# Who was disposed of is known by a hash only. A legal hold on the person lets the records in again.
NAMED: Final = sql.SQL(
    """
    insert into pg_temp.left_out
    select id
    from (select distinct {id} as id from {incoming} as held) as people
    where
        identity.disposed_hash({authority}, id) in (
            select person_hash from identity.disposed_people where authority = {authority}
        )
        and not exists (
            select
            from (
                select event from identity.legal_holds
                where authority = {authority} and person_id = people.id
                order by event_id desc limit 1
            ) as last
            where event = 'held'
        )
    on conflict do nothing
    """
)


def leave_out(
    connection: psycopg.Connection[Any],
    load: Load,
    contract: Contract,
    deliveries: Sequence[TableDelivery],
) -> tuple[list[TableDelivery], int]:
    """Remove from what has arrived the records of people who were disposed of, if it is past.

    Args:
        connection: as carepath_loader, in autocommit.
        load: the load; its deliveries are in `landing.<leaf>__incoming`.
        contract: its columns say whose record a row is.
        deliveries: what `extract` returned.

    Returns:
        The deliveries without these rows, and how many rows that are.
    """
    asked = connection.execute(
        f"select exists (select from identity.disposed_people where authority = %s)"
        f" and %s in ({PAST_LOADS})",
        (load.authority, load.load_id),
    ).fetchone()
    if asked != (True,):
        return list(deliveries), 0
    from carepath.person.copies import id_of, in_order, person_columns  # which needs landing

    arrived = {each.table for each in deliveries}
    removed = dict.fromkeys(arrived, 0)
    with connection.transaction():
        connection.execute("create temporary table left_out (id text primary key) on commit drop")
        for name in sorted(arrived):
            for column in person_columns(contract.tables[name]):
                connection.execute(
                    NAMED.format(
                        id=id_of(column),
                        incoming=_incoming(name, load),
                        authority=sql.Literal(load.authority),
                    )
                )
        # what belongs to a record goes before the record
        for table in reversed([*in_order(contract)]):
            if table.name in arrived and (condition := _is_theirs(table, load, contract, arrived)):
                removed[table.name] = connection.execute(
                    sql.SQL("delete from {} as held where {}").format(
                        _incoming(table.name, load), condition
                    )
                ).rowcount
    kept = [replace(each, row_count=each.row_count - removed[each.table]) for each in deliveries]
    return kept, sum(removed.values())


def _incoming(table: str, load: Load) -> sql.Identifier:
    return sql.Identifier("landing", incoming(table, load.authority))


def _is_theirs(
    table: Table, load: Load, contract: Contract, arrived: set[str]
) -> sql.Composable | None:
    """Return the condition of rows that name one of the people, or belong to a row that does."""
    from carepath.person.copies import PARENTS, id_of, person_columns

    columns = person_columns(table)
    conditions: list[sql.Composable] = [
        sql.SQL("{} in (select id from pg_temp.left_out)").format(id_of(column))
        for column in columns
    ]
    for link in PARENTS:
        if link.table != table.name or link.parent not in arrived:
            continue
        condition = _is_theirs(contract.tables[link.parent], load, contract, arrived)
        if condition is None:
            continue
        through: sql.Composable = sql.SQL("{} in (select {} from {} as held where {})").format(
            id_of(link.column), id_of(link.its_column), _incoming(link.parent, load), condition
        )
        for column in columns:
            through += sql.SQL(" and {} is null").format(id_of(column))
        conditions.append(sql.SQL("({})").format(through))
    return sql.SQL("({})").format(sql.SQL(" or ").join(conditions)) if conditions else None
