"""A census file becomes tables of the contract. What is wrong in it has a line and an element."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from cin_censuses import CHILD, SECOND, census, line_of, open_census, write_census
from lxml import etree
from ssda903_returns import read_copy

from carepath.contract.model import load_contract
from carepath.errors import DeliveryError, SettingsError, SourceError
from carepath.sources import find_source
from carepath.sources.cin_census import CinCensusSession
from carepath.sources.cin_census.checking import MalformedCensusError
from carepath.sources.cin_census.layout import DATES, MODULES
from carepath.sources.cin_census.mapping import MAPPING, load_mapping, read_mapping
from carepath.sources.cin_census.schema import CENSUS, schema_of
from carepath.sources.cin_census.source import parse_url
from carepath.sources.delivered import MOST_NOTES_PER_FILE

YEARS = range(2021, 2027)


def delivered(session: CinCensusSession, table: str, *columns: str) -> list[list[str | None]]:
    """Return some columns of a contract table as the session streams them."""
    return read_copy(b"".join(session.stream(load_contract().tables[table], columns)))


def notes_on(tmp_path: Path, text: str, query: str = "") -> list[str]:
    """Return a census's notes, without those on elements that have no place."""
    session = open_census(write_census(tmp_path / "c.xml", text), query)
    return [str(note) for note in session.notes() if "has no place" not in note.message]


def test_stream_fills_every_table_of_the_contract(tmp_path: Path) -> None:
    session = open_census(write_census(tmp_path / "c.xml", census()))
    assert session.period == "2026"
    assert set(session.describe()) == set(load_mapping())
    assert delivered(
        session, "ssd_person", "pers_person_id", "pers_sex", "pers_dob", "pers_upn",
        "pers_upn_unknown", "pers_expected_dob",
    ) == [
        ["ASH001", "F", "2012-05-14", "A100000000001", None, None],
        ["ASH002", "U", None, None, "UN1", "2026-05-01"],
    ]  # fmt: skip
    assert delivered(session, "ssd_disability", "disa_person_id", "disa_disability_code") == [
        ["ASH001", "HAND"],
        ["ASH001", "HEAR"],
    ]
    first, second = "ASH001-2025-05-06", "ASH002-2026-03-01"
    assert delivered(
        session, "ssd_cin_episodes", "cine_referral_id", "cine_person_id",
        "cine_cin_primary_need_code", "cine_referral_source_code", "cine_referral_nfa",
        "cine_close_reason", "cine_close_date",
    ) == [
        [first, "ASH001", "N1", "5D", "0", "RC7", "2026-02-27"],
        [second, "ASH002", None, "3A", "1", None, None],
    ]  # fmt: skip
    assert delivered(
        session, "ssd_assessment_factors", "cinf_assessment_id", "cinf_assessment_factors_json"
    ) == [[f"{first}-2025-05-06", '["1C", "6B"]']]
    assert delivered(
        session, "ssd_s47_enquiry", "s47e_s47_enquiry_id", "s47e_s47_outcome_json"
    ) == [
        [f"{first}-2025-06-25", '{"CP_CONFERENCE_FLAG": "Y"}'],
        [f"{first}-2025-10-01", '{"CP_CONFERENCE_FLAG": "N"}'],
    ]
    assert delivered(
        session, "ssd_initial_cp_conference", "icpc_icpc_id", "icpc_s47_enquiry_id",
        "icpc_icpc_target_date", "icpc_icpc_date",
    ) == [
        [first, None, None, "2025-09-01"],
        [f"{first}-2025-06-25", f"{first}-2025-06-25", "2025-07-16", "2025-07-01"],
    ]  # fmt: skip
    plan = f"{first}-2025-07-01"
    assert delivered(
        session, "ssd_cp_plans", "cppl_cp_plan_id", "cppl_referral_id",
        "cppl_cp_plan_initial_category", "cppl_cp_plan_latest_category",
    ) == [[plan, first, "PHY", "NEG"]]  # fmt: skip
    assert delivered(
        session, "ssd_cp_reviews", "cppr_cp_review_id", "cppr_cp_plan_id", "cppr_cp_review_date"
    ) == [
        [f"{plan}-2025-09-20", plan, "2025-09-20"],
        [f"{plan}-2026-01-14", plan, "2026-01-14"],
    ]
    assert delivered(
        session, "ssd_pre_proceedings", "prep_person_id", "prep_pre_pro_decision_date",
        "prep_pre_pro_outcome", "prep_pre_pro_meetings_num",
    ) == [["ASH001", "2025-11-03", "A", "3"]]  # fmt: skip


