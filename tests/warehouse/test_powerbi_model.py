"""The Power BI model on a real PostgreSQL: its DAX equals SQL, and bi_reader sees the catalogue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from powerbi_marts import ASHMERE, COUNT, DATES, EET, MEAN, OTHER, fill
from powerbi_model import DaxModel

from carepath.powerbi.catalogue import read_catalogue
from carepath.powerbi.sources import SOURCES
from carepath.publish.comments import write_comments
from carepath.publish.tables import MartTable
from carepath.warehouse.connect import connect

LAST, YEAR_BEFORE = (dt.datetime.combine(date, dt.time()) for date in (DATES[-1], DATES[0]))


@pytest.fixture(scope="module")
def model(warehouse: None) -> Iterator[DaxModel]:
    with connect("carepath_owner", autocommit=True) as owner:
        fill(owner)
    with connect("bi_reader") as reader:
        yield DaxModel(reader)


def test_every_row_of_kpi_is_the_value_of_its_measure_date_and_segment(model: DaxModel) -> None:
    with connect("bi_reader") as reader:
        rows = reader.execute(
            "select authority, as_at_date, measure_code, segment, value from marts.kpi"
        ).fetchall()
    assert len(rows) == 38
    for authority, date, code, segment, value in rows:
        at = dt.datetime.combine(date, dt.time())
        found = model.value("Value", authority=authority, date=at, code=code, segment=segment)
        assert found == pytest.approx(float(value), abs=1e-6), (authority, date, code, segment)


def test_measure_of_a_figure_shows_its_total_at_the_last_date_without_any_filter(
    model: DaxModel,
) -> None:
    """Sums of three dates or of overlapping segments would be 3 to 9 times as high."""
    titles = {
        row[0]: row[1] for row in model.tables["Measures"]["rows"] for row in [(row[0], row[3])]
    }
    eet, entries = str(titles[EET]), str(titles[COUNT])
    found = model.values(
        [eet, entries, f"{eet}: numerator", f"{eet}: denominator", f"{eet}: target", "Value"],
        {"Authorities.Authority code": [ASHMERE]},
    )
    assert found == {
        eet: pytest.approx(46 / 89),
        entries: 32,
        f"{eet}: numerator": 46,
        f"{eet}: denominator": 89,
        f"{eet}: target": pytest.approx(0.6),
        "Value": None,
    }


def test_authorities_are_added_where_their_figures_can_be(model: DaxModel) -> None:
    assert model.value("Value", code=COUNT) == 64
    assert model.value("Value", code=EET) == pytest.approx((46 + 56) / (89 + 89))
    # the mean of two means would be a figure that neither authority has
    assert model.value("Value", code=MEAN) is None
    assert model.value("Value", code=MEAN, authority=OTHER) == pytest.approx(16.25)


def test_several_segments_are_not_added(model: DaxModel) -> None:
    segments = ["female", "male"]
    assert model.value("Value", code=EET, authority=ASHMERE, segment=segments) is None
    assert model.value(
        "Value", code=EET, authority=ASHMERE, segment=["female", "open cases"]
    ) == pytest.approx(46 / 89)


def test_segment_that_has_gone_is_blank_instead_of_an_earlier_figure(model: DaxModel) -> None:
    assert model.value("Value", code=EET, authority=ASHMERE, segment="all") is None
    assert model.value(
        "Value", code=EET, authority=ASHMERE, segment="all", date=YEAR_BEFORE
    ) == pytest.approx(0.5)


def test_year_before_target_and_england_stand_beside_the_value(model: DaxModel) -> None:
    found = model.values(
        [
            *("Value a year before", "Change in a year", "Target", "Left out", "Date shown"),
            *("England", "England date", "Value beside England"),
        ],
        {"Authorities.Authority code": [ASHMERE], "Measures.Measure code": [EET]},
    )
    assert found == {
        "Value a year before": pytest.approx(40 / 87),
        "Change in a year": pytest.approx(46 / 89 - 40 / 87),
        "Target": pytest.approx(0.6),
        "England": pytest.approx(0.54),
        "England date": dt.datetime.combine(DATES[-2], dt.time()),
        "Value beside England": pytest.approx(0.49),
        "Left out": 3,
        "Date shown": LAST,
    }
    of_women = {"code": EET, "authority": ASHMERE, "segment": "female"}
    assert model.value("England", **of_women) == pytest.approx(0.6)
    assert model.value("England", **of_women | {"segment": "male"}) is None


def test_reader_in_the_role_sees_own_authorities_only(model: DaxModel) -> None:
    readers = {"ann@council.example": [ASHMERE], "both@council.example": [ASHMERE, OTHER]}
    tables = ("Authorities", "As-at dates", "Segments")
    for user, wanted in (
        ("ann@council.example", {ASHMERE}),
        ("both@council.example", {ASHMERE, OTHER}),
        ("nobody@council.example", set()),
    ):
        found = model.permitted(readers, user)
        assert found.keys() == {*tables, "Teams", "Young people"}
        assert {table: found[table] for table in tables} == dict.fromkeys(tables, wanted)


def test_every_table_of_an_authority_is_in_reach_of_the_role(model: DaxModel) -> None:
    reached = {
        one["FromTable"] for one in model.relationships if one["ToTable"] == "Authorities"
    } | model.permitted({}, "nobody@council.example").keys()
    for table in model.described["tables"]:
        if "Authority code" in [column["name"] for column in table["columns"]]:
            assert table["name"] in reached | {"Readers"}


def test_bi_reader_sees_comments_and_keys(model: DaxModel) -> None:
    marts = read_catalogue()
    with connect("bi_reader") as reader:
        comments = dict(
            reader.execute(
                """
                select c.relname || '.' || a.attname, col_description(c.oid, a.attnum)
                from pg_class as c
                inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0
                where c.relnamespace = 'marts'::regnamespace and c.relkind = 'r'
                """
            ).fetchall()
        )
        tables = dict(
            reader.execute(
                """
                select relname, obj_description(oid, 'pg_class') from pg_class
                where relnamespace = 'marts'::regnamespace and relkind = 'r'
                """
            ).fetchall()
        )
        # what Power BI asks for when it opens the navigator
        keys = reader.execute(
            """
            select k.table_name, array_agg(k.column_name::text order by k.ordinal_position)
            from information_schema.table_constraints as c
            inner join information_schema.key_column_usage as k
                on
                    c.constraint_schema = k.constraint_schema
                    and c.constraint_name = k.constraint_name
                    and c.table_name = k.table_name
            where c.constraint_type = 'PRIMARY KEY' and c.table_schema = 'marts'
            group by k.table_name
            """
        ).fetchall()
    for source in SOURCES:
        assert tables[source.mart] == marts[source.mart].description
        for name, about in marts[source.mart].columns.items():
            assert comments[f"{source.mart}.{name}"] == about.description
    assert dict(keys).keys() == {source.mart for source in SOURCES}
    assert dict(keys)["kpi"] == ["authority", "as_at_date", "measure_code", "segment_code"]


def test_only_comments_that_changed_are_written(model: DaxModel) -> None:
    mart = MartTable(
        "dim_team", (), "Teams, in other words", {"gone": "a column that is not there"}
    )
    with connect("carepath_owner", autocommit=True) as owner:
        assert write_comments(owner, "marts", [mart]) == 1
        assert write_comments(owner, "marts", [mart]) == 0
