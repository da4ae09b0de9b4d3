"""Check a whole census before any of it is loaded: errors refuse it, notes do not."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lxml import etree

from carepath.sources.blanks import trim
from carepath.sources.cin_census.layout import (
    ELEMENTS,
    Record,
    misplaced,
    readable_date,
    records_of,
)
from carepath.sources.cin_census.mapping import parts_of
from carepath.sources.cin_census.reading import NotACensusError, line_of, read_parts
from carepath.sources.cin_census.schema import EXPECTED, CensusSchema, named_schema, schema_of
from carepath.sources.delivered import (
    DeliveredFile,
    EnoughErrorsError,
    MalformedFilesError,
    Notices,
    find_files,
    new_digest,
    opened,
)
from carepath.sources.notes import DeliveryNote
from carepath.sources.ssda903.reading import id_of_spreadsheet

_ELEMENT: Final = re.compile(r"^Element '([^']*)'")
_WRONG_DATE: Final = re.compile(r"'([^']*)' is not a valid value of the atomic type 'xs:date'")
_UNREADABLE: Final = "The file cannot be read, or is damaged in its zip. Export it again."


class MalformedCensusError(MalformedFilesError):
    """Files of a census that cannot be read; `errors` names each place."""


@dataclass(frozen=True)
class CensusFile:
    """One file of a checked census, with a digest of its bytes."""

    path: DeliveredFile
    digest: bytes
    child_count: int


@dataclass(frozen=True)
class CheckedCensus:
    """A census that can be read.

    Attributes:
        period: collection year Y, which covers 1 April Y-1 to 31 March Y.
        files: usually one.
        elements: those of the year's layout, and others that the files have.
        notes: what a person should put right, although the records are loaded.
    """

    period: int
    files: tuple[CensusFile, ...]
    elements: frozenset[str]
    notes: tuple[DeliveryNote, ...]


@dataclass
class _Findings(Notices):
    """The errors and notes found so far, and what the files have."""

    elements: set[str] = field(default_factory=set)
    not_kept: Counter[tuple[str, str]] = field(default_factory=Counter)
    children: dict[str, tuple[str, int]] = field(default_factory=dict)

    def all_notes(self) -> tuple[DeliveryNote, ...]:
        """Return the notes in order, also on elements for which the contract has no place."""
        not_kept = [
            DeliveryNote(
                file,
                0,
                element,
                f"Carepath has no place for this element here, so it does not keep {count:,}"
                f" value{'s' * (count != 1)}.",
            )
            for (file, element), count in self.not_kept.items()
        ]
        return tuple(sorted([*super().all_notes(), *not_kept]))


def check_census(
    place: Path, period: int | None = None, schema: Path | None = None
) -> CheckedCensus:
    """Read every file of a census once and check it.

    Args:
        place: an XML file, or a folder or a zip with the XML files of one collection. What they
            hold says that they are XML, and not their names.
        period: the collection year; None for what the header says.
        schema: an XSD to check against; None for Carepath's own of the year.

    Raises:
        MalformedCensusError: names file, line and element of up to 50 errors.
        SettingsError: the XSD cannot be read.
    """
    findings = _Findings()
    return _check(place.name, _xml_files(place, findings), findings, period, schema)


def check_census_files(
    name: str, files: Sequence[DeliveredFile], period: int | None
) -> CheckedCensus:
    """Check files that are known to be of a census; see check_census."""
    return _check(name, files, _Findings(), period, None)


def _check(
    name: str,
    paths: Iterable[DeliveredFile],
    findings: _Findings,
    period: int | None,
    schema: Path | None,
) -> CheckedCensus:
    files: list[CensusFile] = []
    years: set[int] = set()
    own = named_schema(schema) if schema else None
    try:
        for path in _without_copies(list(paths), findings):
            before = len(findings.errors)
            year = period or _year(path, findings)
            if year is None:
                if len(findings.errors) == before:
                    findings.error(
                        path.name,
                        0,
                        "ReferenceDate",
                        "The header does not say the collection year. Give it as "
                        "cin:FILE?period=YEAR.",
                    )
                continue
            years.add(year)
            files.append(_check_file(path, year, own or schema_of(year), findings))
        if len(years) > 1:
            findings.error(
                name,
                0,
                "",
                f"The files are of different years ({', '.join(map(str, sorted(years)))})."
                " Keep one year in a folder.",
            )
    except EnoughErrorsError:
        pass
    if findings.errors or not years:
        raise MalformedCensusError.of(f"CIN census {name}", findings.errors, "census")
    (year,) = years
    elements = (own or schema_of(year)).elements | findings.elements
    return CheckedCensus(year, tuple(files), elements, findings.all_notes())


def _without_copies(paths: Sequence[DeliveredFile], findings: _Findings) -> Iterator[DeliveredFile]:
    """Yield files, each content once; note the exact copies."""
    first: dict[bytes, str] = {}
    for path in paths:
        if len(paths) > 1:
            digest = new_digest()
            try:
                with opened(path, digest) as file:
                    while file.read(1 << 16):
                        pass
            except OSError:
                pass  # it is told when it is checked
            else:
                copy_of = first.setdefault(digest.digest(), path.name)
                if copy_of != path.name:
                    what = f"The file is a copy of {copy_of}: it is left out."
                    findings.note(path.name, 0, "", what)
                    continue
        yield path


def _xml_files(place: Path, findings: _Findings) -> Iterator[DeliveredFile]:
    """Yield the XML files of a folder or a zip, or the one file; note any other files."""
    files = find_files(place, findings.error, findings.note)
    found = [
        each
        for each in files
        if each.content == "xml" or each.path == place or each.name.lower().endswith(".xml")
    ]
    if not found and not findings.errors:
        findings.error(place.name, 0, "", "It holds no XML file. Name the census file.")
    for each in files:
        if each not in found:
            findings.note(each.name, 0, "", "The file was not read, because it is not an XML file.")
    yield from found


def _year(path: DeliveredFile, findings: _Findings) -> int | None:
    """Return the collection year that a file's header says: its reference date, or its Year."""
    try:
        first = next(read_parts(path, new_digest()), None)
    except NotACensusError as error:
        findings.error(path.name, error.line, error.element, error.message)
        return None
    except OSError:
        findings.error(path.name, 0, "", _UNREADABLE)
        return None
    if first is None or first.tag != "Header":
        return None
    year, day = (
        trim(first.findtext(f"CollectionDetails/{name}") or "")
        for name in ("Year", "ReferenceDate")
    )
    stated = int(year) if re.fullmatch(r"20\d\d", year, re.ASCII) else None
    written = readable_date(day)
    reference = dt.date.fromisoformat(written) if written else None
    if reference is None or (reference.month, reference.day) != (3, 31):
        return stated
    if stated != reference.year:
        findings.note(
            path.name,
            line_of(first),
            "Year",
            f"The year is not that of the reference date. The census is read as {reference.year}.",
        )
    return reference.year


