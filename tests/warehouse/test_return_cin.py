"""A census that was loaded comes out again, and loads to the same records."""

from __future__ import annotations

import datetime as dt
import json
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
import returned_records
from cin_censuses import CHILD, SECOND, census, open_census, write_census
from lxml import etree

from carepath.contract.model import load_contract
from carepath.errors import CarepathError
from carepath.logs import service_log_file
from carepath.returns import write_cin, write_daily
from carepath.sources.cin_census import CinCensusSession

NIGHT = dt.date(2026, 12, 31)
WHOLE, LATER, FAULTY, SAMPLE = "E09900904", "E09900905", "E09900906", "E09900907"
# in the census of 2027 the first child's referral is closed later than in the census of 2026
OPEN = CHILD.replace("        <CINclosureDate>2026-02-27</CINclosureDate>\n", "").replace(
    "        <ReasonForClosure>RC7</ReasonForClosure>\n", ""
)
CLOSED = CHILD.replace("2026-02-27", "2026-05-05")
FAULTS = (
    CHILD.replace("<Ethnicity>WBRI", "<Ethnicity>QQQQ")
    .replace(">6B<", ">RB<")
    .replace(">N1<", ">N99<")
    .replace("<ReferralNFA>0", "<ReferralNFA>false")
    .replace("2026-01-14</CPPend", "2026-01-99</CPPend")
)
UNSENDABLE = SECOND.replace("ASH002", "ASH_002")  # the daily data flow takes no underscore


@pytest.fixture(scope="module")
def loaded(
    warehouse: None, tmp_path_factory: pytest.TempPathFactory, shared_dir: Path
) -> Mapping[str, str]:
    """Return the text of the census of each authority that was loaded."""
    folder = tmp_path_factory.mktemp("censuses")
    sample = (shared_dir / "samples" / "cin_census" / "CIN_Census_2026.xml").read_text()
    texts = {
        WHOLE: census(),
        LATER: census(OPEN),
        FAULTY: census(FAULTS, UNSENDABLE),
        SAMPLE: sample,
    }
    for authority, text in texts.items():
        path = write_census(folder / f"{authority}.xml", text)
        source = f"cin:{path}?authority={authority}&period=2026"
        assert returned_records.load(source, NIGHT) == authority
    path = write_census(folder / "later.xml", census(CLOSED, year=2027))
    returned_records.load(f"cin:{path}?authority={LATER}", NIGHT)
    returned_records.stage(
        "person", "disability", "cin_episodes", "cin_assessments", "assessment_factors",
        "cin_plans", "s47_enquiry", "initial_cp_conference", "cp_plans", "cp_reviews",
        "pre_proceedings", "immigration_status", "address", "sdq_scores", "involvements",
        "professionals", "cla_episodes", "cla_placement", "permanence", "care_leavers",
    )  # fmt: skip
    return texts


def records(session: CinCensusSession) -> dict[str, list[str]]:
    """Return every row that a census gives for each table of the contract, in order."""
    found = {}
    for name, columns in session.describe().items():
        names = [column.name for column in columns]
        data = b"".join(session.stream(load_contract().tables[name], names))
        found[name] = sorted(data.decode().splitlines())
    return found


