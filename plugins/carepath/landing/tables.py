"""The tables of landing and history, made from the contract.

- `landing.<table>`: one unlogged leaf per authority, owned by carepath_loader.
- `landing.<table>__<authority>__incoming`: beside the leaf, for the delivery that is arriving.
- `landing.changes`: what a delivery changes, until it is written to history.
- `history.<table>`: one leaf per authority, owned by carepath_owner. The loader may read, insert
  and close versions. The database does not let it delete one or change its content.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql

from carepath.contract import Contract, Table
from carepath.warehouse.connect import connect

OWNER: Final = "carepath_owner"
LOADER: Final = "carepath_loader"

HISTORY_COLUMNS: Final = (
    ("authority", "text not null"),
    ("record_key", "text not null"),
    ("content_hash", "bigint not null"),
    ("known_from", "date not null"),
    ("known_to", "date"),
    ("from_load", "bigint not null"),
    ("to_load", "bigint"),
    ("period", "text"),
)

COMMENTS: Final = {
    "authority": "ONS code of the local authority",
    "record_key": "the natural key, trimmed and in upper case, its parts joined by |",
    "content_hash": "of all columns as sent, except the vendor's row ids",
    "known_from": "the first night on which the source held this version",
    "known_to": "the first night on which it no longer did; null while it does",
    "from_load": "the load that brought this version (ops.loads)",
    "to_load": "the load that no longer had it; null while it is current",
    "period": "collection year of the return that brought it; null for a live system",
}

# A leaf is replaced every night and read once, so there is nothing to vacuum or analyse.
_LEAF_SETTINGS = sql.SQL("with (autovacuum_enabled = false)")
# Few rows change in a night, so vacuum and analyse at 5 % of rows instead of the default.
_HISTORY_SETTINGS = sql.SQL(
    "with (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05)"
)


def leaf(table: str, authority: str) -> str:
    """Return the name of an authority's partition of a table, in landing and in history."""
    return f"{table}__{authority.lower()}"


def incoming(table: str, authority: str) -> str:
    """Return the name of the table in landing into which a delivery arrives."""
    return f"{leaf(table, authority)}__incoming"


def hashed_columns(table: Table) -> list[str]:
    """Return the columns that show whether a record changed: all but the vendor's row ids."""
    return sorted(column.name for column in table.columns if column.type != "row_id")


def content_hash(table: Table) -> sql.Composed:
    """Return the SQL expression for a version's content hash."""
    return sql.SQL("hash_record_extended(row({}), 0)").format(
        sql.SQL(", ").join(map(sql.Identifier, hashed_columns(table)))
    )


def record_key(table: Table, columns: Sequence[str] = ()) -> sql.Composed:
    """Return the SQL expression for a record's natural key, or some columns, as one text."""
    return sql.SQL(" || '|' || ").join(
        sql.SQL("upper(btrim(coalesce({}, '')))").format(sql.Identifier(column))
        for column in columns or table.natural_key
    )


def ensure(contract: Contract) -> None:
    """Give landing and history every table and column of the contract.

    A new column of the contract is added. The hashes of current versions are then calculated again,
    so that the new column alone makes no new version. A column that the contract lost stays. This
    takes a few milliseconds when there is nothing to do.
    """
    with connect(OWNER) as owner, connect(LOADER) as loader:
        _lock(owner)
        version = owner.info.server_version // 10_000
        for connection, schema in ((loader, "landing"), (owner, "history")):
            there = _columns(connection, schema)
            for table in contract.tables.values():
                _ensure_parent(connection, schema, table, there.get(table.name))
        loader.execute(
            "create unlogged table if not exists landing.changes (load_id bigint not null,"
            " table_name text not null, incoming_row tid, history_row tid)"
        )
        _ensure_hashes(owner, contract, version)


def ensure_authority(contract: Contract, authority: str, tables: Iterable[str]) -> None:
    """Make an authority's partitions of some tables where they do not exist yet."""
    wanted = [contract.tables[name] for name in tables]
    with connect(OWNER) as owner, connect(LOADER) as loader:
        _lock(owner)
        there = {
            (str(schema), str(name))
            for schema, name in owner.execute(
                "select relnamespace::regnamespace::text, relname from pg_class"
                " where relnamespace in ('landing'::regnamespace, 'history'::regnamespace)"
                " and relkind = 'r'"
            )
        }
        for table in wanted:
            name = leaf(table.name, authority)
            if ("landing", name) not in there:
                _create_leaf(loader, "landing", table.name, name, authority)
            if ("landing", incoming(table.name, authority)) not in there:
                _create_incoming(loader, table.name, authority)
            if ("history", name) not in there:
                _create_leaf(owner, "history", table.name, name, authority)


