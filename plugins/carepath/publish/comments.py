"""Comments on the published tables and columns: what Power BI and other tools show as help."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg import sql

from carepath.publish.tables import MartTable


def write_comments(connection: psycopg.Connection, schema: str, tables: Iterable[MartTable]) -> int:
    """Make the comments of a schema equal to the descriptions of its tables.

    Only comments that differ are written, and no reader waits for them. A table without a
    description keeps the comments that it has.

    Returns:
        How many comments were written.
    """
    present = {
        (table, column): comment
        for table, column, comment in connection.execute(
            """
            select c.relname, coalesce(a.attname, ''), d.description
            from pg_class as c
            left join pg_attribute as a
                on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
            left join pg_description as d
                on c.oid = d.objoid and d.classoid = 'pg_class'::regclass and a.attnum = d.objsubid
            where c.relnamespace = to_regnamespace(%(schema)s) and c.relkind in ('r', 'p')
            union all
            select relname, '', obj_description(oid, 'pg_class')
            from pg_class
            where relnamespace = to_regnamespace(%(schema)s) and relkind in ('r', 'p')
            """,
            {"schema": schema},
        )
    }
    statements = [
        sql.SQL("comment on {} {} is {}").format(
            sql.SQL("column" if column else "table"),
            sql.Identifier(schema, mart.name, *([column] if column else [])),
            sql.Literal(comment),
        )
        for mart in tables
        for column, comment in (("", mart.description), *mart.columns.items())
        if comment and (mart.name, column) in present and present[mart.name, column] != comment
    ]
    if statements:
        connection.execute(sql.SQL("; ").join(statements))
    return len(statements)
