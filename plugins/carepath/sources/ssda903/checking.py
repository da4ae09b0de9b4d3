"""Check a whole return before anything of it is sent: all its errors at once, or a clean bill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from carepath.contract.code_lists import collection_year
from carepath.errors import DeliveryError
from carepath.sources.findings import Finding
from carepath.sources.ssda903.layout import ReturnColumn, ReturnTable, load_layout
from carepath.sources.ssda903.reading import (
    Row,
    Tell,
    check_row,
    decimal_columns,
    new_digest,
    parse_date,
    read_rows,
    recognise,
)

MOST_ERRORS: Final = 50
MOST_FINDINGS_PER_FILE: Final = 200


class MalformedReturnError(DeliveryError):
    """Files of a return that cannot be read; `errors` names each place."""

    errors: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class ReturnFile:
    """One file of a checked return: its table, its columns in order, its bytes' digest."""

    path: Path
    table: ReturnTable
    columns: tuple[ReturnColumn, ...]
    digest: bytes
    row_count: int


@dataclass(frozen=True)
class CheckedReturn:
    """A return without structural errors.

    Attributes:
        folder: where its files are.
        period: collection year Y, which covers 1 April Y-1 to 31 March Y.
        files: by the name of the return's table.
        findings: what a person should put right; the rows are loaded all the same.
    """

    folder: Path
    period: int
    files: Mapping[str, ReturnFile]
    findings: tuple[Finding, ...]


class _EnoughError(Exception):
    """MOST_ERRORS have been found."""


@dataclass
class _Notes:
    """Errors and findings as they turn up."""

    errors: list[Finding] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def error(self, file: str, line: int, column: str, message: str) -> None:
        self.errors.append(Finding(file, line, column, message))
        if len(self.errors) >= MOST_ERRORS:
            raise _EnoughError

    def finding(self, file: str, line: int, column: str, message: str) -> None:
        self.counts[file] += 1
        if self.counts[file] <= MOST_FINDINGS_PER_FILE:
            self.findings.append(Finding(file, line, column, message))

    def all_findings(self) -> tuple[Finding, ...]:
        more = [
            Finding(file, 0, "", f"{count - MOST_FINDINGS_PER_FILE} more findings are not named.")
            for file, count in self.counts.items()
            if count > MOST_FINDINGS_PER_FILE
        ]
        return tuple(sorted([*self.findings, *more]))


def check_return(folder: Path, period: int | None = None) -> CheckedReturn:
    """Read every file of a return once and check it.

    Args:
        folder: the CSV files; their names are free, their headers say what they hold.
        period: the collection year; None works it out from the data (see docs/sources_ssda903.md).

    Raises:
        MalformedReturnError: names file, line and column of up to 50 errors.
    """
    notes = _Notes()
    files: dict[str, ReturnFile] = {}
    years: dict[tuple[str, str], Counter[int]] = {}
    try:
        for path in _csv_files(folder, notes):
            checked = _check_file(path, notes, years)
            if checked is None:
                continue
            first = files.setdefault(checked.table.name, checked)
            if first is not checked:
                notes.error(
                    path.name,
                    1,
                    "",
                    f"{first.path.name} is a {checked.table.title} file as well; keep one.",
                )
        if not notes.errors:
            _check_completeness(files, notes)
            period = period or _period(years)
            if period is None:
                notes.error(
                    folder.name,
                    0,
                    "",
                    "no date tells the collection year; give it as ssda903:FOLDER?period=YEAR.",
                )
            else:
                _check_years(files, period, notes)
    except _EnoughError:
        pass
    if notes.errors or period is None:
        raise _malformed(folder, notes.errors)
    return CheckedReturn(folder, period, files, notes.all_findings())


def _csv_files(folder: Path, notes: _Notes) -> Iterator[Path]:
    """Yield the folder's CSV files by name; note what else lies there."""
    if not folder.is_dir():
        notes.error(folder.name, 0, "", "there is no such folder; check the path.")
        return
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "~")))
    found = [path for path in entries if path.suffix.lower() == ".csv" and path.is_file()]
    if not found:
        inner = any(path.is_dir() for path in entries)
        notes.error(
            folder.name,
            0,
            "",
            "the folder holds no CSV file"
            + ("; name the folder of one return inside it." if inner else "."),
        )
    for path in entries:
        if path not in found:
            notes.finding(path.name, 0, "", "was not read, since it is no CSV file.")
    yield from found