def _check_file(
    path: DeliveredFile, year: int, schema: CensusSchema, findings: _Findings
) -> CensusFile:
    digest = new_digest()
    count = 0
    try:
        for part in read_parts(path, digest):
            if part.tag not in ("Header", "Child"):
                _tell_stray(path.name, part, findings)
                continue
            _trim(part)
            _note_violations(path.name, part, year, schema, findings)
            findings.elements.update(str(each.tag) for each in part.iter(etree.Element))
            if part.tag == "Header":
                _check_collection(path.name, part, findings)
                continue
            count += 1
            ids = {trim(each.text or "") for each in part.iter("LAchildID")} - {""}
            if len(ids) > 1:
                what = "The child has more than one id. Make one child of each, or keep one id."
                findings.error(path.name, line_of(part), "LAchildID", what)
            for element in misplaced(part):
                findings.error(
                    path.name,
                    line_of(element),
                    str(element.tag),
                    "The record is inside the wrong record, so it is not clear what it belongs to. "
                    "Put it into its own.",
                )
            for record in records_of(part):
                _check_record(path.name, record, findings)
        if not count:
            findings.error(path.name, 0, "Child", "The census has no child. Export it again.")
    except NotACensusError as error:
        findings.error(path.name, error.line, error.element, error.message)
    except OSError:
        findings.error(path.name, 0, "", _UNREADABLE)
    return CensusFile(path, digest.digest(), count)


