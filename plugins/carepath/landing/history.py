"""History: every version of every record, and the nights between which it was current.

A version is the content of a record. Tonight's delivery and the current versions are compared by
their content hashes. A new version opens, a missing one closes, and one that comes back opens
again. The comparison only reads, several tables at a time. Then one transaction writes the changes
of all tables, replaces landing and marks the load as loaded. So a load that is killed has either
happened completely or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql

from carepath.contract import Contract, Table
from carepath.errors import DeliveryError
from carepath.landing import touched
from carepath.landing.delivery import Load, PreviousTables, TableDelivery
from carepath.landing.extract import Going, in_parallel
from carepath.landing.tables import content_hash, incoming, leaf, record_key, swap
from carepath.settings import get_settings
from carepath.sources.kind import REPLACES_ALL, Accumulates

# One hash join per table: nested loops over millions of rows would take hours.
COMPARING = "set local enable_nestloop = off; set local enable_mergejoin = off;"

COMPARE = sql.SQL(
    """
    insert into landing.changes
    select {load}, {name}, min(sent.row), versions.row
    from (select ctid as row, {content_hash} as hash from {incoming}) as sent
    full join (select ctid as row, content_hash as hash from {history} where to_load is null)
        as versions on sent.hash = versions.hash
    where sent.row is null or versions.row is null
    group by sent.hash, versions.row
    """
)

# Where no version is current, every row is new. Only repeated rows are noted, to leave them out.
COMPARE_FIRST = sql.SQL(
    """
    insert into landing.changes
    select {load}, {name}, surplus.row, null
    from (
        select unnest(rows[2:]) as row
        from (
            select array_agg(ctid) as rows from {incoming} group by {content_hash}
            having count(*) > 1
        ) as equal
    ) as surplus
    """
)

# For a return that adds to earlier ones. A version of an earlier period stays current until its
# record is sent again. Sent without a change, it opens again with the later period, so the period
# says which return last contained the record. Only versions of the same period close when they are
# not sent. A record that a later period has stays as it is.
COMPARE_ACCUMULATING = sql.SQL(
    """
    with sent as materialized (
        select min(ctid) as row, {content_hash} as hash, {sent_key} as key
        from {incoming} group by 2, 3
    ),
    versions as materialized (
        select ctid as row, content_hash as hash, {kept_key} as key, period
        from {history} where to_load is null
    ),
    opened as materialized (
        select row, key from sent
        where not exists (
                select from versions
                where versions.hash = sent.hash and coalesce(period, '') >= {period}
            )
            and not exists (
                select from versions where versions.key = sent.key and period > {period}
            )
    ),
    closed as (
        select row from versions
        where (
                period is not distinct from {period}
                and not exists (select from sent where sent.hash = versions.hash)
            )
            or (
                coalesce(period, '') < {period}
                and exists (select from opened where opened.key = versions.key)
            )
    )
    insert into landing.changes
    select {load}, {name}, row, null from opened
    union all
    select {load}, {name}, null, row from closed
    """
)

# A list of row addresses from landing.changes, so that PostgreSQL fetches only those rows.
_ROWS = (
    "ctid = any(array(select {side} from landing.changes where load_id = {{load}}"
    " and table_name = {{name}} and {side} is not null))"
)

CLOSE = sql.SQL(
    "update {history} set known_to = {night}, to_load = {load} where to_load is null and "
    + _ROWS.format(side="history_row")
)

OPEN = """
    insert into {{history}}
        (authority, record_key, content_hash, known_from, from_load, period, {{columns}})
    select {{authority}}, {{record_key}}, {{content_hash}}, {{night}}, {{load}}, {{period}},
        {{columns}}
    from {{incoming}} as sent
    where {chosen}
