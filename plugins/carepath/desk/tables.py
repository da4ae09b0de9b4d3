"""The pages Tables: each table of schema `marts`, its columns, and what it comes from.

They describe what readers of the marts see: PostgreSQL's catalogue, asked as bi_reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from carepath.desk.answers import page
from carepath.desk.database import read
from carepath.desk.figures import frame_of
from carepath.lineage import reading as lineage
from carepath.lineage.reading import Lineage, Table
from carepath.report import reading

router = APIRouter(prefix="/figures/tables")

TABLES: Final = """
select
    tables.relname as name,
    coalesce(obj_description(tables.oid, 'pg_class'), '') as description
from pg_class as tables
where
    tables.relnamespace = 'marts'::regnamespace
    and tables.relkind in ('r', 'p', 'v', 'm')
    and has_table_privilege(tables.oid, 'select')
order by tables.relname
"""
COLUMNS: Final = """
select
    columns.attname as name,
    format_type(columns.atttypid, columns.atttypmod) as type,
    coalesce(col_description(columns.attrelid, columns.attnum), '') as description,
    coalesce(columns.attnum = any(keys.indkey), false) as is_key
from pg_class as tables
inner join pg_attribute as columns
    on tables.oid = columns.attrelid and columns.attnum > 0 and not columns.attisdropped
left join pg_index as keys on tables.oid = keys.indrelid and keys.indisprimary
where tables.relnamespace = 'marts'::regnamespace and tables.relname = %(name)s
order by columns.attnum
"""


@dataclass(frozen=True)
class Described:
    """A table of schema `marts`."""

    name: str
    description: str


@dataclass(frozen=True)
class Column:
    """A column of a table: its type in PostgreSQL, what it means, whether it is in the key."""

    name: str
    type: str
    description: str
    is_key: bool


@dataclass(frozen=True)
class Origin:
    """A table that a mart reads, and the tables of the recording system behind it."""

    table: Table
    delivered: Sequence[Table]


@router.get("")
def tables(request: Request, authority: str = "") -> HTMLResponse:
    """Show the list of all tables, by domain."""
    with reading.marts() as connection:
        frame = frame_of(connection, authority, "Tables")
        found = read(connection, Described, TABLES)
    known = lineage.read_lineage()
    domains: dict[str, list[Described]] = {}
    for each in found:
        mart = known.mart(each.name) if known else None
        domains.setdefault(mart.domain if mart else "", []).append(each)
    if frame["publication"] is None:
        return page(request, "figures.html", **frame)
    return page(
        request,
        "figures_tables.html",
        **frame,
        domains=sorted(domains.items(), key=_last),
        has_manifest=known is not None,
    )


@router.get("/{name}")
def table(request: Request, name: str, authority: str = "") -> HTMLResponse:
    """Show one table."""
    with reading.marts() as connection:
        frame = frame_of(connection, authority, name)
        found = next(
            (each for each in read(connection, Described, TABLES) if each.name == name), None
        )
        if found is None:
            raise HTTPException(404)
        columns = read(connection, Column, COLUMNS, {"name": name})
    if frame["publication"] is None:
        return page(request, "figures.html", **frame)
    return page(
        request,
        "figures_table.html",
        **frame,
        table=found,
        columns=columns,
        comes_from=lineage.read_columns(name),
        **_origins(lineage.read_lineage(), name),
    )


def _origins(known: Lineage | None, name: str) -> dict[str, Any]:
    """Return what a mart comes from, and which marts read it."""
    mart = known.mart(name) if known else None
    if known is None or mart is None:
        return {
            "has_lineage": known is not None, "is_known": False, "origins": [], "delivered": [],
            "further": [], "settings": [], "own": [], "readers": [],
        }  # fmt: skip
    direct = known.parents(mart)
    return {
        "has_lineage": True,
        "is_known": True,
        "origins": [
            Origin(each, known.behind(each, lineage.CONTRACT))
            for each in direct
            if each.kind in (lineage.MART, lineage.CORE, lineage.STAGING)
        ],
        "delivered": known.behind(mart, lineage.CONTRACT),
        "further": [
            each for each in known.behind(mart, lineage.CORE, lineage.MART) if each not in direct
        ],
        "settings": known.behind(mart, lineage.SETTING),
        "own": known.behind(mart, lineage.OWN),
        "readers": known.readers(name),
    }


def _last(pair: tuple[str, Any]) -> tuple[bool, str]:
    """Return what puts the tables that dbt does not make behind the others."""
    return not pair[0], pair[0]
