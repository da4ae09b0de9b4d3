"""Staging over dirty rows of a real warehouse: typed, trimmed, coded, and nothing ever fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from carepath.contract import load_contract
from carepath.contract.code_lists import load as load_code_lists
from carepath.landing import tables
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt

AUTHORITY = "E09900001"
FIRST, SECOND, HELD = date(2019, 6, 26), date(2019, 6, 27), date(2019, 6, 28)
MODELS = (
    "stg_care_leavers",
    "stg_care_leavers_versions",
    "stg_case_status",
    "stg_permanence",
    "stg_assessment_factors",
    "stg_placement_costs",
    "stg_sdq_scores",
)

Row = dict[str, Any]


def history(key: str, loads: tuple[int, int | None], **values: str | None) -> Row:
    """Return a version of a record of AUTHORITY, open or closed; nights follow the loads."""
    nights = {1: FIRST, 2: SECOND, 3: HELD, None: None}
    return {
        "authority": AUTHORITY,
        "record_key": key,
        "content_hash": 0,
        "known_from": nights[loads[0]],
        "known_to": nights[loads[1]],
        "from_load": loads[0],
        "to_load": loads[1],
        **values,
    }


CARE_LEAVERS = [
    history(
        "A1",
        (1, None),
        clea_person_id=" a1 ",
        clea_care_leaver_eligibility="b) Former relevant child",
        clea_care_leaver_in_touch="yes",
        clea_care_leaver_latest_contact="2019-05-01 00:00:00",
        clea_care_leaver_accommodation=" Semi-independent,  transitional\taccommodation",
        clea_care_leaver_accom_suitable="b) Not suitable",
        clea_care_leaver_activity="f1: Full time in higher education",
        clea_pathway_plan_review_date="1900-01-01 00:00:00",
        clea_care_leaver_allocated_team="t-1",
    ),
    history(
        "A2",
        (1, None),
        clea_person_id="A2",
        clea_care_leaver_eligibility="Relevant",
        clea_care_leaver_in_touch="MAYBE",
        clea_care_leaver_latest_contact="soon",
        clea_care_leaver_accommodation="Y - Other accommodation",
        clea_care_leaver_accom_suitable="",
        clea_care_leaver_activity="F1 F2",
        clea_pathway_plan_review_date="01/02/2019",
    ),
    history("A3", (1, 2), clea_person_id="A3", clea_care_leaver_activity="G5"),
    history("A3", (2, 3), clea_person_id="A3", clea_care_leaver_activity="F2"),
    history("A3", (3, None), clea_person_id="A3", clea_care_leaver_activity="F1"),
]
DATES = {
    "today": None,
    "43069": None,
    "31/02/2019": None,
    "02/29/2019": None,
    "1/2/19": None,
    "2019-06-30T13:45:00": date(2019, 6, 30),
    "30/06/2019 13:45": date(2019, 6, 30),
    " 1/2/2019": date(2019, 2, 1),
    "01/01/1900": None,
    "": None,
    "2024-07-01T00:30:00+01:00": date(2024, 7, 1),
    "2024-06-30T23:30:00Z": date(2024, 7, 1),
    "2024-06-30 23:30:00.123+00": date(2024, 7, 1),
    "30/06/2024 23:30+0000": date(2024, 7, 1),
    "2024-06-30T22:30:00z": date(2024, 6, 30),
    "2024-12-31T23:30:00Z": date(2024, 12, 31),
    "2024-12-31T23:30-05:00": date(2025, 1, 1),
    "2024-06-30T23:30+00": date(2024, 7, 1),
    "2024-06-30 23:30:00": date(2024, 6, 30),
    "2024-07-01T00:30:00+99:00": None,
    "2024-07-01T25:30:00Z": None,
}
COSTS = {
    "541.50": Decimal("541.50"),
    "1e3": Decimal(1000),
    " 7 ": Decimal(7),
    "0": Decimal(0),
    "100000": Decimal(100_000),
    "100000.01": None,
    "-0.01": None,
    "NaN": None,
    "nan": None,
    "Infinity": None,
    "-inf": None,
    "1e400": None,
    "1e200000": None,  # too large for PostgreSQL's numeric
    "\u00a3541": None,
    "": None,
}
SCORES = {
    "0": 0,
    "40": 40,
    "41": None,
    "-1": None,
    "2147483647": None,
    "99999999999": None,
    "NaN": None,
    "12.5": None,
    "12.0": 12,
    " 40.00 ": 40,
    "41.0": None,
    "12.": None,
    ".0": None,
    "": None,
}


@pytest.fixture(scope="module")
def staged(warehouse: None) -> Iterator[psycopg.Connection[Row]]:
    contract = load_contract()
    tables.ensure(contract)
    tables.ensure_authority(contract, AUTHORITY, contract.tables)
    with connect("carepath_owner") as owner:
        owner.execute("insert into ops.authorities values (%s, 'Invented Borough')", (AUTHORITY,))
        owner.execute("insert into ops.sources values ('dirty', %s, 'test')", (AUTHORITY,))
        for night in (FIRST, SECOND, HELD):
            owner.execute(
                "insert into ops.loads (source, authority, night, state)"
                " values ('dirty', %s, %s, 'loaded')",
                (AUTHORITY, night),
            )
        # the third load is in history, and held: staging shows the second
        owner.execute("insert into ops.cutoffs values (%s, 2, %s, 'test')", (AUTHORITY, SECOND))
        for row in CARE_LEAVERS:
            insert(owner, "ssd_care_leavers", row)
        for number, flag in enumerate(("Y", " no", "1", "?", "")):
            row = history(f"C{number}", (1, None), cass_children_with_disabilities_team=flag)
            insert(owner, "local_case_status", row)
        for number, text in enumerate(DATES):
            row = history(
                f"P{number}", (1, None), perm_matched_date=text, perm_number_of_adopters="two"
            )
            insert(owner, "ssd_permanence", row)
        for number, text in enumerate(COSTS):
            row = history(f"C{number}", (1, None), lpco_weekly_cost=text)
            insert(owner, "local_placement_costs", row)
        for number, text in enumerate(SCORES):
            row = history(f"S{number}", (1, None), csdq_sdq_score=text)
            insert(owner, "ssd_sdq_scores", row)
        for key, text in (("F1", '{"1A": "Y"}'), ("F2", "{1A: Y}")):
            row = history(key, (1, None), cinf_assessment_factors_json=text)
            insert(owner, "ssd_assessment_factors", row)
    run_dbt(["run", "--select", *MODELS], layer="staging")
    with connect("carepath_loader", row_factory=dict_row) as loader:
        yield loader


def insert(connection: psycopg.Connection[Any], table: str, row: Row) -> None:
    connection.execute(
        sql.SQL("insert into history.{} ({}) values ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        ),
        list(row.values()),
    )


def care_leaver(staged: psycopg.Connection[Row], key: str) -> Row:
    found = staged.execute(
        "select * from staging.stg_care_leavers where record_key = %s", (key,)
    ).fetchall()
    assert len(found) == 1
    return found[0]


def test_staging_dirty_row_is_trimmed_coded_and_typed(staged: psycopg.Connection[Row]) -> None:
    row = care_leaver(staged, "A1")
    assert row["person_id"] == "A1"
    assert row["team_id"] == "T-1"
    assert row["latest_contact_date"] == date(2019, 5, 1)
    codes = {name: value for name, value in row.items() if name.endswith("_code")}
    assert codes == {
        "eligibility_code": "F",
        "in_touch_code": "YES",
        "accommodation_code": "D",
        "suitability_code": "2",
        "activity_code": "F1",
    }
    assert row["activity_sent"] == "f1: Full time in higher education"
    # with its blanks, which rule CASE-01 reports where they surround a code
    assert row["accommodation_sent"] == " Semi-independent,  transitional\taccommodation"


def test_staging_sentinel_date_is_null_and_reported(staged: psycopg.Connection[Row]) -> None:
    row = care_leaver(staged, "A1")
    assert row["pathway_plan_review_date"] is None
    assert row["sentinel_columns"] == ["pathway_plan_review_date"]
    assert row["unreadable_columns"] == []


def test_staging_unknown_code_and_unreadable_date_are_null_and_reported(
    staged: psycopg.Connection[Row],
) -> None:
    row = care_leaver(staged, "A2")
    assert (row["in_touch_code"], row["in_touch_sent"]) == (None, "MAYBE")
    assert (row["activity_code"], row["activity_sent"]) == (None, "F1 F2")
    assert (row["suitability_code"], row["suitability_sent"]) == (None, None)
    assert row["accommodation_code"] == "Y"
    assert row["latest_contact_date"] is None
    assert row["pathway_plan_review_date"] == date(2019, 2, 1)
    assert row["unreadable_columns"] == ["latest_contact_date"]
    assert row["sentinel_columns"] == []


def test_staging_shows_the_version_of_the_cut_off(staged: psycopg.Connection[Row]) -> None:
    assert care_leaver(staged, "A3")["activity_code"] == "F2"


def test_staging_versions_end_as_they_did_at_the_cut_off(
    staged: psycopg.Connection[Row],
) -> None:
    found = staged.execute(
        "select activity_code, known_from, known_to, from_load, to_load"
        " from staging.stg_care_leavers_versions where record_key = 'A3' order by from_load"
    ).fetchall()
    assert [tuple(row.values()) for row in found] == [
        ("G5", FIRST, SECOND, 1, 2),
        ("F2", SECOND, None, 2, None),
    ]


def test_staging_date_reads_two_forms_and_nothing_else(staged: psycopg.Connection[Row]) -> None:
    found = {
        row["record_key"]: row for row in staged.execute("select * from staging.stg_permanence")
    }
    assert {text: found[f"P{n}"]["matched_date"] for n, text in enumerate(DATES)} == DATES
    unreadable = {text: found[f"P{n}"]["unreadable_columns"] for n, text in enumerate(DATES)}
    readable = {text for text, day in DATES.items() if day} | {"", "01/01/1900"}
    for text, columns in unreadable.items():
        assert columns == (
            ["adopter_count"] if text in readable else ["matched_date", "adopter_count"]
        )
    assert found["P8"]["sentinel_columns"] == ["matched_date"]


@pytest.mark.parametrize(
    ("model", "column", "key", "texts"),
    [
        ("stg_placement_costs", "weekly_cost", "C", COSTS),
        ("stg_sdq_scores", "sdq_score", "S", SCORES),
    ],
)
def test_staging_number_beyond_its_range_is_null_and_reported(
    staged: psycopg.Connection[Row], model: str, column: str, key: str, texts: dict[str, Any]
) -> None:
    rows = staged.execute(sql.SQL("select * from staging.{}").format(sql.Identifier(model)))
    found = {row["record_key"]: row for row in rows}
    read = {text: found[f"{key}{n}"][column] for n, text in enumerate(texts)}
    assert read == texts
    unreadable = {text: found[f"{key}{n}"]["unreadable_columns"] for n, text in enumerate(texts)}
    assert unreadable == {
        text: [] if value is not None or text == "" else [column] for text, value in texts.items()
    }


def test_staging_flag_and_json_that_cannot_be_read_are_null(
    staged: psycopg.Connection[Row],
) -> None:
    flags = staged.execute(
        "select is_children_with_disabilities_team as flag, unreadable_columns as unreadable"
        " from staging.stg_case_status"
        " order by record_key"
    ).fetchall()
    assert [row["flag"] for row in flags] == [True, False, True, None, None]
    unread = ["is_children_with_disabilities_team"]
    assert [row["unreadable"] for row in flags] == [[], [], [], unread, []]
    factors = staged.execute(
        "select assessment_factors_json as factors, unreadable_columns as unreadable"
        " from staging.stg_assessment_factors order by record_key"
    ).fetchall()
    assert factors == [
        {"factors": {"1A": "Y"}, "unreadable": []},
        {"factors": None, "unreadable": ["assessment_factors_json"]},
    ]


def test_staging_code_reads_every_spelling_as_python_does(
    staged: psycopg.Connection[Row],
) -> None:
    names = {"activity": "clea_care_leaver_activity", "in_touch": "clea_care_leaver_in_touch"}
    lists = {name: load_code_lists()[name] for name in names}
    texts = [
        form
        for codes in lists.values()
        for code in codes.codes
        for text in (code.code, code.description, *code.aliases)
        for form in (
            text,
            f"  {text.upper()} ",
            f"{text} - anything",
            f"{code.code} - anything",
            f"{code.code}: {text}",
        )
    ] + ["F", "F 1", "-", ":", "G5 -other", "x - F1", "F1 \u2013 Full time", "F1\u00a0"]
    with connect("carepath_owner") as owner:
        for number, text in enumerate(texts):
            row = history(f"S{number}", (1, None), **dict.fromkeys(names.values(), text))
            insert(owner, "ssd_care_leavers", row)
    found = staged.execute(
        "select record_key, activity_code, in_touch_code from staging.stg_care_leavers"
        " where record_key ~ '^S'"
    ).fetchall()
    staged_codes = {row["record_key"]: row for row in found}
    for name, codes in lists.items():
        assert {text: staged_codes[f"S{n}"][f"{name}_code"] for n, text in enumerate(texts)} == {
            text: codes.normalise(text) for text in texts
        }


def test_staging_as_known_at_builds_the_past_in_schemas_of_its_own(
    staged: psycopg.Connection[Row],
) -> None:
    with connect("carepath_owner") as owner:
        owner.execute("create schema staging_as_known_20190626 authorization carepath_loader")
    run_dbt(
        ["run", "--select", "stg_care_leavers", "stg_care_leavers_versions"],
        layer="staging",
        vars={"as_known_at": FIRST.isoformat()},
    )
    found = staged.execute(
        "select s.activity_code, v.activity_code as version_code, v.known_to"
        " from staging_as_known_20190626.stg_care_leavers as s"
        " inner join staging_as_known_20190626.stg_care_leavers_versions as v using (record_key)"
        " where record_key = 'A3'"
    ).fetchall()
    assert found == [{"activity_code": "G5", "version_code": "G5", "known_to": None}]
    assert care_leaver(staged, "A3")["activity_code"] == "F2"
