"""Check a whole return before any of it is loaded, and list all its errors at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from carepath.contract.code_lists import collection_year
from carepath.sources.blanks import trim
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
from carepath.sources.ssda903.layout import ReturnColumn, ReturnTable, load_layout
from carepath.sources.ssda903.reading import (
    Row,
    Tell,
    check_row,
    is_foreign,
    odd_columns,
    parse_date,
    read_rows,
    recognise,
    unnamed_columns,
    whole_number,
    without,
)
from carepath.sources.ssda903.xml_reading import read_records

# what Header says of a child, and other files repeat
REPEATED: Final = {"DOB": "date of birth", "SEX": "sex"}
_SEXES: Final = {"1": "M", "2": "F"}  # up to 2024, and since


class MalformedReturnError(MalformedFilesError):
    """Files of a return that cannot be read; `errors` names each place."""


@dataclass(frozen=True)
class ReturnFile:
    """One table of a checked return: its file, its columns in order and a digest of the file.

    An XML file holds several tables.
    """

    file: DeliveredFile
    table: ReturnTable
    columns: tuple[ReturnColumn, ...]
    digest: bytes
    row_count: int


@dataclass(frozen=True)
class CheckedReturn:
    """A return without structural errors.

    Attributes:
        name: the folder or the file that was given.
        period: collection year Y, which covers 1 April Y-1 to 31 March Y.
        files: by the name of the return's table.
        notes: what a person should put right, although the rows are loaded.
    """

    name: str
    period: int
    files: Mapping[str, ReturnFile]
    notes: tuple[DeliveryNote, ...]


@dataclass
class _Shown:
    """What rows show beside themselves.

    Attributes:
        years: how many dates are in each collection year, by table and column.
        said: where each table first says a date of birth or a sex, by table, column, child and
            value: the file, the line and the child's place in it.
    """

    years: dict[tuple[str, str], Counter[int]] = field(default_factory=dict)
    said: dict[tuple[str, str, str, str], tuple[str, int, str]] = field(default_factory=dict)

    def add(self, other: _Shown) -> None:
        """Add what the rows of another file show."""
        for column, counts in other.years.items():
            self.years.setdefault(column, Counter()).update(counts)
        self.said.update(other.said)


def check_return(path: Path, period: int | None = None) -> CheckedReturn:
    """Read every file of a return once and check it.

    Args:
        path: a folder, a zip or one file. The files are CSV or XML and may have any name: what they
            hold says which tables they are.
        period: the collection year; None to find it in the data (see docs/sources_ssda903.md).

    Raises:
        MalformedReturnError: names file, line and column of up to 50 errors.
    """
    notices = Notices()
    try:
        files = find_files(path, notices.error, notices.note)
        mine = [file for file in files if is_part_of_return(file)]
        for file in files:
            if file not in mine:
                notices.note(file.name, 0, "", "The file was not read: it is not of the return.")
        if not mine and not notices.errors:
            notices.error(path.name, 0, "", "No file of the return was found. Check the path.")
    except EnoughErrorsError:
        mine = []
    return _check(path.name, mine, period, notices)


def check_files(name: str, files: Sequence[DeliveredFile], period: int | None) -> CheckedReturn:
    """Check files that are known to be of the return; see check_return."""
    return _check(name, files, period, Notices())


def is_part_of_return(file: DeliveredFile) -> bool:
    """Say whether a file can be of the return: any CSV, or XML that is not another collection's."""
    if file.content == "csv":
        return True
    return file.content == "xml" and file.root.upper() not in OTHER_ROOTS


def is_ssda903(file: DeliveredFile) -> bool:
    """Say whether a file holds tables of the return, for a folder with files of several kinds."""
    if file.content == "xml":
        return file.root.upper() not in OTHER_ROOTS
    if file.content != "csv" or Path(file.name).suffix.lower() == ".csv":
        return file.content == "csv"
    try:
        with opened(file, new_digest()) as content:
            header = next(read_rows(content, lambda *_: None), None)
    except OSError:
        return True  # it is told when it is checked
    return header is None or not is_foreign(header.fields)


OTHER_ROOTS: Final = frozenset({"MESSAGE"})  # the children in need census