def test_census_names_what_has_no_place_and_nothing_else(tmp_path: Path) -> None:
    session = open_census(write_census(tmp_path / "c.xml", census()))
    assert [str(note) for note in session.notes()] == [
        "c.xml, column NumberOfPreviousCPP: Carepath has no place for this element here, so it"
        " does not keep 1 value."
    ]


@pytest.mark.parametrize(
    ("old", "new", "element", "says"),
    [
        ("<Sex>F<", "<Sex>1<", "Sex", "not a code of the census of 2026"),
        ("2025-05-06</CIN", "2025-02-30</CIN", "CINreferralDate", "not a date"),
        ("<ReferralNFA>0</ReferralNFA>", "", "ChildProtectionPlans", "Expected: Re|ReferralNFA"),
        ("<UPN>A1", "<UPN>11", "UPN", "does not have the form"),
        ("<UPN>", "stray<UPN>", "ChildIdentifiers", "text between the elements"),
        ("<Ethnicity>WBRI</Ethnicity>", "", "Disabilities", "does not belong here"),
        (">3</ReviewM", ">x</ReviewM", "ReviewMeetingsCount", "does not have the form"),
        ("<Section47>", "<Section48/><Section47>", "Section48", "does not belong here"),
    ],
)
def test_violation_is_a_note_with_line_and_element_and_the_record_is_read(
    tmp_path: Path, old: str, new: str, element: str, says: str
) -> None:
    assert old in CHILD
    text = census(CHILD.replace(old, new, 1), SECOND)
    session = open_census(write_census(tmp_path / "c.xml", text))
    notes = [note for note in session.notes() if "has no place" not in note.message]
    assert [(note.file, note.column) for note in notes] == [("c.xml", element)]
    assert notes[0].line == line_of(text, f"<{element}")
    assert re.search(says, notes[0].message)
    assert len(delivered(session, "ssd_person", "pers_person_id")) == 2
    assert len(delivered(session, "ssd_cp_plans", "cppl_cp_plan_id")) == 1


def test_note_has_the_right_line_far_down_in_a_file(tmp_path: Path) -> None:
    children = ["\n" * 30 + SECOND.replace("ASH002", f"ASH{number:06}") for number in range(2500)]
    children[-1] = children[-1].replace("NOBT", "QQQQ")
    text = census(*children)
    assert line_of(text, "QQQQ") > 100_000  # the parser's own numbers end at 65,535 by default
    assert notes_on(tmp_path, text) == [
        f"c.xml, line {line_of(text, 'QQQQ')}, column Ethnicity: The value is not a code of the"
        " census of 2026. Correct it."
    ]


def test_notes_never_quote_a_value_and_have_a_limit(tmp_path: Path) -> None:
    children = [
        SECOND.replace("ASH002", f"SECRET{number}").replace(">3A<", ">SECRET<")
        for number in range(MOST_NOTES_PER_FILE + 5)
    ]
    notes = notes_on(tmp_path, census(*children))
    assert len(notes) == MOST_NOTES_PER_FILE + 1
    assert notes[0] == "c.xml: 5 more notes are left out."
    assert "SECRET" not in "".join(notes)


