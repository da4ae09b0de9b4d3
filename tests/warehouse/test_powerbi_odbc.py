"""bi_reader through ODBC, as Power BI's gateway and Excel connect: look, preview, import, range."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from powerbi_marts import ASHMERE, EVENT_DAYS, fill

from carepath.powerbi.catalogue import read_catalogue
from carepath.powerbi.sources import SOURCES
from carepath.warehouse.connect import connect, parameters


@pytest.fixture(scope="module")
def reader(odbc_driver: str, warehouse: None) -> Iterator[Any]:
    import pyodbc

    with connect("carepath_owner", autocommit=True) as owner:
        fill(owner)
    found = parameters("bi_reader", "warehouse")
    connection = pyodbc.connect(
        f"Driver={{{odbc_driver}}};Server={found['host']};Port={found['port']};"
        f"Database={found['dbname']};Uid={found['user']};Pwd={{{found['password']}}}",
        readonly=True,
    )
    yield connection
    connection.close()


def test_navigator_lists_the_tables_with_their_columns_and_keys(reader: Any) -> None:
    marts = read_catalogue()
    cursor = reader.cursor()
    listed = {(row.table_schem, row.table_name) for row in cursor.tables(tableType="TABLE")}
    assert {("marts", source.mart) for source in SOURCES} <= listed
    for source in SOURCES:
        columns = [row.column_name for row in cursor.columns(schema="marts", table=source.mart)]
        assert columns == list(marts[source.mart].columns)
        assert cursor.primaryKeys(schema="marts", table=source.mart).fetchall()


def test_power_bi_finds_columns_and_keys_in_the_information_schema(reader: Any) -> None:
    """What its PostgreSQL connector asks for the list, and for each table that is chosen."""
    cursor = reader.cursor()
    listed = cursor.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema not in ('information_schema', 'pg_catalog')"
    ).fetchall()
    assert {row[0] for row in listed} == {"marts"}
    columns = cursor.execute(
        "select column_name, ordinal_position, is_nullable, data_type "
        "from information_schema.columns where table_schema = ? and table_name = ? "
        "order by table_schema, table_name, ordinal_position",
        ["marts", "kpi"],
    ).fetchall()
    assert [(row[0], row[3]) for row in columns[:2]] == [
        ("authority", "text"),
        ("as_at_date", "date"),
    ]
    keys = cursor.execute(
        "select ii.column_name, case when i.constraint_type = 'PRIMARY KEY' then 'Y' else 'N' end "
        "from information_schema.table_constraints as i "
        "inner join information_schema.key_column_usage as ii "
        "on i.constraint_schema = ii.constraint_schema "
        "and i.constraint_name = ii.constraint_name and i.table_name = ii.table_name "
        "where i.table_schema = ? and i.table_name = ? "
        "and i.constraint_type in ('PRIMARY KEY', 'UNIQUE') order by ii.ordinal_position",
        ["marts", "dim_segment"],
    ).fetchall()
    assert {tuple(row) for row in keys} == {
        ("authority", "Y"),
        ("segment", "Y"),
        ("authority", "N"),
        ("segment_code", "N"),
    }


def test_preview_and_import_give_the_rows_of_the_mart(reader: Any) -> None:
    cursor = reader.cursor()
    preview = cursor.execute('select * from "marts"."kpi" "$Table" limit 1000').fetchall()
    everything = cursor.execute(
        'select "_"."authority", "_"."as_at_date", "_"."measure_code", "_"."value", '
        '"_"."authority" || \'|\' || "_"."segment_code" as "segment_key" from "marts"."kpi" "_"'
    ).fetchall()
    with connect("bi_reader") as straight:
        wanted = straight.execute("select count(*), sum(value) from marts.kpi").fetchone()
    assert len(preview) == len(everything)
    assert (len(everything), sum(row.value for row in everything)) == wanted
    assert {type(row.as_at_date) for row in everything} == {date}
    assert (ASHMERE + "|open_cases") in {row.segment_key for row in everything}


def test_range_of_an_incremental_refresh_has_its_first_day_but_not_its_last(reader: Any) -> None:
    rows = (
        reader.cursor()
        .execute(
            'select "_"."event_date" from "marts"."fct_pathway_events" "_" '
            'where "_"."event_date" >= ? and "_"."event_date" < ? order by 1',
            [date(2019, 1, 1), date(2020, 1, 1)],
        )
        .fetchall()
    )
    assert [row[0] for row in rows] == list(EVENT_DAYS[1:3])


def test_figures_are_grouped_by_the_server(reader: Any) -> None:
    """What a visual of DirectQuery sends: a sum by a column of a related table."""
    rows = (
        reader.cursor()
        .execute(
            'select "t1"."title", sum("t0"."numerator") from "marts"."kpi" "t0" '
            'left outer join "marts"."dim_measure" "t1" '
            'on "t0"."measure_code" = "t1"."measure_code" '
            'where "t0"."is_total" and "t0"."as_at_date" = ? group by "t1"."title"',
            [date(2019, 9, 30)],
        )
        .fetchall()
    )
    assert {row[0]: row[1] for row in rows if row[1] is not None}.popitem()[1] > 0
    assert len(rows) == 3


@pytest.mark.parametrize(
    "statement",
    [
        "update marts.kpi set value = 0",
        "create table marts.copied as select * from marts.kpi",
        "select * from core.dim_young_person",
    ],
)
def test_bi_reader_can_only_read_marts(reader: Any, statement: str) -> None:
    import pyodbc

    with pytest.raises(pyodbc.Error, match=r"read-only|permission denied|does not exist"):
        reader.cursor().execute(statement)
    reader.rollback()
