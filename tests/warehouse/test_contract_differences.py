"""A live source against the contract: what is missing, extra or mistyped, and what to do."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from carepath.contract import load_contract
from carepath.contract.differences import SourceComparison, compare, family, require_kept
from carepath.errors import SourceError
from carepath.sources import SourceColumn, SourceSpec, open_source
from carepath.terminal.doctor import print_comparison
from carepath.warehouse.connect import connect, url

CONTRACT = load_contract()

# A person table without ethnicity and with a national insurance number; care leavers as text
# throughout and without an activity; episodes of the recording system's own; a Mosaic plan.
SOURCE = """
create schema other_source;
create table other_source."SSD_PERSON" (
    pers_person_id varchar(48), pers_sex varchar(20), pers_dob timestamp, pers_nino text,
    pers_gender varchar(10), pers_is_mother char(1)
);
create table other_source.ssd_care_leavers (
    clea_table_id uuid, clea_person_id varchar(48), clea_care_leaver_eligibility varchar(100),
    clea_care_leaver_in_touch varchar(100), clea_care_leaver_accommodation varchar(100),
    clea_care_leaver_accom_suitable varchar(100), clea_care_leaver_latest_contact varchar(20),
    clea_pathway_plan_review_date date
);
create table other_source.ssd_cin_plans (
    cin_plan_id varchar(48), cinp_referral_id integer, cinp_person_id numeric(9)
);
create table other_source.ssd_local_notes (note_id integer);
"""


@pytest.fixture(scope="module")
def described(warehouse: None) -> Iterator[dict[str, list[SourceColumn]]]:
    with connect("carepath_owner") as owner:
        owner.execute("create schema if not exists other_source authorization carepath_owner")
        owner.execute(SOURCE.replace("create schema other_source;", ""))
    spec = SourceSpec(
        name="other",
        authority="E09900009",
        authority_name="Invented Borough",
        url=url("carepath_owner", driver=""),
        schema="other_source",
    )
    with open_source(spec).open() as session:
        yield session.describe()


def found_in(report: SourceComparison) -> dict[tuple[str, str], tuple[str, bool, str]]:
    return {(f.table, f.column): (f.kind, f.stops, f.todo) for f in report.differences}


def test_compare_required_column_missing_breaks_the_contract(
    described: dict[str, list[SourceColumn]],
) -> None:
    report = compare(CONTRACT, described, "liquidlogic")
    assert not report.kept
    assert report.tables["ssd_person"].standing == "broken"
    assert found_in(report)["ssd_person", "pers_ethnicity"] == (
        "missing",
        True,
        "Add pers_ethnicity to ssd_person in the source.",
    )


def test_compare_required_table_missing_says_what_to_do(
    described: dict[str, list[SourceColumn]],
) -> None:
    kind, stops, todo = found_in(compare(CONTRACT, described, None))["ssd_cla_episodes", ""]
    assert (kind, stops) == ("missing", True)
    assert "Grant the reader account select on ssd_cla_episodes" in todo


def test_compare_partial_source_may_lack_required_tables(
    described: dict[str, list[SourceColumn]],
) -> None:
    report = compare(CONTRACT, described, None, is_partial=True)
    assert ("ssd_cla_episodes", "") not in found_in(report)
    assert report.tables["ssd_cla_episodes"].standing == "not delivered"


def test_compare_optional_column_missing_stops_nothing(
    described: dict[str, list[SourceColumn]],
) -> None:
    kind, stops, todo = found_in(compare(CONTRACT, described, None))["ssd_person", "pers_surname"]
    assert (kind, stops) == ("missing", False)
    assert todo == "Nothing. Without pers_surname, staging shows surname as null."


def test_compare_extra_column_is_told_and_not_read(
    described: dict[str, list[SourceColumn]],
) -> None:
    report = compare(CONTRACT, described, None)
    assert found_in(report)["ssd_person", "pers_nino"] == (
        "extra",
        False,
        "Nothing. It is not read.",
    )
    assert "pers_nino" not in report.tables["ssd_person"].columns.values()
    assert report.other_tables == ("ssd_local_notes",)


def test_compare_date_sent_as_text_is_mistyped(described: dict[str, list[SourceColumn]]) -> None:
    differences = found_in(compare(CONTRACT, described, None))
    kind, stops, todo = differences["ssd_care_leavers", "clea_care_leaver_latest_contact"]
    assert (kind, stops) == ("mistyped", False)
    assert "It is character varying(20); the contract says date" in todo
    assert "dd/mm/yyyy" in todo
    assert ("ssd_care_leavers", "clea_pathway_plan_review_date") not in differences
    assert ("ssd_care_leavers", "clea_table_id") not in differences


@pytest.mark.parametrize(
    ("sent", "says"),
    [("varbinary(16)", "arrive in hexadecimal"), ("float", "beyond 2^53 digits are lost"),
     ("bytea", "arrive in hexadecimal"), ("numeric(9,2)", None), ("uuid", None)],
)  # fmt: skip
def test_compare_ids_in_bytes_or_floats_are_named(sent: str, says: str | None) -> None:
    columns = [SourceColumn("cont_contact_id", sent)]
    found = found_in(compare(CONTRACT, {"ssd_contacts": columns}, None))
    todo = found.get(("ssd_contacts", "cont_contact_id"))
    assert says is None if todo is None else (says or "none") in todo[2]


def test_compare_vendor_spelling_maps_the_column(described: dict[str, list[SourceColumn]]) -> None:
    mosaic = compare(CONTRACT, described, "mosaic").tables["ssd_cin_plans"]
    assert mosaic.columns["cinp_cin_plan_id"] == "cin_plan_id"
    assert mosaic.standing == "kept"
    plain = found_in(compare(CONTRACT, described, None))
    assert plain["ssd_cin_plans", "cinp_cin_plan_id"][2] == (
        "mosaic calls it cin_plan_id. Set `spelling: mosaic` for the source."
    )


def test_compare_columns_keep_the_order_of_the_contract(
    described: dict[str, list[SourceColumn]],
) -> None:
    for name, table in compare(CONTRACT, described, None).tables.items():
        assert tuple(table.columns) == CONTRACT.tables[name].column_names


def test_compare_vendors_own_export_keeps_the_contract() -> None:
    for vendor in ("liquidlogic", "mosaic", "eclipse"):
        export = {
            table.name: [
                SourceColumn(c.spelling(vendor).name or c.name, c.spelling(vendor).type or "")
                for c in table.columns
                if not c.spelling(vendor).absent
            ]
            for table in CONTRACT.tables.values()
        }
        report = compare(CONTRACT, {name: cols for name, cols in export.items() if cols}, vendor)
        assert report.kept
        assert report.differences == ()


def test_require_kept_names_every_missing_piece(described: dict[str, list[SourceColumn]]) -> None:
    with pytest.raises(SourceError) as caught:
        require_kept(compare(CONTRACT, described, "mosaic"), "other")
    message = str(caught.value)
    assert message.startswith(
        "source other: The source does not keep the contract, because it has no "
    )
    for name in (
        "ssd_person.pers_ethnicity",
        "ssd_care_leavers.clea_care_leaver_activity",
        "ssd_cla_episodes",
    ):
        assert name in message
    assert "carepath doctor --source other" in message


def test_print_comparison_shows_differences_and_standing(
    described: dict[str, list[SourceColumn]],
) -> None:
    out = io.StringIO()
    print_comparison(Console(file=out, width=200), compare(CONTRACT, described, "mosaic"))
    text = out.getvalue()
    assert "pers_ethnicity" in text
    assert "missing, required" in text
    assert "Not read (1): ssd_local_notes" in text
    assert "As contracted (1): ssd_cin_plans" not in text  # its optional columns are missing
    assert "The contract is broken: 3 required parts missing." in text


@pytest.mark.parametrize(
    ("sql_type", "expected"),
    [
        ("character varying(48)", "text"),
        ("NVARCHAR(100)", "text"),
        ("nchar(1)", "text"),
        ("VARCHAR2(20)", "text"),
        ("timestamp without time zone", "date"),
        ("DATETIME2", "date"),
        ("date", "date"),
        ("int", "integer"),
        ("bigint", "integer"),
        ("int4", "integer"),
        ("interval", "other"),
        ("numeric(9)", "number"),
        ("double precision", "float"),
        ("BIT", "boolean"),
        ("jsonb", "json"),
        ("uniqueidentifier", "other"),
        ("", "unknown"),
    ],
)
def test_family_of_a_type_in_any_vendors_words(sql_type: str, expected: str) -> None:
    assert family(sql_type) == expected