SECTION_47 = "<Section47><S47ActualStartDate>2025-06-25</S47ActualStartDate></Section47>"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha" * 50}">' for n in range(10))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "c.xml: The file is empty, or is not XML"),
        ("CHILD,DOB\n1,2\n", "line 1: The file is empty, or is not XML|not well formed"),
        (census()[:900], "not well formed here, or the file is cut off"),
        (census().replace("</Sex>", "</Sexx>", 1), "line 19: The XML is not well formed"),
        (census().replace("Message", "Report"), "the first element must be Message"),
        (census().replace("<Message>", '<Message xmlns="urn:x">'), "without a namespace"),
        (census("<!-- none -->"), "column Child: The census has no child"),
        (census(CHILD.replace("ASH001", " ")), "line 14, column LAchildID: The child's id is"),
        (census(CHILD.replace("ASH001", "3.98E+05")), "line 14, .*A spreadsheet has rewritten"),
        (
            census(CHILD.replace("<UPN>", "<LAchildID>ASH003</LAchildID><UPN>")),
            "line 14, column LAchildID: The child has more than one id",
        ),
        (
            census(CHILD.replace("</ChildIdentifiers>", f"{SECTION_47}</ChildIdentifiers>")),
            "column Section47: The record is inside the wrong record",
        ),
        (
            census().replace("<Children>", f"<Children>{SECTION_47}"),
            "line 13, column S47ActualStartDate: The element is outside a Child",
        ),
        (
            census().replace("</Message>", f"{SECTION_47}</Message>"),
            "column S47ActualStartDate: The element is outside a Child",
        ),
        (
            census(CHILD.replace("      <ChildIdentifiers>", SECOND + "      <ChildIdentifiers>")),
            "column Child: The record is inside the wrong record",
        ),
        (census().replace(">CIN<", ">CLA<"), "line 5, column Collection: This is a return of an"),
        (census().replace("2026-03-31", "").replace(">2026<", "><"), "does not say the collection"),
        (census().replace("UTF-8", "no-such"), "not in the encoding"),
        (census().encode().replace(b"ASH001", b"\xff\xfe"), "not in the encoding"),
        (census().replace("<Message>", "<!DOCTYPE Message []><Message>"), "a document type"),
        (
            census().replace("<Message>", f"<!DOCTYPE Message [{LAUGHS}]><Message a='&l9;'>"),
            "document type|not well formed",
        ),
    ],
)
def test_file_that_is_not_a_census_is_refused_with_the_reason(
    tmp_path: Path, content: str | bytes, says: str
) -> None:
    path = write_census(tmp_path / "c.xml", content)
    with pytest.raises(MalformedCensusError, match=says) as caught:
        open_census(path)
    assert "ASH00" not in str(caught.value)


def test_entity_that_names_a_file_is_not_read(tmp_path: Path) -> None:
    secret = write_census(tmp_path / "secret.txt", "SECRET")
    doctype = f'<!DOCTYPE Message [<!ENTITY x SYSTEM "{secret.as_uri()}">]><Message>'
    text = census().replace("<Message>", doctype).replace("ASH001", "&x;")
    with pytest.raises(MalformedCensusError, match="declares a document type"):
        open_census(write_census(tmp_path / "c.xml", text))


def test_census_is_found_by_what_it_holds_in_a_folder_or_a_zip(tmp_path: Path) -> None:
    write_census(tmp_path / "folder" / "census of the year", census())
    write_census(tmp_path / "folder" / "read me.txt", "x")
    session = open_census(tmp_path / "folder")
    assert [each.path.name for each in session.checked.files] == ["census of the year"]
    assert "read me.txt: The file was not read, because it is not an XML file." in map(
        str, session.notes()
    )
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("inner/census.xml", census())
    children = delivered(session, "ssd_person", "pers_person_id")
    assert delivered(open_census(tmp_path / "c.zip"), "ssd_person", "pers_person_id") == children


def test_census_in_a_link_out_of_the_folder_or_in_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    outside = write_census(tmp_path / "outside.xml", census())
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "census.xml").symlink_to(outside)
    with pytest.raises(MalformedCensusError, match="The link leads out of the folder"):
        open_census(tmp_path / "folder")
    long = census("".join(CHILD.replace("ASH001", f"ASH{n:06}") for n in range(3_000)))
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("census.xml", long)
    data = bytearray((tmp_path / "c.zip").read_bytes())
    data[-10_000] ^= 1  # the checksum shows it at the end of the file
    (tmp_path / "c.zip").write_bytes(data)
    with pytest.raises(MalformedCensusError, match="cannot be read, or is damaged"):
        open_census(tmp_path / "c.zip")


def test_missing_place_folder_without_xml_and_two_years_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedCensusError, match="no such file or folder"):
        open_census(tmp_path / "none.xml")
    write_census(tmp_path / "a" / "notes.txt", "x")
    with pytest.raises(MalformedCensusError, match="a: It holds no XML file"):
        open_census(tmp_path / "a")
    for year in (2025, 2026):
        write_census(tmp_path / "b" / f"{year}.xml", census(SECOND, year=year))
    with pytest.raises(MalformedCensusError, match=r"different years \(2025, 2026\)"):
        open_census(tmp_path / "b")