def _check(
    name: str, delivered: Sequence[DeliveredFile], period: int | None, notices: Notices
) -> CheckedReturn:
    files: dict[str, ReturnFile] = {}
    shown = _Shown()
    digests: dict[bytes, str] = {}
    try:
        for file in delivered:
            check = _check_xml if file.content == "xml" else _check_csv
            try:
                of_file = _Shown()
                found = check(file, notices, of_file)
            except OSError:
                notices.error(
                    file.name, 0, "", "The file is damaged or went away. Export it again."
                )
                continue
            copy_of = digests.setdefault(found[0].digest, file.name) if found else file.name
            if copy_of != file.name:
                notices.note(file.name, 0, "", f"The file is a copy of {copy_of}: it is left out.")
                continue
            shown.add(of_file)
            for checked in found:
                first = files.setdefault(checked.table.name, checked)
                if first is not checked:
                    notices.error(
                        file.name,
                        1,
                        "",
                        f"{first.file.name} is also a file of {checked.table.title}. Keep one of"
                        " them.",
                    )
        if not notices.errors:
            _check_completeness(files, notices)
            period = period or _period(shown.years)
            if period is None:
                notices.error(
                    name,
                    0,
                    "",
                    "No date shows the collection year. Give it as ssda903:FOLDER?period=YEAR.",
                )
            else:
                _check_years(files, period, notices)
            _check_repeated(shown, notices)
    except EnoughErrorsError:
        pass
    if notices.errors or period is None:
        raise MalformedReturnError.of(f"SSDA903 return {name}", notices.errors)
    return CheckedReturn(name, period, files, notices.all_notes())


def _check_csv(file: DeliveredFile, notices: Notices, shown: _Shown) -> list[ReturnFile]:
    """Check one CSV file; return it if its header was recognised."""

    def tell(line: int, column: str, message: str) -> None:
        notices.error(file.name, line, column, message)

    def note(line: int, column: str, message: str) -> None:
        notices.note(file.name, line, column, message)

    digest = new_digest()
    with opened(file, digest) as content:
        rows = read_rows(content, tell)
        before = len(notices.errors)
        header = next(rows, None)
        if header is None:
            if len(notices.errors) == before:
                tell(1, "", "The file is empty. Export it again.")
            return []
        if Path(file.name).suffix.lower() != ".csv" and is_foreign(header.fields):
            note(0, "", "The file was not read: it is not of the return.")
            return []
        found = None if len(notices.errors) > before else recognise(header, tell, note)
        if found is None:
            return []
        table = _TableCheck(file.name, found.table, found.columns, shown, tell, note)
        unnamed = unnamed_columns(header)
        for row in rows:
            table.add(without(row, unnamed))
    if not table.count and not found.table.may_be_empty and len(notices.errors) == before:
        tell(2, found.columns[0].name, "The file holds only its header. Export it again.")
    elif not table.count and len(notices.errors) == before:
        note(
            2,
            found.columns[0].name,
            "The file holds only its header, so the return has no such rows.",
        )
    return [ReturnFile(file, found.table, found.columns, digest.digest(), table.count)]


def _check_xml(file: DeliveredFile, notices: Notices, shown: _Shown) -> list[ReturnFile]:
    """Check one XML file; return its tables."""

    def tell(line: int, column: str, message: str) -> None:
        notices.error(file.name, line, column, message)

    def note(line: int, column: str, message: str) -> None:
        notices.note(file.name, line, column, message)

    digest = new_digest()
    tables: dict[str, _TableCheck] = {}
    before = len(notices.errors)
    with opened(file, digest) as content:
        for record in read_records(content, tell):
            table = tables.get(record.table.name)
            if table is None:
                table = _TableCheck(
                    file.name, record.table, record.table.columns, shown, tell, note
                )
                tables[record.table.name] = table
            if record.row:
                table.add(record.row)
    if not tables and len(notices.errors) == before:
        tell(1, "", "The file holds no record of the return. Export it again.")
    return [
        ReturnFile(file, each.table, each.columns, digest.digest(), each.count)
        for each in tables.values()
    ]


