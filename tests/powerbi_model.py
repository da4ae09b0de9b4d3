"""The Power BI model as another reader and another engine see it: pbix-mcp's TMDL and DAX."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from carepath.powerbi.project import CHECKED_IN, MODEL

Value = float | str | dt.datetime | bool | None


class DaxModel:
    """The checked-in model, filled with the rows that its Power Query would read from marts."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        folder: Path = CHECKED_IN,
        *,
        empty: Sequence[str] = (),
    ) -> None:
        from pbix_mcp.formats.tmdl_reader import parse_tmdl_folder

        self.described: dict[str, Any] = parse_tmdl_folder(str(folder / MODEL / "definition"))
        self.measures = {
            measure["name"]: measure["expression"]
            for table in self.described["tables"]
            for measure in table["measures"]
        }
        self.relationships = [
            {
                "FromTable": one["from_table"],
                "FromColumn": one["from_column"],
                "ToTable": one["to_table"],
                "ToColumn": one["to_column"],
                "IsActive": one["is_active"],
            }
            for one in self.described["relationships"]
        ]
        self.tables = {
            table["name"]: {
                "columns": [column["name"] for column in table["columns"]],
                "rows": [] if table["name"] in empty else _rows(connection, table),
            }
            for table in self.described["tables"]
        }
        self.cache: dict[Any, Any] = {}
        self.folder = folder / MODEL / "definition"

    def values(
        self, names: Sequence[str], filters: Mapping[str, Sequence[Value]] | None = None
    ) -> dict[str, Value]:
        """Evaluate measures under filters, given as 'Table.Column': allowed values."""
        from pbix_mcp.dax.engine import evaluate_measures_batch

        found: dict[str, Value] = evaluate_measures_batch(
            list(names),
            self.tables,
            self.measures,
            filter_context={key: list(allowed) for key, allowed in (filters or {}).items()},
            date_table="Calendar",
            date_column="Date",
            relationships=self.relationships,
            date_tables={"Calendar": "Date"},
            cache=self.cache,
        )
        return found

    def permitted(self, readers: Mapping[str, Sequence[str]], user: str) -> dict[str, set[Value]]:
        """Return the authorities that a user in the role sees, by restricted table.

        The engine does not apply roles, so the filter of each table is evaluated row by row.
        """
        from pbix_mcp.dax.engine import evaluate_measures_batch
        from pbix_mcp.formats.tmdl_reader import parse_tmdl_document

        (path,) = (self.folder / "roles").glob("*.tmdl")
        (role,) = parse_tmdl_document(path.read_text(encoding="utf-8"))
        listed = [[reader, code] for reader, codes in readers.items() for code in codes]
        tables = {**self.tables, "Readers": {**self.tables["Readers"], "rows": listed}}
        found: dict[str, set[Value]] = {}
        for permission in role.all("tablePermission"):
            if permission.name == "Readers":
                continue
            condition = permission.expression.replace("USERPRINCIPALNAME ()", f'"{user}"')
            counted = f"COUNTROWS ( FILTER ( '{permission.name}', {condition} ) )"
            codes = {
                row[tables[permission.name]["columns"].index("Authority code")]
                for row in tables[permission.name]["rows"]
            }
            found[permission.name] = {
                code
                for code in codes
                if evaluate_measures_batch(
                    ["Rows permitted"],
                    tables,
                    {"Rows permitted": counted},
                    filter_context={f"{permission.name}.Authority code": [code]},
                    relationships=self.relationships,
                )["Rows permitted"]
            }
        return found

    def value(self, name: str, **filters: Value | Sequence[Value]) -> Value:
        """Evaluate one measure; filters by the shorter names below."""
        keys = {
            "code": "Measures.Measure code",
            "authority": "Authorities.Authority code",
            "date": "Calendar.Date",
            "segment": "Segments.Segment",
        }
        chosen = {
            keys[key]: [given] if isinstance(given, str | dt.datetime) else list(given)  # type: ignore[arg-type]
            for key, given in filters.items()
        }
        return self.values([name], chosen)[name]


def _rows(connection: psycopg.Connection[Any], table: Mapping[str, Any]) -> list[list[Value]]:
    query = table["partitions"][0]["source"]
    item = re.search(r'Item="(\w+)"', query)
    if item is None:
        return []
    joined = dict(re.findall(r'AddColumn\(\w+, "(\w+)", each (.*?), type text\)', query))
    columns = [
        sql.SQL("concat_ws('|', {})").format(
            sql.SQL(", ").join(
                sql.Identifier(name) for name in re.findall(r"\[(\w+)\]", joined[source])
            )
        )
        if (source := column["source_column"]) in joined
        else sql.Identifier(source)
        for column in table["columns"]
    ]
    rows = connection.execute(
        sql.SQL("select {} from {}").format(
            sql.SQL(", ").join(columns), sql.Identifier("marts", item.group(1))
        )
    ).fetchall()
    return [[_as_dax(value) for value in row] for row in rows]


def _as_dax(value: Any) -> Value:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    found: Value = value
    return found