def test_folder_of_one_year_is_one_census_and_a_child_in_two_files_is_noted(
    tmp_path: Path,
) -> None:
    write_census(tmp_path / "1.xml", census(CHILD))
    write_census(tmp_path / "2.xml", census(SECOND))
    write_census(tmp_path / "3.xml", census(SECOND, SECOND.replace("ASH002", "ASH003")))
    session = open_census(tmp_path)
    found = [str(note) for note in session.notes() if "already" in note.message]
    assert found == [
        "3.xml, line 14, column LAchildID: The child is already in 2.xml, line 14. Keep one of"
        " them."
    ]
    assert len(delivered(session, "ssd_cin_episodes", "cine_referral_id")) == 4


def test_exact_copy_of_a_file_is_left_out_with_a_note(tmp_path: Path) -> None:
    write_census(tmp_path / "1.xml", census())
    write_census(tmp_path / "2.xml", census())
    session = open_census(tmp_path)
    assert "2.xml: The file is a copy of 1.xml: it is left out." in map(str, session.notes())
    assert len(delivered(session, "ssd_person", "pers_person_id")) == 2


@pytest.mark.parametrize("blank", ["\u200b", "\ufeff", "\u00a0", "&#13;", "\t"])
def test_blanks_around_values_are_left_out_before_the_xsd_judges(
    tmp_path: Path, blank: str
) -> None:
    text = re.sub(r"(<\w+>)([^<\s]+)(</)", rf"\1{blank}\2{blank}\3", census())
    assert f"WBRI{blank}<" in text
    found, right = (
        open_census(write_census(tmp_path / name, content))
        for name, content in (("blanks.xml", text), ("right.xml", census()))
    )
    assert [n.column for n in found.notes()] == [n.column for n in right.notes()]
    for table in right.describe():
        columns = load_contract().tables[table].column_names
        assert delivered(found, table, *columns) == delivered(right, table, *columns)


@pytest.mark.parametrize(
    ("sent", "read", "says"),
    [
        ("06/05/2025", "2025-05-06", "The date is read, but it is not written as yyyy-mm-dd."),
        ("6-May-2025", "2025-05-06", "The date is read, but it is not written as yyyy-mm-dd."),
        ("2025-05-06T00:00:00", "2025-05-06", "The date is read, but"),
        ("2025-05-06Z", "2025-05-06", None),
        ("05/06/25", "05/06/25", "This is not a date."),
        ("2025-02-30", "2025-02-30", "This is not a date."),
    ],
)
def test_date_in_another_form_is_read_if_it_leaves_no_doubt(
    tmp_path: Path, sent: str, read: str, says: str | None
) -> None:
    text = census(CHILD.replace("2025-05-06</CINref", f"{sent}</CINref"))
    session = open_census(write_census(tmp_path / "c.xml", text))
    found = delivered(session, "ssd_cin_episodes", "cine_referral_id", "cine_referral_date")
    assert found == [[f"ASH001-{read}", read]]
    notes = [n.message for n in session.notes() if n.column == "CINreferralDate"]
    assert len(notes) == (says is not None)
    assert all(note.startswith(says or "") for note in notes)


def test_element_outside_a_child_that_is_not_of_the_census_is_noted(tmp_path: Path) -> None:
    text = census().replace("<Children>", "<Children><Colour>1</Colour>")
    text = text.replace("</Message>", "<Footer>1</Footer></Message>")
    notes = notes_on(tmp_path, text)
    assert [note for note in notes if "not part of the census" in note] == [
        "c.xml, line 13, column Colour: The element is not part of the census, so it is not read.",
        f"c.xml, line {line_of(text, '<Footer')}, column Footer: The element is not part of the"
        " census, so it is not read.",
    ]


def test_child_counts_wherever_it_stands(tmp_path: Path) -> None:
    text = census().replace(SECOND, "")
    for place in ("</Message>", "</Children>"):
        in_a_group = f"<Group>{SECOND}</Group>" if place == "</Children>" else SECOND
        moved = text.replace(place, in_a_group + place)
        session = open_census(write_census(tmp_path / "c.xml", moved))
        assert delivered(session, "ssd_person", "pers_person_id") == [["ASH001"], ["ASH002"]]