def _lock(connection: psycopg.Connection[Any]) -> None:
    """Let only one process alter these tables at a time."""
    connection.execute("select pg_advisory_xact_lock(hashtext('carepath.landing.tables'))")


def _columns(connection: psycopg.Connection[Any], schema: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "select c.relname, a.attname from pg_class as c"
        " inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0"
        " and not a.attisdropped where c.relnamespace = %s::regnamespace and c.relkind = 'p'",
        (schema,),
    ):
        found.setdefault(table, set()).add(column)
    return found


def _ensure_parent(
    connection: psycopg.Connection[Any], schema: str, table: Table, there: set[str] | None
) -> None:
    own = (("authority", "text not null"),) if schema == "landing" else HISTORY_COLUMNS
    name = sql.Identifier(schema, table.name)
    if there is None:
        declared = [*own, *((column, "text") for column in table.column_names)]
        connection.execute(
            sql.SQL("create table {} ({}) partition by list (authority)").format(
                name,
                sql.SQL(", ").join(
                    sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind))
                    for column, kind in declared
                ),
            )
        )
        texts = {column.name: column.description for column in table.columns}
        for column, text in [*((c, COMMENTS[c]) for c, _ in own), *texts.items()]:
            connection.execute(
                sql.SQL("comment on column {}.{} is {}").format(
                    name, sql.Identifier(column), sql.Literal(text)
                )
            )
        if schema == "history":
            # a small sample is enough: `analyse` only needs the number of authorities
            connection.execute(
                sql.SQL("alter table {} alter column authority set statistics 10").format(name)
            )
            _protect(connection, name)
        return
    added = [column for column in table.column_names if column not in there]
    for column in added:
        connection.execute(
            sql.SQL("alter table {} add column {} text").format(name, sql.Identifier(column))
        )
    if added and schema == "landing":
        # tables for arriving deliveries are not partitions: they do not get their parent's columns
        for (other,) in connection.execute(
            "select relname from pg_class where relnamespace = 'landing'::regnamespace"
            " and relkind = 'r' and relname ~ %s",
            (rf"^{table.name}__[a-z][0-9]+__incoming$",),
        ).fetchall():
            connection.execute(
                sql.SQL("drop table {}").format(sql.Identifier("landing", str(other)))
            )


def _ensure_hashes(owner: psycopg.Connection[Any], contract: Contract, server_version: int) -> None:
    """Calculate hashes again where the columns or PostgreSQL's version have changed."""
    said = {
        str(name): text
        for name, text in owner.execute(
            "select relname, obj_description(oid, 'pg_class') from pg_class"
            " where relnamespace = 'history'::regnamespace and relkind = 'p'"
        )
    }
    for table in contract.tables.values():
        basis = (
            f"every version of {table.name} ever sent; content_hash: PostgreSQL {server_version}, "
            + ", ".join(hashed_columns(table))
        )
        if said[table.name] == basis:
            continue
        name = sql.Identifier("history", table.name)
        if said[table.name] is not None:
            owner.execute(
                sql.SQL("update {} set content_hash = {} where to_load is null").format(
                    name, content_hash(table)
                )
            )
        owner.execute(sql.SQL("comment on table {} is {}").format(name, sql.Literal(basis)))


def _create_leaf(
    connection: psycopg.Connection[Any], schema: str, parent: str, name: str, authority: str
) -> None:
    leaf_name = sql.Identifier(schema, name)
    _create_like_parent(connection, schema, parent, name)
    if schema == "landing":
        _finish_landing(connection, name, authority)
    else:
        _protect(connection, leaf_name)
    # attached afterwards: creating it as a partition would wait for everybody who reads the parent
    connection.execute(
        sql.SQL("alter table {} attach partition {} for values in ({})").format(
            sql.Identifier(schema, parent), leaf_name, sql.Literal(authority)
        )
    )


