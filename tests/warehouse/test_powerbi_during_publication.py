"""bi_reader through ODBC and psycopg while the marts are published again and again.

Every number of a build is the number of that build. So a statement that reads two builds, or a
reader that waits, is noticed.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import powerbi_marts
import psycopg
import pytest
from psycopg import sql

from carepath.powerbi.catalogue import read_catalogue, read_figures
from carepath.powerbi.report import HEADLINES
from carepath.powerbi.visuals import CHOICES, visual_queries
from carepath.publish import MartTable, publish
from carepath.warehouse.connect import connect, parameters

ASHMERE = powerbi_marts.ASHMERE
NIGHT = dt.date(2019, 9, 30)
ROWS = 60
BUILDS = 6
WAITS_AT_MOST = "2s"  # a reader that waits for a publisher fails
FIGURES = {row["measure_code"]: row for row in read_figures()}
CODES = (*HEADLINES, *(code for code in FIGURES if code not in HEADLINES and "*" not in code))
MARTS = read_catalogue()
TABLES = [MartTable(name, key) for name, key in powerbi_marts.read_keys().items()]
IS_NUMBER = ("numeric", "integer", "bigint")


def numbers(mart: str) -> list[str]:
    """The columns that hold the number of the build: numbers that are no key and no order."""
    key = powerbi_marts.read_keys()[mart]
    return [
        name
        for name, about in MARTS[mart].columns.items()
        if about.type.startswith(IS_NUMBER) and name not in key and not name.endswith("_key")
    ]


def count(mart: MartTable) -> int:
    """How many rows a mart has: one, if it has one for each authority or date."""
    return ROWS if set(mart.key) - {"authority", "as_at_date"} else 1


def value(mart: str, column: str, type_: str, row: int) -> Any:
    """A cell of a row, apart from the numbers of the build."""
    if column == "measure_code":
        return CODES[row]
    if mart == "dim_measure" and column in FIGURES[CODES[row]]:
        return FIGURES[CODES[row]][column] or None
    if column == "event_type_code":
        return CHOICES[column] if row == 0 else f"event {row}"
    if column == "as_at_date":
        return NIGHT
    if type_ == "text":
        return ASHMERE if column == "authority" else f"{column} {row}"
    if type_ == "boolean":
        return True
    return NIGHT - dt.timedelta(days=row) if type_ == "date" else row


class Builds:
    """The marts of the model in marts_build, with one number in all of their numeric columns."""

    def __init__(self, owner: psycopg.Connection[Any], loader: psycopg.Connection[Any]) -> None:
        self.loader = loader
        owner.execute("insert into ops.authorities values (%s, 'Invented')", [ASHMERE])
        owner.execute("insert into ops.sources values ('ashmere', %s, 'demo')", [ASHMERE])
        self.load_id: int = owner.execute(
            "insert into ops.loads (source, authority, night) values ('ashmere', %s, %s)"
            " returning load_id",
            [ASHMERE, NIGHT],
        ).fetchall()[0][0]
        owner.cursor().executemany(
            "insert into ops.runs (run_id, night) values (%s, %s)",
            [(f"build {number}", NIGHT) for number in range(1, BUILDS + 1)],
        )
        for mart in TABLES:
            columns = {name: about.type for name, about in MARTS[mart.name].columns.items()}
            loader.execute(
                sql.SQL("create unlogged table marts_build.{} ({})").format(
                    sql.Identifier(mart.name),
                    sql.SQL(", ").join(
                        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(type_))
                        for name, type_ in columns.items()
                    ),
                )
            )
            loader.cursor().executemany(
                sql.SQL("insert into marts_build.{} values ({})").format(
                    sql.Identifier(mart.name),
                    sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
                ),
                [
                    [value(mart.name, *each, row) for each in columns.items()]
                    for row in range(count(mart))
                ],
            )

    def publish(self, number: int) -> None:
        """Put a number into all numeric columns, and publish."""
        with self.loader.transaction():
            for mart in TABLES:
                if named := numbers(mart.name):
                    self.loader.execute(
                        sql.SQL("update marts_build.{} set {}").format(
                            sql.Identifier(mart.name),
                            sql.SQL(", ").join(
                                sql.SQL("{} = {}").format(sql.Identifier(name), number)
                                for name in named
                            ),
                        )
                    )
        publish(f"build {number}", ASHMERE, self.load_id, NIGHT, TABLES)


@pytest.fixture(scope="module")
def builds(warehouse: None) -> Iterator[Builds]:
    with (
        closing(connect("carepath_owner", autocommit=True)) as owner,
        closing(connect("carepath_loader", autocommit=True)) as loader,
    ):
        found = Builds(owner, loader)
        found.publish(1)
        yield found


Ask = Callable[[str], list[Any]]


def one_number(rows: list[Any], columns: list[int]) -> int:
    """The number of the build, which must be the same in all cells."""
    (found,) = {int(row[place]) for row in rows for place in columns}
    return found


def look_and_import(ask: Ask) -> set[int]:
    """Send what the navigator, a preview, an import and an incremental refresh send, once each.

    Returns:
        The builds that were seen.
    """
    listed = ask(
        "select table_schema, table_name from information_schema.tables"
        " where table_schema not in ('information_schema', 'pg_catalog')"
    )
    assert {("marts", mart.name) for mart in TABLES} <= {tuple(row) for row in listed}
    seen = set()
    for mart in TABLES:
        names = list(MARTS[mart.name].columns)
        held = [names.index(name) for name in numbers(mart.name)]
        columns = ask(
            "select column_name from information_schema.columns where table_schema = 'marts'"
            f" and table_name = '{mart.name}' order by ordinal_position"
        )
        assert [row[0] for row in columns] == names
        preview = ask(f'select * from "marts"."{mart.name}" "$Table" limit 1000')
        chosen = ", ".join(f'"_"."{name}"' for name in names)
        rows = ask(f'select {chosen} from "marts"."{mart.name}" "_"')
        assert len(preview) == len(rows) == count(mart)
        if held:
            seen |= {one_number(preview, held), one_number(rows, held)}
    events = list(MARTS["fct_pathway_events"].columns)
    ranged = ask(
        'select * from "marts"."fct_pathway_events" "_" where "_"."event_date" >='
        " '2019-09-01' and \"_\".\"event_date\" < '2019-10-01'"
    )
    assert len(ranged) == 30
    return seen | {one_number(ranged, [events.index("days_to_next")])}


def show_visuals(ask: Ask) -> set[int]:
    """Send the queries of every visual; the least and the largest number of a group are one."""
    seen = set()
    with_rows = 0
    for query in visual_queries():
        rows = ask(query.statement)
        with_rows += bool(rows and any(cell is not None for cell in rows[0]))
        selected = query.statement.partition("\nfrom ")[0].split(", ")
        for place, said in enumerate(selected):
            if said.startswith("min(") and selected[place + 1] == said.replace("min(", "max("):
                cells = [row for row in rows if row[place] is not None]
                seen |= {one_number([row], [place, place + 1]) for row in cells}
    assert with_rows > 100
    return seen


def through_odbc(driver: str) -> tuple[Ask, Callable[[], None]]:
    import pyodbc

    found = parameters("bi_reader", "warehouse")
    connection = pyodbc.connect(
        f"Driver={{{driver}}};Server={found['host']};Port={found['port']};"
        f"Database={found['dbname']};Uid={found['user']};Pwd={{{found['password']}}}",
        readonly=True,
        autocommit=True,
    )
    connection.execute(f"set statement_timeout = '{WAITS_AT_MOST}'")
    return lambda statement: connection.execute(statement).fetchall(), connection.close


def through_psycopg(_: str) -> tuple[Ask, Callable[[], None]]:
    connection = connect("bi_reader", autocommit=True)
    connection.execute(f"set lock_timeout = '{WAITS_AT_MOST}'")
    return lambda statement: connection.execute(statement).fetchall(), connection.close


@pytest.mark.parametrize("client", [through_odbc, through_psycopg])
@pytest.mark.parametrize("read", [look_and_import, show_visuals])
def test_reader_sees_whole_sets_and_never_waits(
    builds: Builds, odbc_driver: str, client: Any, read: Callable[[Ask], set[int]]
) -> None:
    ask, close = client(odbc_driver)
    read(ask)  # what the two need to know is in memory
    is_done, errors = threading.Event(), []

    def publish_all() -> None:
        try:
            for number in (*range(2, BUILDS + 1), 1):
                builds.publish(number)
        except Exception as error:
            errors.append(error)
        finally:
            is_done.set()

    publisher = threading.Thread(target=publish_all)
    publisher.start()
    seen: set[int] = set()
    try:
        while not is_done.is_set():
            seen |= read(ask)
    finally:
        publisher.join()
        close()
    assert not errors
    assert len(seen) > 2, seen  # it read while builds changed


def test_one_transaction_sees_one_set_of_all_tables(builds: Builds) -> None:
    """What a reader does who must not mix two sets, such as the desk."""
    with connect("bi_reader") as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        before = look_and_import(lambda statement: reader.execute(statement).fetchall())
        builds.publish(3)
        after = look_and_import(lambda statement: reader.execute(statement).fetchall())
    assert before == after
    assert len(before) == 1
    builds.publish(1)