def test_two_referrals_of_a_day_have_different_ids_and_a_note(tmp_path: Path) -> None:
    inner = SECOND[SECOND.index("      <CINdetails>") : SECOND.index("    </Child>")]
    text = census(SECOND.replace(inner, inner + inner))
    session = open_census(write_census(tmp_path / "c.xml", text))
    assert delivered(session, "ssd_cin_episodes", "cine_referral_id") == [
        ["ASH002-2026-03-01"],
        ["ASH002-2026-03-01-2"],
    ]
    assert [str(note) for note in session.notes()] == [
        f"c.xml, line {line_of(text, '</CINdetails>') + 1}, column CINreferralDate: The child has"
        " another CINdetails with the same dates. Check if it is the same."
    ]


@pytest.mark.parametrize(("sent", "sex"), [("1", "1"), ("2", "2"), ("0", "U"), ("9", "U")])
def test_gender_up_to_2024_fills_sex_and_gender(tmp_path: Path, sent: str, sex: str) -> None:
    child = SECOND.replace("<Sex>U</Sex>", f"<GenderCurrent>{sent}</GenderCurrent>")
    session = open_census(write_census(tmp_path / "c.xml", census(child, year=2023)))
    assert [str(note) for note in session.notes()] == []
    assert delivered(session, "ssd_person", "pers_sex", "pers_gender") == [[sex, sent]]
    assert "ssd_pre_proceedings" not in session.describe()


def test_year_comes_from_the_url_or_the_reference_date(tmp_path: Path) -> None:
    text = census(SECOND).replace("<Year>2026<", "<Year>2025<")
    path = write_census(tmp_path / "c.xml", text)
    assert open_census(path).period == "2026"
    assert [str(note) for note in open_census(path).notes()] == [
        "c.xml, line 3, column Year: The year is not that of the reference date. The census is"
        " read as 2026."
    ]
    assert open_census(path, "?period=2025").period == "2025"
    write_census(path, text.replace("2026-03-31", "2026-04-01"))
    assert open_census(path).period == "2025"


def test_target_of_a_conference_that_was_not_required_is_named_not_loaded(tmp_path: Path) -> None:
    text = census(CHILD.replace(
        "<S47ActualStartDate>2025-10-01</S47ActualStartDate>",
        "<S47ActualStartDate>2025-10-01</S47ActualStartDate>"
        "<InitialCPCtarget>2025-10-22</InitialCPCtarget>",
    ))  # fmt: skip
    session = open_census(write_census(tmp_path / "c.xml", text))
    assert [note.column for note in session.notes()] == ["InitialCPCtarget", "NumberOfPreviousCPP"]
    assert len(delivered(session, "ssd_initial_cp_conference", "icpc_icpc_id")) == 2


def test_stream_of_a_file_that_changed_stops(tmp_path: Path) -> None:
    path = write_census(tmp_path / "c.xml", census())
    session = open_census(path)
    for text in (census() + "\n", census()[:500]):
        write_census(path, text)
        with pytest.raises(DeliveryError, match="changed while it was being loaded"):
            delivered(session, "ssd_person", "pers_person_id")


def test_named_xsd_is_used_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    path = write_census(tmp_path / "c.xml", census())
    own = write_census(tmp_path / "own.xsd", CENSUS.read_text().replace('value="5D"', 'value="5E"'))
    found = [n.column for n in open_census(path, f"?schema={own}").notes() if n.line]
    assert "ReferralSource" in found
    for wrong in (tmp_path / "none.xsd", path):
        with pytest.raises(SettingsError, match="not the XSD of a children in need census"):
            open_census(path, f"?schema={wrong}")


def test_mapping_names_only_columns_of_the_contract_and_elements_of_the_census() -> None:
    contract = load_contract().tables
    elements = schema_of(2026).elements | schema_of(2021).elements
    for mapping in load_mapping().values():
        for part in mapping.parts:
            assert set(part.columns) <= set(contract[mapping.name].column_names), mapping.name
    for module in MODULES.values():
        assert {module.name, *module.elements} <= elements
    xs = "{http://www.w3.org/2001/XMLSchema}"
    declared = {
        each.get("name")
        for year in (2021, 2026)
        for each in schema_of(year).tree.iter(f"{xs}element")
        if each.get("type") == "xs:date"
    }
    assert declared - {"ReferenceDate"} == DATES


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("record: Child\n", "record: Kid\n", "The census has no record Kid"),
        (": LAchildID", ": Child", "A record Child has no element Child"),
        ("first: [Sex", "id: Child, first: [Sex", "A rule has either first, id, or json"),
        ('codes: {"0"', 'code: {"0"', "unknown entry code"),
    ],
)
def test_wrong_mapping_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = MAPPING.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "mapping.yml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError, match=f"mapping.yml, ssd_person.*{says}"):
        read_mapping(path)


