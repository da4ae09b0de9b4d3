"""Extract and history against their floor: `psql` binary COPY piped into `psql` COPY.

    python benchmarks/load.py --scale 1

makes an invented recording system in a database of its own, takes the floor table by table, then
two nights of Carepath: the first, and an ordinary one on which 0.1 % of the rows differ. `measure`
does the same for any list of sources in PostgreSQL, for the driver of `make bench`.

    python benchmarks/load.py --scale 1 --other sqlite:////tmp/bench.db

copies that recording system into another database, which must be empty, and measures how Carepath
reads it from there: the largest table and the set, best of three, each beside the floor. The
address `postgresql` stands for the recording system itself, read through SQLAlchemy.
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from psycopg import sql

from carepath.contract import Table, load_contract
from carepath.landing import LoadResult, load_source
from carepath.sources import SourceColumn, SourceSpec, open_source
from carepath.sources.address import resolve
from carepath.warehouse import ready
from carepath.warehouse.connect import connect, url
from carepath.warehouse.embedded import binaries
from carepath.warehouse.passwords import ADMINISTRATOR

FLOOR, SOURCE = "bench_floor", "bench_source"
AUTHORITY = "E09900099"
# Rows of a borough; a table that is not named has 500.
ROWS = {
    "ssd_person": 30_000, "ssd_address": 60_000, "ssd_contacts": 100_000,
    "ssd_cin_episodes": 50_000, "ssd_cin_assessments": 90_000, "ssd_assessment_factors": 90_000,
    "ssd_cin_plans": 40_000, "ssd_cin_visits": 200_000, "ssd_involvements": 150_000,
    "ssd_cla_episodes": 8_000, "ssd_cla_placement": 5_000, "ssd_s47_enquiry": 30_000,
}  # fmt: skip


@dataclass(frozen=True)
class LoadFigures:
    """Seconds of wall clock for all sources together; `peak_mb` is this process's resident peak."""

    rows: int
    floor: float
    largest_floor: float
    largest_extract: float
    first_extract: float
    first_history: float
    extract: float
    history: float
    night: float
    peak_mb: float

    def lines(self) -> list[tuple[str, float, float, float]]:
        """Return (what, seconds, ratio to its floor, budget as a ratio; 0 for none)."""
        return [
            ("floor: binary COPY piped into COPY, table by table", self.floor, 1.0, 0),
            ("extract, largest table", self.largest_extract,
             self.largest_extract / self.largest_floor, 1.2),
            ("extract, the set", self.extract, self.extract / self.floor, 1.0),
            ("history, an ordinary night (0.1 % changed)", self.history,
             self.history / self.floor, 1.0),
            ("extract, the first night", self.first_extract, self.first_extract / self.floor, 0),
            ("history, the first night", self.first_history, self.first_history / self.floor, 0),
            ("an ordinary load in all", self.night, self.night / self.floor, 0),
        ]  # fmt: skip


def measure(
    specs: Sequence[SourceSpec], nights: tuple[dt.date, dt.date], change: Callable[[], None]
) -> LoadFigures:
    """Take the floor and two nights of some PostgreSQL sources, in this order, in one run.

    Args:
        specs: the sources; the warehouse has not loaded them yet.
        nights: the first and the ordinary night.
        change: alters the sources between the two.
    """
    first = [load_source(None, spec, nights[0]) for spec in specs]
    change()
    _settle(specs)
    largest = max((each for load in first for each in load.tables), key=lambda e: e.byte_count)
    floor_of = [floor(spec) for spec in specs]
    floor = sum(sum(tables.values()) for tables in floor_of)
    started = time.monotonic()
    second = [load_source(None, spec, nights[1]) for spec in specs]
    night = time.monotonic() - started
    return LoadFigures(
        rows=sum(each.row_count for load in second for each in load.tables),
        floor=floor,
        largest_floor=max(tables[largest.table] for tables in floor_of),
        largest_extract=max(
            each.seconds for load in _alone(specs, nights[1])
            for each in load.tables if each.table == largest.table
        ),
        first_extract=sum(load.extract_seconds for load in first),
        first_history=sum(load.history_seconds for load in first),
        extract=sum(load.extract_seconds for load in second),
        history=sum(load.history_seconds for load in second),
        night=night,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )  # fmt: skip


def _settle(specs: Sequence[SourceSpec]) -> None:
    """Do what autovacuum does in the day between two nights."""
    with connect("carepath_owner", autocommit=True) as owner:
        for spec in specs:
            for (name,) in owner.execute(
                "select relname from pg_class where relnamespace = 'history'::regnamespace"
                " and relkind = 'r' and relname like %s",
                (f"%\\_\\_{spec.authority.lower()}",),
            ).fetchall():
                owner.execute(
                    sql.SQL("vacuum (analyze) {}").format(sql.Identifier("history", name))
                )


