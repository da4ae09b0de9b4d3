"""A recording system with a few invented records in every table, changed at random."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from typing import Any, Final

from psycopg import sql

from carepath.contract import load_contract
from carepath.contract.code_lists import load as load_code_lists
from carepath.contract.model import Column, Table
from carepath.landing import LoadResult, load_source
from carepath.sources import SourceSpec
from carepath.warehouse.connect import connect, url

# the others come as text
TYPES: Final = {"date": "date", "integer": "integer", "number": "numeric"}
# those of the area, and those of places; the last one of each is none
POSTCODES: Final = {
    "area_postcode": ("ZZ1 1AA", "zz1 1ab", "elm"),
    "postcode": ("ZZ11AA", " ZZ1 1AB", "zz1 1bd", "ZZ1 1FG", "oak"),
}
FIRST_DAY: Final = dt.date(2014, 1, 1)

Row = dict[str, Any]


class RandomRecordingSystem:
    """All tables of the contract; the same seed makes the same records and the same changes.

    Args:
        schema: where the records lie, in the database `recording_system`.
        authority: whose they are.
        seed: of what is random.
        rows: records of each table.
        people: of how many people.
        more: records of the tables that need others than that.
    """

    def __init__(
        self,
        schema: str,
        authority: str,
        *,
        seed: int,
        rows: int,
        people: int,
        more: Mapping[str, int] | None = None,
    ) -> None:
        self.spec = SourceSpec(
            name=schema.replace("_", "-"),
            authority=authority,
            authority_name=f"Authority {authority}",
            url=url("recording_system", "recording_system", driver=""),
            schema=schema,
        )
        self.random = random.Random(seed)  # noqa: S311 - invented records
        self.people = people
        self.tables = dict(load_contract().tables)
        self.codes = {
            name: [code.code for code in found.codes] for name, found in load_code_lists().items()
        }
        self.rows: dict[str, list[Row]] = {
            name: [self.invent(table) for _ in range((more or {}).get(name, rows))]
            for name, table in self.tables.items()
        }
        with connect("recording_system", "recording_system") as connection:
            connection.execute(
                sql.SQL("drop schema if exists {0} cascade; create schema {0}").format(
                    sql.Identifier(schema)
                )
            )
            for name, table in self.tables.items():
                columns = [
                    sql.SQL("{} {}").format(
                        sql.Identifier(column.name), sql.SQL(TYPES.get(column.type, "text"))
                    )
                    for column in table.columns
                ]
                connection.execute(
                    sql.SQL("create table {} ({})").format(
                        sql.Identifier(schema, name), sql.SQL(", ").join(columns)
                    )
                )
        self.write(*self.tables)

    def invent(self, table: Table) -> Row:
        """Return a new record."""
        person = self.random.randint(1, self.people)
        return {column.name: self.value(table, column, person) for column in table.columns}

    def value(self, table: Table, column: Column, person: int | None = None) -> Any:
        """Return something that a column may hold: now and then, nothing.

        Ids are those of a person's records; now and then, those of another person.
        """
        draw = self.random
        if person is None or draw.random() < 0.01:
            person = draw.randint(1, self.people)
        if column.as_name == "person_id":
            return f"p{person}"
        if column.type == "row_id":
            return None
        if column.name not in table.natural_key and draw.random() < 0.15:
            return None
        if column.type == "id" and column.name in table.natural_key and draw.random() < 0.02:
            return None
        if column.as_name in POSTCODES:
            return draw.choice(POSTCODES[column.as_name])
        match column.type:
            case "id":
                return f"{column.as_name[:4]}{person}.{draw.randint(1, 3)}"
            case "date":
                return FIRST_DAY + dt.timedelta(days=draw.randint(0, 2000))
            case "integer":
                return draw.randint(1, 5)
            case "number":
                return draw.randint(1, 2000)
            case "code":
                return draw.choice(self.codes[column.code_list or ""])
            case "flag":
                return draw.choice("YN")
            case "json":
                return '["3B", "17A"]' if table.name == "ssd_assessment_factors" else "{}"
        return draw.choice(("social worker", "personal adviser", "elm"))

    def change(self, count: int) -> None:
        """Change, remove or add some records; every table may be one of theirs."""
        changed = set()
        for _ in range(count):
            name = self.random.choice(list(self.tables))
            table, rows = self.tables[name], self.rows[name]
            changed.add(name)
            match self.random.choice(("change", "change", "remove", "add")):
                case "change" if rows:
                    column = self.random.choice(table.columns)
                    self.random.choice(rows)[column.name] = self.value(table, column)
                case "remove" if rows:
                    rows.pop(self.random.randrange(len(rows)))
                case _:
                    rows.append(self.invent(table))
        self.write(*changed)

    def write(self, *names: str) -> None:
        """Make tables hold what this object says; of several records with one key, the last.

        Those without an id all stay.
        """
        with connect("recording_system", "recording_system") as connection:
            for name in names:
                table = self.tables[name]
                one_per_key = {
                    tuple(str(row[column] or id(row)).upper() for column in table.natural_key): row
                    for row in self.rows[name]
                }
                self.rows[name] = list(one_per_key.values())
                target = sql.Identifier(self.spec.schema or "", name)
                connection.execute(sql.SQL("truncate {}").format(target))
                connection.cursor().executemany(
                    sql.SQL("insert into {} values ({})").format(
                        target, sql.SQL(", ").join(sql.Placeholder() * len(table.columns))
                    ),
                    [[row[column] for column in table.column_names] for row in self.rows[name]],
                )

    def withdraw(self, name: str) -> None:
        """Deliver a table no more."""
        del self.rows[name], self.tables[name]
        with connect("recording_system", "recording_system") as connection:
            connection.execute(
                sql.SQL("drop table {}").format(sql.Identifier(self.spec.schema or "", name))
            )

    def load(self, night: dt.date) -> LoadResult:
        """Load it."""
        return load_source(None, self.spec, night, accept_truncation=tuple(load_contract().tables))