def test_url_names_place_year_xsd_and_authority(tmp_path: Path) -> None:
    assert parse_url("cin:/a/b.xml?period=2024&schema=/c.xsd") == (
        Path("/a/b.xml"), 2024, Path("/c.xsd"),
    )  # fmt: skip
    with pytest.raises(SourceError, match="24 is not a collection year"):
        parse_url("cin:/a/b.xml?period=24")
    with pytest.raises(SourceError, match="not an ONS code"):
        find_source(f"cin:{tmp_path}/c.xml?authority=201")
    found = find_source(f"cin:{tmp_path}/c.xml?authority=E09900001")
    assert (found.name, found.authority) == ("cin-e09900001", "E09900001")
    assert find_source(f"cin:{tmp_path}/c.xml").authority == "E09900904"


@pytest.mark.parametrize("year", YEARS)
def test_xsd_is_the_published_one_of_its_year(shared_dir: Path, year: int) -> None:
    """Every element has the same place, occurrence and values. Pre-proceedings is not in it yet."""
    published = max(y for y in (2022, 2024, 2025, 2026) if y <= max(year, 2022))
    path = shared_dir / "reference" / "schemas" / f"CIN_schema_{published}.xsd"
    expected = _shape(etree.parse(path).getroot())
    found = _shape(schema_of(year).tree.getroot())
    assert {k: v for k, v in found.items() if "PreProceedings" not in k} == expected
    assert any("PreProceedings" in k for k in found) is (year >= 2026)


def _shape(root: etree._Element) -> dict[str, tuple[object, ...]]:
    """Return each element's path with its occurrence, and what its values must be."""
    xs = "{http://www.w3.org/2001/XMLSchema}"
    types = {each.get("name"): each for each in root if each.get("name")}
    shape: dict[str, tuple[object, ...]] = {}

    def facets(kind: etree._Element) -> set[tuple[object, ...]]:
        found = set()
        for restriction in kind.iter(f"{xs}restriction"):
            base = types.get(restriction.get("base", ""))
            if base is not None:
                found |= {f for f in facets(base) if f[0] != "minLength"}
            found |= {
                (etree.QName(f).localname, f.get("value")) for f in restriction if f.get("value")
            }
        return found

    def walk(element: etree._Element, path: str) -> None:
        path = f"{path}/{element.get('name')}"
        name = element.get("type", "")
        kind = types.get(name, element if len(element) else None)
        inner = (
            [] if kind is None else list(kind.findall(f"{xs}complexType/{xs}sequence/{xs}element"))
        )
        inner = inner or ([] if kind is None else list(kind.findall(f"{xs}sequence/{xs}element")))
        values = frozenset() if kind is None or inner else frozenset(facets(kind))
        shape[path] = (
            element.get("minOccurs", "1"),
            element.get("maxOccurs", "1"),
            name if kind is None else values,
            [each.get("name") for each in inner if each.get("name") != "PreProceedingsandFGDM"],
        )
        for each in inner:
            walk(each, path)

    walk(root.find(f"{xs}element"), "")
    return shape


@pytest.mark.parametrize(
    ("name", "query", "period", "children", "lines"),
    [
        ("CIN_Census_2021.xml", "", "2023", 1, {"ChildIdentifiers": 19, "ICPCnotRequired": 60}),
        ("CIN_Census_2024.xml", "", "2024", 2, {"Sex": 25, "AssessmentFactors": 46}),
        (
            "CIN_Census_2026.xml",
            "?period=2026",
            "2026",
            2,
            {"Sex": 25, "AssessmentFactors": 46, "FactorsIdentifiedAtAssessment": 107},
        ),
    ],
)
def test_published_sample_is_read_with_its_faults_named(
    shared_dir: Path, name: str, query: str, period: str, children: int, lines: dict[str, int]
) -> None:
    session = open_census(shared_dir / "samples" / "cin_census" / name, query)
    assert session.period == period
    assert len(delivered(session, "ssd_person", "pers_person_id")) == children
    assert len(delivered(session, "ssd_cp_reviews", "cppr_cp_review_id")) == 1
    notes = {(note.column, note.line) for note in session.notes()}
    assert set(lines.items()) <= notes