def _alone(specs: Sequence[SourceSpec], night: dt.date) -> list[LoadResult]:
    """Load again with one table at a time, so that a table's seconds are its own."""
    from carepath.settings import get_settings

    settings = get_settings()
    before, settings.parallel_tables = settings.parallel_tables, 1
    try:
        return [load_source(None, spec, night) for spec in specs]
    finally:
        settings.parallel_tables = before


def floor(spec: SourceSpec) -> dict[str, float]:
    """Return seconds by table of the pipe, into tables of the source's own types."""
    source_url = (
        resolve(spec).url.set(drivername="postgresql").render_as_string(hide_password=False)
    )
    target_url = _fresh_database(FLOOR)
    with open_source(spec).open() as session:
        tables = {n: c for n, c in session.describe().items() if n in load_contract().tables}
    seconds = {}
    psql = str(binaries() / "psql")
    for name, columns in tables.items():
        with connect(ADMINISTRATOR, FLOOR, autocommit=True) as target:
            target.execute(_create(name, columns))
        listed = ", ".join(f'"{column.name}"' for column in columns)
        schema = f'"{spec.schema}".' if spec.schema else ""
        started = time.monotonic()
        read = subprocess.Popen(
            [psql, "-Xq", source_url, "-c",
             f'copy (select {listed} from {schema}"{name}") to stdout (format binary)'],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        subprocess.run(
            [psql, "-Xq", target_url, "-c", f'copy "{name}" from stdin (format binary)'],
            stdin=read.stdout, check=True,
        )  # fmt: skip
        assert read.wait() == 0
        seconds[name] = time.monotonic() - started
    _drop_database(FLOOR)
    return seconds


def _create(name: str, columns: Sequence[SourceColumn]) -> sql.Composed:
    return sql.SQL("create table {} ({})").format(
        sql.Identifier(name),
        sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type))  # type: ignore[arg-type]
            for column in columns
        ),
    )


def _fresh_database(name: str) -> str:
    _drop_database(name)
    with connect(ADMINISTRATOR, "postgres", autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return url(ADMINISTRATOR, name, driver="")


def _drop_database(name: str) -> None:
    with connect(ADMINISTRATOR, "postgres", autocommit=True) as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(
            sql.Identifier(name)))  # fmt: skip


def invented_source(scale: float) -> SourceSpec:
    """Fill a database with `scale` times a borough's rows, all invented, none of them sensible."""
    address = _fresh_database(SOURCE)
    with connect(ADMINISTRATOR, SOURCE, autocommit=True) as source:
        for table in load_contract().tables.values():
            kinds = {"date": "timestamp", "integer": "integer", "number": "numeric"}
            columns = [SourceColumn(c.name, kinds.get(c.type, "varchar")) for c in table.columns]
            source.execute(_create(table.name, columns))
            source.execute(_fill(table, int(ROWS.get(table.name, 500) * scale)))
        source.execute("vacuum analyze")
    return SourceSpec(
        name="bench", authority=AUTHORITY, authority_name="Benchmark", url=address, schema="public"
    )


def _fill(table: Table, rows: int) -> sql.Composed:
    values = {
        "row_id": "md5(n::text || random()::text)", "id": "'P' || n", "text": "'text ' || n % 997",
        "date": "timestamp '2014-01-01' + n % 2000 * interval '1 day'", "integer": "n % 90",
        "number": "n % 900 / 7.0", "flag": "case n % 3 when 0 then 'Y' when 1 then 'N' end",
        "code": "(array['1A', 'F2', 'U1', 'K2', 'N1'])[1 + n % 5]",
        "json": """'{"NFA_FLAG": "N", "REFERRAL_FLAG": "Y", "COMMENTS": "' || n || '"}'""",
    }  # fmt: skip
    return sql.SQL("insert into {} select {} from generate_series(1, {}) as n").format(
        sql.Identifier(table.name),
        sql.SQL(", ").join(sql.SQL(values[column.type]) for column in table.columns),  # type: ignore[arg-type]
        sql.Literal(rows),
    )


def alter_one_in_a_thousand() -> None:
    """Alter 0.1 % of the rows of every table of the invented source."""
    with connect(ADMINISTRATOR, SOURCE, autocommit=True) as source:
        for table in load_contract().tables.values():
            column = next((c for c in table.columns if c.type in ("text", "code", "date")), None)
            if column is None:  # a table of ids has nothing that could be altered
                continue
            new = "now()" if column.type == "date" else "'altered'"
            source.execute(
                sql.SQL("update {} set {} = {} where ctid in"
                        " (select ctid from {} tablesample bernoulli (0.1))").format(
                    sql.Identifier(table.name), sql.Identifier(column.name), sql.SQL(new),
                    sql.Identifier(table.name))
            )  # fmt: skip