def test_census_comes_out_as_it_was_loaded(loaded: Mapping[str, str], tmp_path: Path) -> None:
    path = tmp_path / "out.xml"
    written = write_cin(WHOLE, 2026, path, la_number="201")
    came_in, went_out = (
        etree.canonicalize(text, strip_text=True) for text in (loaded[WHOLE], path.read_text())
    )
    assert went_out == came_in
    assert written.is_valid
    assert written.files == {path: 2}
    assert [each.place for each in written.remarks] == [
        "ChildProtectionPlans, NumberOfPreviousCPP",
        "PreProceedingsandFGDM, PPOutcome",
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    line = json.loads(service_log_file().read_text().splitlines()[-1])
    assert (line["event"], line["kind"], line["authority"]) == ("return_written", "cin", WHOLE)
    assert "ASH" not in json.dumps(line)
    with pytest.raises(CarepathError, match=r"already a file out\.xml"):
        write_cin(WHOLE, 2026, path)


def test_census_that_comes_out_follows_the_published_xsd(
    loaded: Mapping[str, str], tmp_path: Path, shared_dir: Path
) -> None:
    xsd = shared_dir / "reference" / "schemas" / "CIN_schema_2026.xsd"
    written = write_cin(WHOLE, 2026, tmp_path / "out.xml", schema=xsd)
    assert written.is_valid
    tree = etree.parse(tmp_path / "out.xml")
    assert etree.XMLSchema(etree.parse(xsd)).validate(tree)
    assert tree.find(".//PreProceedingsandFGDM") is None


def test_published_sample_comes_out_and_loads_to_the_same_records(
    loaded: Mapping[str, str], tmp_path: Path, shared_dir: Path
) -> None:
    path = tmp_path / "out.xml"
    written = write_cin(SAMPLE, 2026, path)
    assert written.is_valid
    assert [(each.place, each.count) for each in written.remarks if "XSD" in each.message] == [
        ("FactorsIdentifiedAtAssessment, AssessmentFactors", 1)
    ]
    sample = open_census(
        shared_dir / "samples" / "cin_census" / "CIN_Census_2026.xml", "?period=2026"
    )
    came_in, went_out = records(sample), records(open_census(path))
    # Sex 1 is M; the unknown factor is left out, as the remark says; false is 0
    differ = {name for name, rows in came_in.items() if rows != went_out[name]}
    assert differ == {"ssd_person", "ssd_assessment_factors", "ssd_cin_episodes"}
    assert [row.replace("\t1\t", "\tM\t") for row in came_in["ssd_person"]] == went_out[
        "ssd_person"
    ]
    assert [row.replace("false", "0") for row in came_in["ssd_cin_episodes"]] == went_out[
        "ssd_cin_episodes"
    ]
    assert went_out["ssd_assessment_factors"] == [
        row.replace(', "RB"', "") for row in came_in["ssd_assessment_factors"]
    ]


def test_unknown_codes_and_blanks_are_reported_and_never_invented(
    loaded: Mapping[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "out.xml"
    written = write_cin(FAULTY, 2026, path)
    assert not written.is_valid
    found = {each.place: each.message for each in written.remarks}
    assert "The code is unknown" in found["Ethnicity"]
    assert "The code is unknown" in found["PrimaryNeedCode"]
    assert "could not be read" in found["ChildProtectionPlans, end_date"]
    assert found["ChildCharacteristics, Ethnicity"].startswith("The census needs a value")
    assert found["FactorsIdentifiedAtAssessment, AssessmentFactors"].startswith("The XSD does not")
    assert "QQQQ" not in str(written.remarks)
    child = etree.parse(path).getroot().find(".//Child")
    assert child is not None
    for name in ("Ethnicity", "PrimaryNeedCode", "CPPendDate"):
        assert child.find(f".//{name}") is None, name
    assert child.findtext(".//ReferralNFA") == "0"
    assert [each.text for each in child.iter("AssessmentFactors")] == ["1C"]


def test_census_of_an_earlier_year_does_not_know_what_came_later(
    loaded: Mapping[str, str], tmp_path: Path
) -> None:
    for year in (2026, 2027):
        assert write_cin(LATER, year, tmp_path / f"{year}.xml").is_valid
    earlier, later = (
        etree.parse(tmp_path / f"{year}.xml").getroot().find(".//CINdetails")
        for year in (2026, 2027)
    )
    assert earlier is not None
    assert later is not None
    for name in ("CINclosureDate", "ReasonForClosure"):
        assert earlier.find(name) is None, name
    assert (later.findtext("CINclosureDate"), later.findtext("ReasonForClosure")) == (
        "2026-05-05", "RC7",
    )  # fmt: skip


def test_year_to_come_and_authority_not_named_are_refused(
    loaded: Mapping[str, str], tmp_path: Path
) -> None:
    with pytest.raises(CarepathError, match="had not begun"):
        write_cin(WHOLE, 2029, tmp_path / "out.xml")
    with pytest.raises(CarepathError, match=r"several authorities.*--authority: E09900904"):
        write_cin(None, 2026, tmp_path / "out.xml")
    assert not (tmp_path / "out.xml").exists()


def test_daily_payload_follows_the_published_schema(
    loaded: Mapping[str, str], tmp_path: Path, shared_dir: Path
) -> None:
    for authority in (LATER, FAULTY):
        written = write_daily(authority, tmp_path / authority)
        (path,) = written.files
        payload = returned_records.valid_payload(path, shared_dir)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.place for each in written.remarks] == ["ethnicity", "la_child_id"]
    assert [each["la_child_id"] for each in payload] == ["ASH001"]
    assert "ethnicity" not in payload[0]["child_details"]
    (child,) = json.loads((tmp_path / LATER / "children_0001.json").read_text())
    assert child["la_child_id"] == "ASH001"
    (episode,) = child["social_care_episodes"]
    assert (episode["closure_date"], episode["closure_reason"]) == ("2026-05-05", "RC7")
    assert episode["child_and_family_assessments"][0]["factors"] == ["1C", "6B"]
    assert [each["icpc_required_flag"] for each in episode["section_47_assessments"]] == [
        True, False,
    ]  # fmt: skip
