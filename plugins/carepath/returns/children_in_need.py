"""The children in need census as XML, of the records of a collection year."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from lxml import etree

from carepath.returns.records import CollectionYear, Records, open_records
from carepath.returns.remarks import Remarks, Row, flag, iso
from carepath.returns.written import Written, write_files
from carepath.sources.cin_census.schema import CensusSchema, named_schema, schema_of

# GenderCurrent, up to 2024; without a gender, by the sex
GENDERS: Final = {"00": "0", "01": "1", "02": "2", "09": "9"}
GENDER_OF_SEX: Final = {"M": "1", "F": "2", "U": "0"}
_LEFT_OUT: Final = "The XSD does not allow the value, so it is left out. Correct the record."


def write_cin(
    authority: str | None,
    number: int,
    path: Path,
    *,
    schema: Path | None = None,
    la_number: str | None = None,
) -> Written:
    """Write the census of a collection year, and check it against the XSD.

    Args:
        authority: ONS code; None if there is only one.
        number: the collection year.
        path: the new file.
        schema: an XSD; None for Carepath's own of the year.
        la_number: the Department's number of the authority, three digits.

    Raises:
        CarepathError: there are no records of that year, or the file exists.
        SettingsError: the XSD cannot be read.
    """
    year = CollectionYear(number)
    xsd = named_schema(schema) if schema else schema_of(number)
    remarks = Remarks()
    with open_records(authority, year) as records:
        children = _Census(records, year, xsd, remarks).children()
        code = records.authority
    message = etree.Element("Message")
    message.append(_header(year, la_number, remarks))
    inside = etree.SubElement(message, "Children")
    inside.extend(children)
    etree.indent(message)
    data = etree.tostring(message, xml_declaration=True, encoding="UTF-8") + b"\n"
    violation = xsd.first_violation(etree.ElementTree(etree.fromstring(data)))
    files = write_files("cin", code, number, {path: (data, len(children))})
    return Written(files, remarks.all(), is_valid=violation is None)


def _header(year: CollectionYear, la_number: str | None, remarks: Remarks) -> etree._Element:
    header = etree.Element("Header")
    details = etree.SubElement(header, "CollectionDetails")
    _put(details, "Collection", "CIN")
    _put(details, "Year", str(year.number))
    _put(details, "ReferenceDate", year.end.isoformat())
    if la_number:
        _put(etree.SubElement(header, "Source"), "LEA", la_number)
    else:
        remarks.add("Header, Source", "The authority's number is not known. Give --la-number.")
    return header


def _put(parent: etree._Element, name: str, value: str | None) -> None:
    """Add an element with a value; nothing without one."""
    if value is not None:
        etree.SubElement(parent, name).text = value


def _grouped(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    found = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found


class _Census:
    """The records of a year, and the XML of each child."""

    def __init__(
        self, records: Records, year: CollectionYear, xsd: CensusSchema, remarks: Remarks
    ) -> None:
        self.year, self.xsd, self.remarks = year, xsd, remarks
        self.ids = records.sent_ids()
        self.people = self._read(records, "person", "person_id known_from record_key", "Child")
        self.disabilities = _grouped(
            self._kept(
                self._read(
                    records, "disability", "person_id disability_code record_key", "Disability"
                )
            ),
            "person_id",
        )
        episodes = self._read(
            records, "cin_episodes", "person_id referral_date referral_id", "CINdetails"
        )
        self.episodes = _grouped(filter(self._has_episode, episodes), "person_id")
        self.assessments = self._by_referral(
            records, "cin_assessments", "start_date assessment_id", "Assessments", "authorised_date"
        )
        self.factors = {
            row["assessment_id"]: row["assessment_factors_json"]
            for row in self._read(records, "assessment_factors", "record_key", "AssessmentFactors")
        }
        self.plans = self._by_referral(
            records, "cin_plans", "start_date cin_plan_id", "CINPlanDates", "end_date"
        )
        self.enquiries = self._by_referral(
            records, "s47_enquiry", "start_date s47_enquiry_id", "Section47", "end_date"
        )
        conferences = self._kept(
            self._read(
                records,
                "initial_cp_conference",
                "conference_date conference_id",
                "DateOfInitialCPC",
            ),
            "conference_date",
        )
        self.after_enquiry = _grouped(
            (row for row in conferences if row["s47_enquiry_id"]), "s47_enquiry_id"
        )
        self.without_enquiry = _grouped(
            (row for row in conferences if not row["s47_enquiry_id"]), "referral_id"
        )
        self.protection = self._by_referral(
            records, "cp_plans", "start_date cp_plan_id", "ChildProtectionPlans", "end_date"
        )
        plans_of = _grouped(records.of("stg_cp_plans", "start_date cp_plan_id"), "person_id")
        self.plan_starts = {
            person: [row["start_date"] for row in rows] for person, rows in plans_of.items()
        }
        self.reviews = _grouped(
            self._kept(
                self._read(records, "cp_reviews", "review_date review_id", "CPPreviewDate"),
                "review_date",
            ),
            "cp_plan_id",
        )
        self.pre_proceedings = (
            _grouped(
                self._kept(
                    self._read(
                        records,
                        "pre_proceedings",
                        "decision_date record_key",
                        "PreProceedingsandFGDM",
                    ),
                    "decision_date",
                    "stepdown_or_issue_date",
                ),
                "person_id",
            )
            if "PreProceedingsandFGDM" in xsd.elements
            else {}
        )

    def _read(self, records: Records, entity: str, order: str, place: str) -> list[Row]:
        rows = records.of(f"stg_{entity}", order)
        self.remarks.unreadable((row for row in rows if self.year.has(row, None, None)), place)
        return rows

    def _kept(self, rows: Iterable[Row], begin: str = "", end: str = "") -> list[Row]:
        """Return the rows that the year has, by the columns of their first and last day."""
        return [
            row
            for row in rows
            if self.year.has(row, row[begin] if begin else None, row[end or begin] if end else None)
        ]

    def _by_referral(
        self, records: Records, entity: str, order: str, place: str, end: str
    ) -> dict[str, list[Row]]:
        return _grouped(
            self._kept(self._read(records, entity, order, place), "start_date", end), "referral_id"
        )

    def _has_episode(self, row: Row) -> bool:
        """Say whether the census has a referral: open in the year, or made in it."""
        if not self.year.has(row, row["referral_date"], row["close_date"]):
            return False
        is_old = row["referral_date"] is not None and row["referral_date"] < self.year.start
        ended_at_once = row["is_no_further_action"] and row["close_date"] is None
        return self.year.was_sent(row) or not (is_old and ended_at_once)

    def children(self) -> list[etree._Element]:
        """Return the XML of each child with a referral in the census, in order of id."""
        latest = {row["person_id"]: row for row in self.people}
        found = []
        for person_id in sorted(filter(None, self.episodes)):
            person = latest.get(person_id)
            if person is None:
                self.remarks.add(
                    "Child", "A referral names a child who is not delivered. It is left out."
                )
                continue
            child = self._child(person, self.episodes[person_id])
            self._check(child)
            found.append(child)
        unnamed = len(self.episodes.get(None, ()))  # type: ignore[call-overload]
        self.remarks.add("CINdetails", "The referral names no child. It is left out.", unnamed)
        return found

    def _check(self, child: etree._Element) -> None:
        """Leave out the values that the XSD refuses, and count what is missing."""
        while refused := [part for part, missing in self.xsd.faults(child) if not missing]:
            for part in refused:
                self.remarks.add(_place(part), _LEFT_OUT)
                _remove(part)
        for part, missing in self.xsd.faults(child):
            self.remarks.add(
                f"{part.tag}, {missing}", "The census needs a value, and the record has none."
            )

    def _child(self, person: Row, episodes: Sequence[Row]) -> etree._Element:
        child = etree.Element("Child")
        identifiers = etree.SubElement(child, "ChildIdentifiers")
        _put(identifiers, "LAchildID", self.ids.get(person["person_id"], person["person_id"]))
        _put(identifiers, "UPN", person["upn"])
        _put(identifiers, "UPNunknown", self._code(person, "upn_unknown", "UPNunknown"))
        _put(identifiers, "PersonBirthDate", iso(person["birth_date"]))
        _put(identifiers, "ExpectedPersonBirthDate", iso(person["expected_birth_date"]))
        sex = self._code(person, "sex", "Sex")
        if "Sex" in self.xsd.elements:
            _put(identifiers, "Sex", sex)
        else:
            gender = GENDERS.get(self._code(person, "gender", "GenderCurrent") or "")
            _put(identifiers, "GenderCurrent", gender or GENDER_OF_SEX.get(sex or ""))
        _put(
            identifiers,
            "PersonDeathDate",
            iso(self.year.known(person, person["death_date"])),
        )
        characteristics = etree.SubElement(child, "ChildCharacteristics")
        _put(characteristics, "Ethnicity", self._code(person, "ethnicity", "Ethnicity"))
        disabilities = [
            code
            for row in self.disabilities.get(person["person_id"], ())
            if (code := self._code(row, "disability", "Disability"))
        ]
        if disabilities:
            inside = etree.SubElement(characteristics, "Disabilities")
            for code in disabilities:
                _put(inside, "Disability", code)
        proceedings = self._proceedings_by_episode(person["person_id"], episodes)
        for row in episodes:
            child.append(self._episode(row, proceedings.get(row["referral_id"], [])))
        return child

    def _proceedings_by_episode(
        self, person_id: str, episodes: Sequence[Row]
    ) -> dict[str, list[Row]]:
        """Pre-proceedings name no referral: they belong to the last one made before them."""
        found = defaultdict(list)
        for row in self.pre_proceedings.get(person_id, ()):
            day = row["decision_date"]
            before = [
                each
                for each in episodes
                if day and each["referral_date"] and each["referral_date"] <= day
            ]
            found[(before or episodes)[-1]["referral_id"]].append(row)
        return found

    def _episode(self, row: Row, proceedings: Sequence[Row]) -> etree._Element:
        year, referral = self.year, row["referral_id"]
        closed = year.known(row, row["close_date"])
        episode = etree.Element("CINdetails")
        _put(episode, "CINreferralDate", iso(row["referral_date"]))
        _put(episode, "ReferralSource", self._code(row, "referral_source", "ReferralSource"))
        _put(episode, "PrimaryNeedCode", self._code(row, "primary_need", "PrimaryNeedCode"))
        _put(episode, "CINclosureDate", iso(closed))
        if closed or row["close_date"] is None:
            _put(episode, "ReasonForClosure", self._code(row, "close_reason", "ReasonForClosure"))
        days = [each["conference_date"] for each in self.without_enquiry.get(referral, ())]
        _put(episode, "DateOfInitialCPC", iso(next(filter(None, days), None)))
        self.remarks.add(
            "CINdetails, DateOfInitialCPC",
            "A referral has several conferences without an enquiry, and the census has one."
            " The later ones are left out.",
            max(0, len(days) - 1),
        )
        for each in self.assessments.get(referral, ()):
            episode.append(self._assessment(each))
        for each in self.plans.get(referral, ()):
            plan = etree.SubElement(episode, "CINPlanDates")
            _put(plan, "CINPlanStartDate", iso(each["start_date"]))
            _put(plan, "CINPlanEndDate", iso(year.known(each, each["end_date"])))
        for each in self.enquiries.get(referral, ()):
            episode.append(self._enquiry(each))
        _put(episode, "ReferralNFA", flag(row["is_no_further_action"]))
        for each in self.protection.get(referral, ()):
            episode.append(self._protection_plan(each))
        for each in proceedings:
            episode.append(self._proceedings(each))
        return episode

    def _assessment(self, row: Row) -> etree._Element:
        assessment = etree.Element("Assessments")
        authorised = self.year.known(row, row["authorised_date"])
        _put(assessment, "AssessmentActualStartDate", iso(row["start_date"]))
        _put(assessment, "AssessmentAuthorisationDate", iso(authorised))
        factors = factor_codes(self.factors.get(row["assessment_id"]))
        if factors and (authorised or row["authorised_date"] is None):
            inside = etree.SubElement(assessment, "FactorsIdentifiedAtAssessment")
            for factor in factors:
                _put(inside, "AssessmentFactors", factor)
        return assessment

    def _enquiry(self, row: Row) -> etree._Element:
        enquiry = etree.Element("Section47")
        _put(enquiry, "S47ActualStartDate", iso(row["start_date"]))
        conferences = self.after_enquiry.get(row["s47_enquiry_id"], [])
        first = conferences[0] if conferences else None
        if first:
            held = self.year.known(first, first["conference_date"])
            _put(enquiry, "InitialCPCtarget", iso(first["target_date"]))
            _put(enquiry, "DateOfInitialCPC", iso(held))
        _put(enquiry, "ICPCnotRequired", flag(is_conference_not_required(row, bool(first))))
        return enquiry

    def _protection_plan(self, row: Row) -> etree._Element:
        year = self.year
        plan = etree.Element("ChildProtectionPlans")
        _put(plan, "CPPstartDate", iso(row["start_date"]))
        _put(plan, "CPPendDate", iso(year.known(row, row["end_date"])))
        for name, column in (("Initial", "initial_category"), ("Latest", "latest_category")):
            element = f"{name}CategoryOfAbuse"
            _put(plan, element, self._code(row, column, element))
        starts = self.plan_starts.get(row["person_id"], [])
        start = row["start_date"]
        earlier = sum(1 for each in starts if each and start and each < start)
        _put(plan, "NumberOfPreviousCPP", str(earlier))
        self.remarks.add(
            "ChildProtectionPlans, NumberOfPreviousCPP",
            "Counted from the plans in the records. Check it for children who had a plan"
            " elsewhere or before the records begin.",
        )
        days = [
            day
            for each in self.reviews.get(row["cp_plan_id"], ())
            if (day := year.known(each, each["review_date"]))
        ]
        if days:
            inside = etree.SubElement(plan, "Reviews")
            for day in days:
                _put(inside, "CPPreviewDate", iso(day))
        return plan

    def _proceedings(self, row: Row) -> etree._Element:
        def day(column: str) -> str | None:
            return iso(self.year.known(row, row[column]))

        count = row["review_meeting_count"]
        element = etree.Element("PreProceedingsandFGDM")
        _put(element, "PPStartDate", day("decision_date"))
        _put(element, "LBPSentDate", day("pre_proceedings_letter_date"))
        _put(element, "InitialPPMeetingDate", day("initial_meeting_date"))
        _put(element, "ReviewMeetingsCount", None if count is None else str(count))
        _put(element, "StepDecisionDate", day("stepdown_or_issue_date"))
        outcome = self.remarks.code(
            row, "outcome", "PreProceedingsandFGDM, PPOutcome", as_sent=True
        )
        _put(element, "PPOutcome", outcome)
        _put(element, "LetterInitCPDate", day("care_proceedings_letter_date"))
        return element

    def _code(self, row: Row, column: str, element: str) -> str | None:
        return self.remarks.code(row, column, element)


def is_conference_not_required(row: Row, has_conference: bool) -> bool:
    """Say whether it was decided that a conference is not required.

    As in int_census_enquiries: the outcome says it, or the enquiry ended without a conference.
    """
    outcome = row["outcome_json"]
    sent = outcome.get("CP_CONFERENCE_FLAG") if isinstance(outcome, dict) else None
    if has_conference or str(sent).upper() == "Y":
        return False
    if row["period"] is not None:
        return str(sent).upper() == "N"
    return bool(row["is_no_further_action"]) or row["end_date"] is not None


def factor_codes(sent: Any) -> list[str]:
    """Return the codes of a list, or those of an object that say yes."""
    if isinstance(sent, list):
        return [str(each).strip().upper() for each in sent if str(each).strip()]
    if isinstance(sent, dict):
        yes = {"y", "yes", "true", "1"}
        return [k.strip().upper() for k, v in sent.items() if str(v).strip().lower() in yes]
    return []


def _place(element: etree._Element) -> str:
    parent = element.getparent()
    return str(element.tag) if parent is None else f"{parent.tag}, {element.tag}"


def _remove(element: etree._Element) -> None:
    """Take an element out, and the group around it if it has become empty."""
    parent = element.getparent()
    if parent is None:
        return
    parent.remove(element)
    if not len(parent):
        _remove(parent)