@dataclass(frozen=True)
class OtherFigures:
    """Seconds of wall clock, each the best of some rounds."""

    rows: int
    floor: float
    largest_floor: float
    extract: float
    largest_extract: float

    def lines(self) -> list[tuple[str, float, float, float]]:
        """Return (what, seconds, ratio to its floor, budget as a ratio; 0 for none)."""
        return [
            ("floor: binary COPY piped into COPY, table by table", self.floor, 1.0, 0),
            ("floor, largest table", self.largest_floor, 1.0, 0),
            ("extract, largest table", self.largest_extract,
             self.largest_extract / self.largest_floor, 3.0),
            ("extract, the set", self.extract, self.extract / self.floor, 2.0),
        ]  # fmt: skip


def measure_other(spec: SourceSpec, other: SourceSpec, rounds: int = 3) -> OtherFigures:
    """Read a copy of a PostgreSQL source from another database, and take the floor of the source.

    Args:
        spec: the source in PostgreSQL.
        other: the same rows in another database.
        rounds: how often the floor and the extract are taken, in turn.
    """
    first = load_source(None, other, dt.date(2024, 1, 1))
    largest = max(first.tables, key=lambda each: each.byte_count).table
    floors, loads = [], []
    for day in range(rounds):
        floors.append(floor(spec))
        loads.append(load_source(None, other, dt.date(2024, 1, 2 + day)))
    return OtherFigures(
        rows=sum(each.row_count for each in first.tables),
        floor=min(sum(tables.values()) for tables in floors),
        largest_floor=min(tables[largest] for tables in floors),
        extract=min(load.extract_seconds for load in loads),
        largest_extract=min(
            each.seconds for load in loads for each in load.tables if each.table == largest
        ),
    )


def copied(spec: SourceSpec, place: str) -> SourceSpec:
    """Copy a PostgreSQL source into the empty database at an address; return it as a source."""
    if place == "postgresql":
        here = resolve(spec).url.set(drivername="postgresql+psycopg2")
        return replace(spec, url=here.render_as_string(hide_password=False))
    kinds: dict[str, sa.types.TypeEngine[Any]] = {
        "date": sa.DateTime(), "integer": sa.Integer(), "number": sa.Numeric(12, 4),
        "json": sa.Text(), "text": sa.Text(),
    }  # fmt: skip
    engine = sa.create_engine(place)
    for table in load_contract().tables.values():
        target = sa.Table(
            table.name,
            sa.MetaData(),
            *[sa.Column(c.name, kinds.get(c.type, sa.String(255))) for c in table.columns],
        )
        names = [column.name for column in table.columns]
        with connect(ADMINISTRATOR, SOURCE) as source, engine.begin() as connection:
            target.create(connection)
            cursor = source.execute(
                sql.SQL("select {} from {}").format(
                    sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(table.name)
                )
            )
            while rows := cursor.fetchmany(5_000):
                connection.execute(
                    target.insert(), [dict(zip(names, row, strict=True)) for row in rows]
                )
    return replace(spec, url=place, schema=None)


def forget() -> None:
    """Take the benchmark's authority out of the warehouse again."""
    with connect(ADMINISTRATOR, "warehouse", autocommit=True) as warehouse:
        for schema in ("landing", "history"):
            for (name,) in warehouse.execute(
                "select relname from pg_class where relnamespace = %s::regnamespace"
                " and relname like %s and relkind = 'r'",
                (schema, f"%\\_\\_{AUTHORITY.lower()}%"),
            ).fetchall():
                warehouse.execute(sql.SQL("drop table {}").format(sql.Identifier(schema, name)))
        warehouse.execute("delete from ops.loads where authority = %s", (AUTHORITY,))
        warehouse.execute("delete from ops.sources where authority = %s", (AUTHORITY,))
        warehouse.execute("delete from ops.authorities where authority = %s", (AUTHORITY,))
    _drop_database(SOURCE)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--other", help="the address of an empty database; or: postgresql")
    asked = parser.parse_args()
    ready()
    forget()
    figures: LoadFigures | OtherFigures
    try:
        source = invented_source(asked.scale)
        if asked.other:
            figures = measure_other(source, copied(source, asked.other))
        else:
            nights = (dt.date(2024, 1, 1), dt.date(2024, 1, 2))
            figures = measure([source], nights, alter_one_in_a_thousand)
    finally:
        forget()
    print(f"{figures.rows:,} rows")
    if isinstance(figures, LoadFigures):
        print(f"peak {figures.peak_mb:.0f} MB")
    for what, seconds, ratio, budget in figures.lines():
        print(f"{what:52} {seconds:8.2f} s {ratio:6.2f}" + (f"  budget {budget}" if budget else ""))


if __name__ == "__main__":
    main()