class _TableCheck:
    """Checks the rows of one table in one file, one after the other; `count` says how many."""

    def __init__(
        self,
        file: str,
        table: ReturnTable,
        columns: tuple[ReturnColumn, ...],
        shown: _Shown,
        tell: Tell,
        note: Tell,
    ) -> None:
        self.table, self.columns, self.count = table, columns, 0
        self._file, self._said = file, shown.said
        self._tell, self._note = tell, note
        names = [column.name for column in columns]
        self._unique = [names.index(name) for name in table.unique]
        self._child = names.index("CHILD")
        self._repeated = [(name, names.index(name)) for name in REPEATED if name in names]
        self._dates = [
            (shown.years.setdefault((table.name, name), Counter()), names.index(name))
            for name in table.year_shown_by
        ]
        self._first_lines: dict[tuple[str, ...], Row] = {}
        self._odd: set[tuple[str, str]] = set()

    def add(self, row: Row) -> None:
        """Check one row."""
        if not check_row(row, self.columns, self._tell, self._note):
            return
        self.count += 1
        key = tuple(trim(row.fields[i]).upper() for i in self._unique)
        first = self._first_lines.setdefault(key, row)
        if first is not row:
            what = " and ".join(self.table.unique)
            self._note(
                row.line,
                self.columns[self._unique[-1]].name + row.place,
                f"The line repeats {what} of line {first.line}{first.place}. Keep one of them.",
            )
        for name, form in odd_columns(row, self.columns):
            if (name, form) not in self._odd:
                self._odd.add((name, form))
                self._note(row.line, name, f"{form}, from this line on.")
        child = trim(row.fields[self._child]).upper()
        for name, i in self._repeated:
            if value := _plain(name, trim(row.fields[i])):
                place = (self._file, row.line, row.place)
                self._said.setdefault((self.table.name, name, child, value), place)
        for years, i in self._dates:
            day = parse_date(trim(row.fields[i]))
            if day is not None:
                years[collection_year(day)] += 1


def _plain(column: str, value: str) -> str:
    """Return a date of birth or a sex as all years and files write it; blank if it is neither."""
    if column == "SEX":
        return _SEXES.get(found := whole_number(value).upper(), found)
    day = parse_date(value)
    return day.isoformat() if day else ""


def _check_repeated(shown: _Shown, notices: Notices) -> None:
    """Note where a file says something else about a child than Header does.

    Header's value is loaded, because the contract has it once. Rules INT11 to INT18 and INT21 of
    the Department compare the files as well.
    """
    of_header: dict[tuple[str, str], set[str]] = {}
    for table, column, child, value in shown.said:
        if table == "header":
            of_header.setdefault((child, column), set()).add(value)
    for (_, column, child, value), (file, line, place) in shown.said.items():
        if value not in of_header.get((child, column), {value}):
            notices.note(
                file,
                line,
                column + place,
                f"The child's {REPEATED[column]} is not the one in Header, which is loaded."
                " Correct the one that is wrong.",
            )


def _check_completeness(files: Mapping[str, ReturnFile], notices: Notices) -> None:
    for table in load_layout().values():
        if table.required and table.name not in files:
            notices.error(
                f"{table.name} file", 0, "", f"The return has no {table.title} file. Add it."
            )


def _check_years(files: Mapping[str, ReturnFile], period: int, notices: Notices) -> None:
    for file in files.values():
        if period not in file.table.years:
            notices.error(
                file.file.name,
                1,
                "",
                f"{file.table.title} is part of returns {file.table.years}, and this return is"
                f" for {period}. Remove the file, or correct the collection year.",
            )
        elif file.file.content == "csv" and {column.name for column in file.columns} != {
            *file.table.header_in(period)
        }:
            notices.error(
                file.file.name,
                1,
                "",
                f"The header is not that of collection year {period}. Export the file for it.",
            )


def _period(years: Mapping[tuple[str, str], Counter[int]]) -> int | None:
    """Return the collection year that the data show, or None.

    An ended episode is in the return because it ended in that year. So the year in which most
    episodes ended (DEC) is the return's; a few wrong dates do not matter. If none ended, the year
    of the latest start (DECOM) is.
    """
    for table in load_layout().values():
        for name in table.year_shown_by:
            counts = years.get((table.name, name))
            if counts:
                if name == table.year_shown_by[0]:
                    return max(counts, key=lambda year: (counts[year], year))
                return max(counts)
    return None
