"""Indexes for the ranges of days that an incremental refresh of Power BI reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import psycopg
from psycopg import sql

from carepath.powerbi.sources import SOURCES

RANGES: Final = {source.mart: source.range_column for source in SOURCES if source.range_column}


def index_ranges(
    connection: psycopg.Connection, schema: str, ranges: Mapping[str, str] = RANGES
) -> None:
    """Give each published table that is read by ranges an index on its date, if it has none.

    No reader waits for it. Without the index, each range reads the whole table.

    Args:
        ranges: the date column by table; tables that the schema does not have are left out.
    """
    for table, column in ranges.items():
        name = f"{table}_{column}_range"
        found = connection.execute(
            "select to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text)) is not null"
            " and to_regclass(format('%%I.%%I', %(schema)s::text, %(index)s::text)) is null",
            {"schema": schema, "table": table, "index": name},
        ).fetchone()
        if found == (True,):
            connection.execute(
                sql.SQL("create index {} on {} ({})").format(
                    sql.Identifier(name),
                    sql.Identifier(schema, table),
                    sql.Identifier(column),
                )
            )
