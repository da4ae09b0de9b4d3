"""The modules of the census, and the rows that a child's XML gives for each."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from carepath.sources.blanks import trim
from carepath.sources.cin_census.reading import line_of
from carepath.sources.ssda903.reading import parse_date

_ZONE: Final = re.compile(r"(?<=\d)(Z|[+-]\d\d:\d\d)", re.ASCII)
Row = Mapping[str, str]  # values by element name, those of the modules above it included


@dataclass(frozen=True)
class Module:
    """One kind of record of the census.

    Attributes:
        name: the element that holds a record.
        inside: the module that it is part of; None for a child.
        identified_by: the element that, with the id of the module above, identifies a record.
        elements: the elements of a record. The names in between (ChildIdentifiers) do not matter.
        lists: of these, the ones that repeat. They become a JSON list.
    """

    name: str
    inside: str | None
    identified_by: str
    elements: tuple[str, ...]
    lists: frozenset[str] = frozenset()


MODULES: Final = {
    module.name: module
    for module in (
        Module(
            "Child",
            None,
            "LAchildID",
            (
                "LAchildID",
                "UPN",
                "FormerUPN",
                "UPNunknown",
                "PersonBirthDate",
                "ExpectedPersonBirthDate",
                "GenderCurrent",
                "Sex",
                "PersonDeathDate",
                "Ethnicity",
            ),
        ),
        Module("Disability", "Child", "Disability", ("Disability",)),
        Module(
            "CINdetails",
            "Child",
            "CINreferralDate",
            (
                "CINreferralDate",
                "ReferralSource",
                "PrimaryNeedCode",
                "CINclosureDate",
                "ReasonForClosure",
                "DateOfInitialCPC",
                "ReferralNFA",
            ),
        ),
        Module(
            "Assessments",
            "CINdetails",
            "AssessmentActualStartDate",
            (
                "AssessmentActualStartDate",
                "AssessmentInternalReviewDate",
                "AssessmentAuthorisationDate",
                "AssessmentFactors",
            ),
            lists=frozenset({"AssessmentFactors"}),
        ),
        Module(
            "CINPlanDates",
            "CINdetails",
            "CINPlanStartDate",
            ("CINPlanStartDate", "CINPlanEndDate"),
        ),
        Module(
            "Section47",
            "CINdetails",
            "S47ActualStartDate",
            ("S47ActualStartDate", "InitialCPCtarget", "DateOfInitialCPC", "ICPCnotRequired"),
        ),
        Module(
            "ChildProtectionPlans",
            "CINdetails",
            "CPPstartDate",
            (
                "CPPstartDate",
                "CPPendDate",
                "InitialCategoryOfAbuse",
                "LatestCategoryOfAbuse",
                "NumberOfPreviousCPP",
            ),
        ),
        Module("CPPreviewDate", "ChildProtectionPlans", "CPPreviewDate", ("CPPreviewDate",)),
        Module(
            "PreProceedingsandFGDM",
            "CINdetails",
            "PPStartDate",
            (
                "PPStartDate",
                "LBPSentDate",
                "FGDMMeetingOffer",
                "FGDMMeetingFac",
                "InitialPPMeetingDate",
                "ReviewMeetingsCount",
                "StepDecisionDate",
                "PPOutcome",
                "CourtAppDate",
                "LetterInitCPDate",
            ),
        ),
    )
}


@dataclass(frozen=True)
class Record:
    """One record of a child: its module, its values, where it begins, and if another is like it.

    Attributes:
        is_repeated: an earlier record of the child has the same identifying values.
    """

    module: Module
    row: Row
    line: int
    is_repeated: bool


def records_of(
    child: etree._Element, wanted: Collection[str] = frozenset(MODULES)
) -> Iterator[Record]:
    """Yield a child's records, each before those inside it.

    The census numbers no records. An id is made of the child's id and the dates down to the record;
    a second record with the same dates gets -2. A row has it as `id:MODULE`.

    Args:
        child: a complete Child.
        wanted: the modules to read. Those around a wanted one must be among them.
    """
    yield from _records(child, MODULES["Child"], {}, "", Counter(), wanted)


ELEMENTS: Final = frozenset(MODULES).union(*(module.elements for module in MODULES.values()))
# as the XSDs of all years have them: a test compares
DATES: Final = frozenset(
    name
    for name in ELEMENTS
    if name.endswith("Date") or name in ("DateOfInitialCPC", "InitialCPCtarget")
)


def readable_date(value: str) -> str | None:
    """Return a date as yyyy-mm-dd if it leaves no doubt, as in an SSDA903 return; None if not."""
    zone = _ZONE.search(value)
    day = parse_date(value[: zone.start()] if zone and zone.end() == len(value) else value)
    return day.isoformat() if day else None


def misplaced(child: etree._Element) -> Iterator[etree._Element]:
    """Yield the records of a child that stand in the wrong record: records_of does not see them."""
    for element in child.iter(*MODULES):
        inside = next((each.tag for each in element.iterancestors(*MODULES)), None)
        if element is not child and inside != MODULES[str(element.tag)].inside:
            yield element


def around(module: str) -> frozenset[str]:
    """Return a module and those that it is inside of."""
    outer = MODULES[module].inside
    return frozenset({module}) | (around(outer) if outer else frozenset())


def _records(
    element: etree._Element,
    module: Module,
    above: Row,
    above_id: str,
    seen: Counter[str],
    wanted: Collection[str],
) -> Iterator[Record]:
    own: dict[str, str] = dict.fromkeys(module.elements, "")
    lists: dict[str, list[str]] = {name: [] for name in module.lists}
    inner: list[tuple[Module, etree._Element]] = []
    for each in _inside(element):
        name = each.tag
        if (found := MODULES.get(name)) is not None:
            if found.inside == module.name and name in wanted:
                inner.append((found, each))
        elif name in lists:
            lists[name].append(_text(each))
        elif name in own and not own[name]:
            own[name] = _text(each)
    if module.name in own:  # an element that is a record by itself
        own[module.name] = _text(element)
    for name, values in lists.items():
        own[name] = json.dumps(values) if any(values) else ""
    identified = own[module.identified_by]
    record_id = f"{above_id}-{identified}" if above_id else identified
    key = f"{module.name}|{record_id}"
    seen[key] += 1
    is_repeated = seen[key] > 1
    if is_repeated and module.inside:
        record_id = f"{record_id}-{seen[key]}"
    row = {**above, **own, f"id:{module.name}": record_id}
    yield Record(module, row, line_of(element), is_repeated)
    for within, each in inner:
        yield from _records(each, within, row, record_id, seen, wanted)


def _inside(element: etree._Element) -> Iterator[etree._Element]:
    """Yield the elements of a record. A group of elements is opened, an inner record is not."""
    for each in element:
        if len(each) and each.tag not in MODULES:
            yield from _inside(each)
        else:
            yield each


def _text(element: etree._Element) -> str:
    value = trim(element.text or "")
    return (readable_date(value) or value) if element.tag in DATES else value