def _create_incoming(connection: psycopg.Connection[Any], parent: str, authority: str) -> None:
    name = incoming(parent, authority)
    _create_like_parent(connection, "landing", parent, name)
    _finish_landing(connection, name, authority)


def _create_like_parent(
    connection: psycopg.Connection[Any], schema: str, parent: str, name: str
) -> None:
    landing = schema == "landing"
    connection.execute(
        sql.SQL("create {} table {} (like {}) {}").format(
            sql.SQL("unlogged" if landing else ""),
            sql.Identifier(schema, name),
            sql.Identifier(schema, parent),
            _LEAF_SETTINGS if landing else _HISTORY_SETTINGS,
        )
    )


def _protect(connection: psycopg.Connection[Any], name: sql.Identifier) -> None:
    """Let the loader open and close versions of history, and do nothing else."""
    connection.execute(
        sql.SQL(
            "revoke all on {0} from carepath_loader;"
            " grant select, insert, update (known_to, to_load) on {0} to carepath_loader"
        ).format(name)
    )


def _finish_landing(connection: psycopg.Connection[Any], name: str, authority: str) -> None:
    # the default fills the column that COPY leaves out; the constraint spares a scan when attaching
    connection.execute(
        sql.SQL(
            "alter table {0} alter column authority set default {1},"
            " add constraint one_authority check (authority is not null and authority = {1})"
        ).format(sql.Identifier("landing", name), sql.Literal(authority))
    )


def analyse(authority: str, names: Iterable[str]) -> None:
    """Give the planner statistics of some tables of an authority's history.

    Staging joins each table with ops.cutoffs by authority. Without statistics of the whole table,
    the planner assumes 200 authorities, so it expects far too few rows of each.
    """
    with connect(OWNER, autocommit=True) as owner:
        # before version 18, PostgreSQL always analyses the partitions too
        whole = (
            "analyze only {} (authority)"
            if owner.info.server_version >= 180000
            else ("analyze {} (authority)")
        )
        for table in names:
            owner.execute(sql.SQL(whole).format(sql.Identifier("history", table)))
            owner.execute(
                sql.SQL("analyze {}").format(sql.Identifier("history", leaf(table, authority)))
            )


def index_people(contract: Contract, authority: str) -> None:
    """Index an authority's history by person.

    The expression is that of `person_id` in staging (macro staging_id), so that core can look up
    the people whom a night touched. The index is made after the first records are in: that is
    faster than adding to it row by row.
    """
    columns = {
        leaf(table.name, authority): table.person_column
        for table in contract.tables.values()
        if table.person_column
    }
    with connect(OWNER) as owner:
        _lock(owner)
        for (name,) in owner.execute(
            "select relname from pg_class as leaf where relnamespace = 'history'::regnamespace"
            " and relkind = 'r' and relname = any(%s) and not exists ("
            "select from pg_class as made where made.relnamespace = leaf.relnamespace"
            " and made.relname = leaf.relname || '__person')",
            (list(columns),),
        ).fetchall():
            owner.execute(
                sql.SQL("create index {} on {} ((nullif(upper(btrim({})), '')))").format(
                    sql.Identifier(f"{name}__person"),
                    sql.Identifier("history", name),
                    sql.Identifier(columns[name]),
                )
            )


def swap(connection: psycopg.Connection[Any], names: Sequence[str], authority: str) -> None:
    """Make the arrived deliveries of some tables the authority's partitions of landing."""
    for table in sorted(names):
        old, new = leaf(table, authority), incoming(table, authority)
        connection.execute(
            sql.SQL(
                "alter table {parent} detach partition {old};"
                "truncate {old};"
                "alter table {old} rename to {aside};"
                "alter table {new} rename to {old_name};"
                "alter table {old_aside} rename to {new_name};"
                "alter table {parent} attach partition {old} for values in ({authority})"
            ).format(
                parent=sql.Identifier("landing", table),
                old=sql.Identifier("landing", old),
                new=sql.Identifier("landing", new),
                aside=sql.Identifier(f"{old}__aside"),
                old_aside=sql.Identifier("landing", f"{old}__aside"),
                old_name=sql.Identifier(old),
                new_name=sql.Identifier(new),
                authority=sql.Literal(authority),
            )
        )