def _check_file(
    path: Path, notes: _Notes, years: dict[tuple[str, str], Counter[int]]
) -> ReturnFile | None:
    """Check one file; return it if its header was recognised."""

    def tell(line: int, column: str, message: str) -> None:
        notes.error(path.name, line, column, message)

    def note(line: int, column: str, message: str) -> None:
        notes.finding(path.name, line, column, message)

    digest = new_digest()
    rows = read_rows(path, tell, digest)
    before = len(notes.errors)
    header = next(rows, None)
    if header is None:
        if len(notes.errors) == before:
            tell(1, "", "the file is empty; export it again.")
        return None
    table = None if len(notes.errors) > before else recognise(header.fields, tell)
    if table is None:
        return None
    columns = tuple(map(table.column, header.fields))
    count = _check_rows(rows, table, columns, years, tell, note)
    if not count and not table.may_be_empty and len(notes.errors) == before:
        tell(2, columns[0].name, "the file holds only its header; export it again.")
    elif not count and len(notes.errors) == before:
        note(2, columns[0].name, "the file holds only its header: the return has none of these.")
    return ReturnFile(path, table, columns, digest.digest(), count)


def _check_rows(
    rows: Iterator[Row],
    table: ReturnTable,
    columns: tuple[ReturnColumn, ...],
    years: dict[tuple[str, str], Counter[int]],
    tell: Tell,
    note: Tell,
) -> int:
    """Check the rows below a header; return how many there are."""
    names = [column.name for column in columns]
    unique = [names.index(name) for name in table.unique]
    shown = [(name, names.index(name)) for name in table.year_shown_by]
    for name, _ in shown:
        years.setdefault((table.name, name), Counter())
    seen: dict[tuple[str, ...], int] = {}
    decimals: set[str] = set()
    count = 0
    for row in rows:
        if not check_row(row, columns, tell, note):
            continue
        count += 1
        key = tuple(row.fields[i].strip().upper() for i in unique)
        first = seen.setdefault(key, row.line)
        if first != row.line:
            what = " and ".join(table.unique)
            note(row.line, names[unique[-1]], f"repeats {what} of line {first}; keep one of them.")
        for name in decimal_columns(row, columns):
            if name not in decimals:
                decimals.add(name)
                note(row.line, name, "a whole number is written with decimals, here first.")
        for name, i in shown:
            day = parse_date(row.fields[i].strip())
            if day is not None:
                years[table.name, name][collection_year(day)] += 1
    return count


def _check_completeness(files: Mapping[str, ReturnFile], notes: _Notes) -> None:
    for table in load_layout().values():
        if table.required and table.name not in files:
            notes.error(f"{table.name} file", 0, "", f"the return has no {table.title} file.")


def _check_years(files: Mapping[str, ReturnFile], period: int, notes: _Notes) -> None:
    for file in files.values():
        if period not in file.table.years:
            notes.error(
                file.path.name,
                1,
                "",
                f"{file.table.title} is part of returns {file.table.years} and this one is of"
                f" {period}; remove the file or correct the collection year.",
            )
        elif tuple(column.name for column in file.columns) != file.table.header_in(period):
            notes.error(
                file.path.name,
                1,
                "",
                f"the header is not that of collection year {period}; export the file for it.",
            )


def _period(years: Mapping[tuple[str, str], Counter[int]]) -> int | None:
    """Return the collection year that the data show, or None.

    An episode that ended is in the return because it ended in its year: the year of most DECs is
    the return's, whatever a few wrong dates say. Where none ended, the latest start decides.
    """
    for table in load_layout().values():
        for name in table.year_shown_by:
            counts = years.get((table.name, name))
            if counts:
                if name == table.year_shown_by[0]:
                    return max(counts, key=lambda year: (counts[year], year))
                return max(counts)
    return None


def _malformed(folder: Path, errors: list[Finding]) -> MalformedReturnError:
    ordered = sorted(errors)
    more = f" (the first {MOST_ERRORS})" if len(ordered) >= MOST_ERRORS else ""
    count = f"{len(ordered)} error{'s' * (len(ordered) != 1)}"
    error = MalformedReturnError(
        f"the return has {count}{more} and nothing of it was loaded:\n"
        + "\n".join(f"  {each}" for each in ordered)
        + "\n",
        where=f"SSDA903 return {folder.name}",
        todo="correct the named places in the recording system's export and run the night again.",
    )
    error.errors = tuple(ordered)
    return error
