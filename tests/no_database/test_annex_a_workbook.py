"""An Annex A workbook, as departments really write it, becomes tables of the contract."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import pytest
from annex_a_workbooks import LISTS, open_files, write_workbook
from ssda903_returns import EPISODES, HEADER, OC3, read_copy, write_return

from carepath.annex_a.lists import LISTS as WRITTEN
from carepath.contract.model import load_contract
from carepath.errors import DeliveryError
from carepath.sources.annex_a.layout import load_layout
from carepath.sources.annex_a.source import load_mapping
from carepath.sources.delivered import MalformedFilesError
from carepath.sources.files import FilesSession


def sent(session: FilesSession, table: str, *columns: str) -> list[list[str | None]]:
    return read_copy(b"".join(session.stream(load_contract().tables[table], columns)))


def refused(path: Path) -> list[tuple[str, int, str, str]]:
    with pytest.raises(MalformedFilesError) as caught:
        open_files(path)
    assert "ASH0" not in str(caught.value)
    return [(e.file, e.line, e.column, e.message) for e in caught.value.errors]


def test_lists_fill_the_tables_of_the_contract(tmp_path: Path) -> None:
    session = open_files(write_workbook(tmp_path / "lists.xlsx"))
    people = sent(session, "ssd_person", "pers_person_id", "pers_sex", "pers_dob", "pers_ethnicity")
    assert people == [
        ["ASH001", "F", "2010-05-14", "WBRI"],
        ["ASH002", "F", "2010-05-14", "WBRI"],
        ["ASH009", "M", "2003-01-02", "WIRI"],
    ]
    # the referral of list 3 and the episode of list 6 are one record
    assert sent(
        session, "ssd_cin_episodes", "cine_referral_id", "cine_referral_source_code",
        "cine_referral_nfa", "cine_cin_primary_need_code", "cine_close_date",
    ) == [["ASH001-2023-09-02", "6", "N", "N1", None]]  # fmt: skip
    assert sent(session, "ssd_disability", "disa_person_id", "disa_disability_code") == [
        ["ASH001", "NONE"]
    ]
    assert sent(
        session, "ssd_care_leavers", "clea_person_id", "clea_care_leaver_eligibility",
        "clea_care_leaver_in_touch", "clea_care_leaver_accommodation",
        "clea_care_leaver_accom_suitable", "clea_care_leaver_activity",
        "clea_care_leaver_personal_advisor",
    ) == [["ASH009", "F", "YES", "Y", "1", "F1", "PA One"]]  # fmt: skip
    assert session.notes() == []
    assert (session.period, session.is_partial) == (None, True)
    assert "ssd_cp_plans" not in session.describe()


def test_a_sheet_may_have_another_name_order_and_lines_above(tmp_path: Path) -> None:
    (head, *rows) = LISTS["Contacts"]
    moved = [
        ("Ashmere children's services", "", ""),
        (),
        tuple(reversed(head)),
        *(tuple(reversed(row)) for row in rows),
        ("", "", ""),
    ]
    right = open_files(write_workbook(tmp_path / "a.xlsx", {"List 1": LISTS["Contacts"]}))
    session = open_files(write_workbook(tmp_path / "b.dat", {"Cover": [("x",)], "7": moved}))
    columns = load_contract().tables["ssd_contacts"].column_names
    assert sent(session, "ssd_contacts", *columns) == sent(right, "ssd_contacts", *columns)
    assert [str(note) for note in session.notes()] == [
        "b.dat, sheet Cover: The sheet was not read: it has no headings of a list of Annex A."
    ]


def contacts(**changed: Any) -> dict[str, Any]:
    """Return list 1 with cells of its first child replaced by heading."""
    head, first, second = LISTS["Contacts"]
    row = [changed.get(name.split()[0], cell) for name, cell in zip(head, first, strict=True)]
    return {"List 1": [head, row, second]}


@pytest.mark.parametrize(
    ("changed", "column", "message"),
    [
        ({"Child": ""}, "child", "blank"),
        ({"Child": "3.98E+05"}, "child", "rewritten the id"),
        ({"Child": 1.5}, "child", "rounded the id"),
        ({"Child": 1e16}, "child", "rounded the id"),
        ({"Child": "#N/A"}, "child", "error here"),
        ({"Date": "05/14/2010"}, "born", "not a date"),
        ({"Date": 36294}, "born", "not a date"),
        ({"Date": "1899-05-14"}, "born", "not a date"),
        ({"Contact": "#REF!"}, "contact source", "error here"),
        ({"Contact": "x" * 600}, "contact source", "longer than 500"),
    ],
)
def test_a_cell_that_leaves_a_doubt_refuses_the_workbook(
    tmp_path: Path, changed: dict[str, Any], column: str, message: str
) -> None:
    errors = refused(write_workbook(tmp_path / "lists.xlsx", contacts(**changed)))
    assert (errors[0][0], errors[0][1]) == ("lists.xlsx, sheet List 1", 2)
    assert any(column == each[2] and message in each[3] for each in errors)


def test_numbers_and_text_that_leave_no_doubt_are_read(tmp_path: Path) -> None:
    changed = contacts(Child=9212044, Date="14/05/2010", Contact="6 - Police", Gender="1 - Male")
    session = open_files(write_workbook(tmp_path / "lists.xlsx", changed))
    found = sent(session, "ssd_person", "pers_person_id", "pers_dob", "pers_sex")
    assert found[0] == ["9212044", "2010-05-14", "M"]
    assert sent(session, "ssd_contacts", "cont_contact_source_code")[0] == ["6"]


def test_words_without_a_code_stay_as_sent_with_a_note(tmp_path: Path) -> None:
    session = open_files(write_workbook(tmp_path / "lists.xlsx", contacts(Contact="Councillor X")))
    assert sent(session, "ssd_contacts", "cont_contact_source_code")[0] == ["Councillor X"]
    (note,) = session.notes()
    assert (note.line, note.column) == (2, "contact source")


def test_a_list_without_a_column_or_twice_is_refused(tmp_path: Path) -> None:
    head, *rows = LISTS["Care leavers"]
    without = [row[:-1] for row in (head, *rows)]
    ((_, line, _, message),) = refused(write_workbook(tmp_path / "a.xlsx", {"9": without}))
    assert line == 1
    assert "needs a column for the activity" in message
    other = {
        "1": LISTS["Contacts"],
        "copy": LISTS["Contacts"],
        "more": contacts(Gender="M")["List 1"],
    }
    ((file, _, _, message),) = refused(write_workbook(tmp_path / "b.xlsx", other))
    assert file.endswith("sheet more")
    assert "also list 1" in message


def test_rows_that_contradict_each_other_are_noted(tmp_path: Path) -> None:
    lists = {**LISTS, "Contacts": contacts(Date=dt.date(2011, 1, 1))["List 1"]}
    session = open_files(write_workbook(tmp_path / "lists.xlsx", lists))
    assert {(note.file[-9:], note.column) for note in session.notes()} == {
        ("Referrals", "Date of birth"), ("sheet CIN", "Date of birth"),
    }  # fmt: skip
    assert sent(session, "ssd_person", "pers_dob")[0] == ["2011-01-01"]


def test_a_damaged_workbook_is_refused(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "lists.xlsx")
    path.write_bytes(path.read_bytes()[:-40])
    ((_, _, _, message),) = refused(path)
    assert "damaged" in message


def test_the_lists_that_carepath_writes_are_recognised() -> None:
    from carepath.sources.annex_a.reading import _near

    for written in WRITTEN:
        near = _near(written.headings)
        assert near is not None
        assert near[0].number == written.number
        assert all(near[1]), [h for h, f in zip(written.headings, near[1], strict=True) if not f]


def test_every_field_of_the_mapping_is_on_its_lists() -> None:
    contract = load_contract().tables
    for table, parts in load_mapping().items():
        for part in parts:
            assert set(part.columns) <= set(contract[table].column_names), table
            for number in part.lists:
                fields = {field.name for field in load_layout().lists[number].fields}
                read = {name for rule in part.columns.values() for name in rule.reads}
                if len(part.lists) == 1:
                    assert {*read, *part.filled, *part.where} <= fields, table


def test_files_of_several_kinds_are_one_source(tmp_path: Path) -> None:
    folder = write_return(tmp_path / "all")
    write_workbook(folder / "lists.xlsx")
    session = open_files(folder)
    assert session.period == "2018"
    people = sent(session, "ssd_person", "pers_person_id", "pers_sex")
    # ASH001 and ASH002 are as the return has them, ASH009 comes from the workbook
    assert people == [["ASH001", "1"], ["ASH002", "2"], ["ASH003", "1"], ["ASH009", "M"]]
    leavers = sent(session, "ssd_care_leavers", "clea_person_id")
    assert leavers == [["ASH001"], ["ASH002"]]
    assert len(sent(session, "ssd_contacts", "cont_contact_id")) == 2
    assert "ssd_cla_episodes" in session.accumulates
    assert "ssd_contacts" not in session.accumulates
    assert [str(note) for note in session.notes()] == [
        "Annex A: ssd_care_leavers comes from SSDA903 return and not from Annex A as well."
    ]


def test_a_zip_of_several_kinds_says_the_same_as_the_folder(tmp_path: Path) -> None:
    folder = write_return(tmp_path / "all")
    write_workbook(folder / "lists.xlsx")
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in folder.iterdir():
            file.write(path, path.name)
    one, other = open_files(folder), open_files(archive)
    assert one.describe() == other.describe()
    for name in one.describe():
        columns = load_contract().tables[name].column_names
        assert sent(one, name, *columns) == sent(other, name, *columns)


def test_files_of_no_known_kind_are_refused(tmp_path: Path) -> None:
    write_workbook(tmp_path / "costs.xlsx", {"Costs": [("Team", "Pounds"), ("North", 12)]})
    ((_, _, _, message),) = refused(tmp_path)
    assert "No file of a kind" in message
    (tmp_path / "oc3.csv").write_text(OC3)
    with pytest.raises(DeliveryError, match="has no Header file"):
        open_files(tmp_path)
    (tmp_path / "header.csv").write_text(HEADER)
    (tmp_path / "episodes.csv").write_text(EPISODES)
    assert [note.file for note in open_files(tmp_path).notes()] == ["costs.xlsx"]


def test_the_published_sample_is_read(shared_dir: Path) -> None:
    session = open_files(shared_dir / "samples" / "annex_a" / "Annex_A_2024_Jan.xlsx")
    counts = {
        name: len(b"".join(session.stream(load_contract().tables[name], ["x"])).splitlines())
        for name in session.describe()
    }
    assert counts["ssd_contacts"] == counts["ssd_cin_assessments"] == 5
    assert (counts["ssd_cp_plans"], counts["ssd_care_leavers"], counts["ssd_person"]) == (7, 6, 48)
    leavers = sent(
        session, "ssd_care_leavers", "clea_care_leaver_in_touch", "clea_care_leaver_eligibility",
        "clea_care_leaver_accommodation",
    )  # fmt: skip
    assert {tuple(row) for row in leavers} <= {
        ("YES", "F", code) for code in (None, *load_layout().codes["accommodation"].codes)
    }


def test_a_census_beside_a_return_fills_other_tables_and_adds_people(
    tmp_path: Path, shared_dir: Path
) -> None:
    census = shared_dir / "samples" / "cin_census" / "CIN_Census_2024.xml"
    folder = write_return(tmp_path / "all")
    (folder / "census").write_bytes(census.read_bytes())
    session = open_files(folder, 2018)
    described = session.describe()
    assert {"ssd_cla_episodes", "ssd_cin_episodes", "ssd_person"} <= described.keys()
    people = [row[0] for row in sent(session, "ssd_person", "pers_person_id")]
    assert people[:3] == ["ASH001", "ASH002", "ASH003"]
    assert len(people) > 3
    assert len(sent(session, "ssd_cin_episodes", "cine_referral_id")) > 0
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    zipped = open_files(tmp_path / "all.zip", 2018)
    assert zipped.describe() == described
    assert [row[0] for row in sent(zipped, "ssd_person", "pers_person_id")] == people