"""
OPEN_CHANGED = sql.SQL(OPEN.format(chosen=_ROWS.format(side="incoming_row")))
# A person's records are stored together, so that core finds touched people in few pages.
OPEN_FIRST = sql.SQL(
    OPEN.format(
        chosen="not exists (select from landing.changes where load_id = {load}"
        " and table_name = {name} and incoming_row = sent.ctid) {in_order}"
    )
)


@dataclass(frozen=True)
class _Difference:
    """What the comparison of one table found. `is_first`: no version was current before."""

    delivery: TableDelivery
    is_first: bool
    opened: int
    closed: int
    duplicates: int
    seconds: float


def apply_history(
    connection: psycopg.Connection[Any],
    load: Load,
    contract: Contract,
    deliveries: Sequence[TableDelivery],
    previous: PreviousTables,
    *,
    accumulates: Accumulates = REPLACES_ALL,
) -> list[TableDelivery]:
    """Bring history and landing up to a delivery, in one transaction.

    Loading the same delivery again opens and closes nothing. Exact duplicates are kept once. No
    version is ever deleted. One that opens and closes on the same night was not known on any day,
    only between two loads.

    Args:
        connection: as carepath_loader, in autocommit; it makes all lasting changes.
        load: the load; its deliveries are in `landing.<leaf>__incoming`.
        contract: its columns give content hash and record key.
        deliveries: what `extract` returned.
        previous: the `previous` that `extract` received.
        accumulates: tables of a return in which rows of earlier periods stay current, each with
            the columns by which a row replaces them (none: the natural key).

    Returns:
        The deliveries with their counts.

    Raises:
        DeliveryError: another source of the authority delivers one of the tables, the night is
            earlier than the source's last, or history changed during the comparison.
    """
    connection.execute("delete from landing.changes where load_id = %s", (load.load_id,))

    def compare(worker: psycopg.Connection[Any], item: TableDelivery, going: Going) -> _Difference:
        going.check()
        return _compare(worker, load, contract.tables[item.table], item, previous, accumulates)

    changed = sorted(
        (each for each in deliveries if not each.is_unchanged),
        key=lambda each: each.row_count,
        reverse=True,
    )
    differences = in_parallel(compare, changed, limit=get_settings().parallel_tables)
    with connection.transaction():
        connection.execute(
            "select pg_advisory_xact_lock(hashtext('carepath.history ' || %s))", (load.authority,)
        )
        refuse_earlier(connection, load)
        kept = _owned(connection, load, deliveries)
        done = [
            _write(connection, load, contract, each)
            for each in sorted(differences, key=lambda each: each.delivery.table)
            if each.delivery.table in kept
        ]
        written = [each for each in differences if each.opened + each.closed]
        touched.record(
            connection,
            contract,
            load.load_id,
            load.authority,
            changed=[each.delivery.table for each in written if not each.is_first],
            first=[each.delivery.table for each in written if each.is_first],
            accumulates=accumulates,
            period=load.period,
        )
        done += [
            replace(each, duplicate_count=previous[each.table].duplicate_count)
            for each in deliveries
            if each.is_unchanged and each.table in kept
        ]
        swap(
            connection,
            [each.table for each in done if not _is_landed(connection, load, each)],
            load.authority,
        )
        _record(connection, load, done)
    return done


def refuse_earlier(connection: psycopg.Connection[Any], load: Load) -> None:
    """Refuse a night before the source's last one: history only goes forward.

    Raises:
        DeliveryError: names both nights.
    """
    found = connection.execute(
        "select max(night) from ops.loads where source = %s and state = 'loaded'", (load.source,)
    ).fetchone()
    if found and found[0] and found[0] > load.night:
        raise DeliveryError(
            f"The night {load.night} is earlier than {found[0]}, which is already loaded.",
            where=f"source {load.source}",
            todo=f"Load {found[0]} or a later night. To see an earlier one, query history as known "
            "at that date (docs/history.md).",
        )


def _compare(
    connection: psycopg.Connection[Any],
    load: Load,
    table: Table,
    delivery: TableDelivery,
    previous: PreviousTables,
    accumulates: Accumulates,
) -> _Difference:
    started = time.monotonic()
    names = _names(load, table)
    before = previous.get(table.name)
    with connection.transaction():
        connection.execute(COMPARING)
        has_current = _number(
            connection,
            sql.SQL("select exists (select from {history} where to_load is null)::int").format(
                **names
            ),
        )
        if not has_current:
            statement = COMPARE_FIRST
        elif table.name in accumulates:
            statement = COMPARE_ACCUMULATING
        else:
            statement = COMPARE
        columns = accumulates.get(table.name, ())
        keys = {
            "sent_key": record_key(table, columns),
            "kept_key": record_key(table, columns) if columns else sql.Identifier("record_key"),
        }
        connection.execute(statement.format(**names, **keys))
        found = connection.execute(
            "select count(incoming_row), count(history_row) from landing.changes"
            " where load_id = %s and table_name = %s",
            (load.load_id, table.name),
        ).fetchone()
        opened, closed = found or (0, 0)
        if not has_current:
            duplicates, opened = opened, delivery.row_count - opened
        elif table.name in accumulates:
            duplicates = delivery.row_count - _number(
                connection,
                sql.SQL("select count(distinct {content_hash}) from {incoming}").format(**names),
            )
        else:
            current = (
                before.row_count - before.duplicate_count
                if before and before.is_latest
                else _number(
                    connection,
                    sql.SQL("select count(*) from {history} where to_load is null").format(**names),
                )
            )
            duplicates = delivery.row_count - (current - closed + opened)
    return _Difference(
        delivery, not has_current, opened, closed, duplicates, time.monotonic() - started
    )


def _write(
    connection: psycopg.Connection[Any], load: Load, contract: Contract, difference: _Difference
) -> TableDelivery:
    started = time.monotonic()
    table = contract.tables[difference.delivery.table]
    names = _names(load, table)
    opened = closed = 0
    if difference.closed:
        closed = connection.execute(CLOSE.format(**names)).rowcount
    if difference.opened:
        statement = OPEN_FIRST if difference.is_first else OPEN_CHANGED
        opened = connection.execute(statement.format(**names)).rowcount
    if (opened, closed) != (difference.opened, difference.closed):
        raise DeliveryError(
            "History changed while the delivery was being compared with it.",
            where=f"source {load.source}, table {table.name}",
            todo="Run the night again. Nothing was loaded.",
        )
    return replace(
        difference.delivery,
        duplicate_count=difference.duplicates,
        opened_count=opened,
        closed_count=closed,
        history_seconds=difference.seconds + time.monotonic() - started,
    )


def _owned(
    connection: psycopg.Connection[Any], load: Load, deliveries: Sequence[TableDelivery]
) -> set[str]:
    """Return the tables that this source may write. Any source may deliver a table empty."""
    others = dict(
        connection.execute(
            """
            select d.table_name, l.source
            from ops.loads as l
            inner join ops.table_deliveries as d on l.load_id = d.load_id
            where l.authority = %(authority)s and l.source <> %(source)s and d.row_count > 0
                and l.load_id = (
                    select max(last.load_id) from ops.loads as last
                    where last.source = l.source and last.state = 'loaded'
                )
            """,
            {"authority": load.authority, "source": load.source},
        ).fetchall()
    )
    for each in deliveries:
        if each.table in others and each.row_count:
            raise DeliveryError(
                f"The source {others[each.table]} already delivers this table for "
                f"{load.authority}.",
                where=f"source {load.source}, table {each.table}",
                todo="Let only one source deliver it. To change the source, first load it empty "
                f"from the other one, with `--accept-truncation {each.table}`. Nothing was loaded.",
            )
    return {each.table for each in deliveries if each.table not in others}


def _is_landed(connection: psycopg.Connection[Any], load: Load, delivery: TableDelivery) -> bool:
    """Say whether landing holds these bytes. After a crash of the server it is empty."""
    if not delivery.is_unchanged:
        return False
    return not delivery.row_count or bool(
        _number(
            connection,
            sql.SQL("select exists (select from {})::int").format(
                sql.Identifier("landing", leaf(delivery.table, load.authority))
            ),
        )
    )


def _record(
    connection: psycopg.Connection[Any], load: Load, deliveries: Sequence[TableDelivery]
) -> None:
    connection.execute("delete from landing.changes where load_id = %s", (load.load_id,))
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.table_deliveries (load_id, table_name, row_count, byte_count,"
            " content_hash, seconds, previous_row_count, duplicate_count, opened_count,"
            " closed_count, history_seconds, columns)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    load.load_id, each.table, each.row_count, each.byte_count,
                    each.content_hash, each.seconds, each.previous_row_count,
                    each.duplicate_count, each.opened_count, each.closed_count,
                    each.history_seconds, list(each.columns),
                )
                for each in deliveries
            ],
        )  # fmt: skip
    connection.execute(
        "update ops.loads set state = 'loaded', finished_at = clock_timestamp() where load_id = %s",
        (load.load_id,),
    )


def _names(load: Load, table: Table) -> dict[str, sql.Composable]:
    return {
        "load": sql.Literal(load.load_id),
        "name": sql.Literal(table.name),
        "night": sql.Literal(load.night),
        "period": sql.SQL("{}::text").format(sql.Literal(load.period)),
        "authority": sql.Literal(load.authority),
        "incoming": sql.Identifier("landing", incoming(table.name, load.authority)),
        "history": sql.Identifier("history", leaf(table.name, load.authority)),
        "content_hash": content_hash(table),
        "record_key": record_key(table),
        "columns": sql.SQL(", ").join(map(sql.Identifier, table.column_names)),
        "in_order": sql.SQL('order by {} collate "C"').format(sql.Identifier(table.person_column))
        if table.person_column
        else sql.SQL(""),
    }


def _number(connection: psycopg.Connection[Any], query: sql.Composed) -> int:
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0