def _trim(part: etree._Element) -> None:
    """Leave out the blanks around every value, as records do, so that the XSD judges the same."""
    for element in part.iter(etree.Element):
        if not len(element) and element.text and (value := trim(element.text)) != element.text:
            element.text = value


def _tell_stray(file: str, element: etree._Element, findings: _Findings) -> None:
    name = str(element.tag)
    if name in ELEMENTS:
        findings.error(
            file,
            line_of(element),
            name,
            "The element is outside a Child, so it is not clear whose it is. Move it into one.",
        )
    else:
        findings.note(
            file,
            line_of(element),
            name,
            "The element is not part of the census, so it is not read.",
        )


def _check_collection(file: str, header: etree._Element, findings: _Findings) -> None:
    name = header.find("CollectionDetails/Collection")
    if name is not None and trim(name.text or "") not in ("CIN", ""):
        findings.error(
            file,
            line_of(name),
            "Collection",
            "This is a return of another collection, not the children in need census.",
        )


def _check_record(file: str, record: Record, findings: _Findings) -> None:
    """Refuse a child without an id; note repetitions, and count what has no place."""
    module, row = record.module, record.row
    if module.name == "Child":
        child = row["LAchildID"]
        if not child:
            findings.error(file, record.line, "LAchildID", "The child's id is blank. Enter it.")
        elif id_of_spreadsheet(child):
            findings.error(
                file,
                record.line,
                "LAchildID",
                "A spreadsheet has rewritten the child's id. Export it as text.",
            )
        elif child in findings.children:
            where, line = findings.children[child]
            findings.note(
                file,
                record.line,
                "LAchildID",
                f"The child is already in {where}, line {line}. Keep one of them.",
            )
        else:
            findings.children[child] = (file, record.line)
    elif record.is_repeated:
        findings.note(
            file,
            record.line,
            module.identified_by,
            f"The child has another {module.name} with the same dates. Check if it is the same.",
        )
    kept = [part.reads for part in parts_of(module.name) if part.keeps(row)]
    for name in module.elements:
        if row[name] and not any(name in reads for reads in kept):
            findings.not_kept[file, name] += 1


def _note_violations(
    file: str, part: etree._Element, year: int, schema: CensusSchema, findings: _Findings
) -> None:
    """Note each place that does not follow the XSD, once, in words that quote no value."""
    seen = set()
    for entry in schema.violations(part):
        found = _ELEMENT.match(entry.message)
        element = found.group(1) if found else str(part.tag)
        if (entry.line, element) not in seen:
            seen.add((entry.line, element))
            findings.note(file, entry.line, element, _violation(entry, year))


def _violation(entry: etree._LogEntry, year: int) -> str:
    """Return a violation in fixed words. Names in it are the XSD's."""
    kind, message = entry.type_name, entry.message
    expected = EXPECTED.search(message)
    if "Missing child element" in message and expected:
        return f"An element is missing: {expected.group(1)}. Add it."
    if kind == "SCHEMAV_ELEMENT_CONTENT":
        return f"The element does not belong here in the census of {year}." + (
            f" Expected: {expected.group(1)}." if expected else ""
        )
    if kind == "SCHEMAV_CVC_ENUMERATION_VALID":
        return f"The value is not a code of the census of {year}. Correct it."
    if kind == "SCHEMAV_CVC_COMPLEX_TYPE_2_3":
        return "There is text between the elements. Remove it."
    if "'xs:date'" in message:
        wrong = _WRONG_DATE.search(message)
        if wrong and readable_date(wrong.group(1)):
            return "The date is read, but it is not written as yyyy-mm-dd."
        return "This is not a date. Write an existing day as yyyy-mm-dd."
    return "The value does not have the form that the census asks for. Correct it."
