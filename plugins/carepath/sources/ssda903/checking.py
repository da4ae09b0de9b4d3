"""Check a whole return before any of it is loaded, and list all its errors at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from carepath.contract.code_lists import collection_year
from carepath.errors import DeliveryError
from carepath.sources.notes import DeliveryNote
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
MOST_NOTES_PER_FILE: Final = 200


class MalformedReturnError(DeliveryError):
    """Files of a return that cannot be read; `errors` names each place."""

    errors: tuple[DeliveryNote, ...] = ()


@dataclass(frozen=True)
class ReturnFile:
    """One file of a checked return: its table, its columns in order and a digest of its bytes."""

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
        notes: what a person should put right, although the rows are loaded.
    """

    folder: Path
    period: int
    files: Mapping[str, ReturnFile]
    notes: tuple[DeliveryNote, ...]


class _EnoughError(Exception):
    """MOST_ERRORS have been found."""


@dataclass
class _Notices:
    """The errors and notes found so far."""

    errors: list[DeliveryNote] = field(default_factory=list)
    notes: list[DeliveryNote] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def error(self, file: str, line: int, column: str, message: str) -> None:
        self.errors.append(DeliveryNote(file, line, column, message))
        if len(self.errors) >= MOST_ERRORS:
            raise _EnoughError

    def note(self, file: str, line: int, column: str, message: str) -> None:
        self.counts[file] += 1
        if self.counts[file] <= MOST_NOTES_PER_FILE:
            self.notes.append(DeliveryNote(file, line, column, message))

    def all_notes(self) -> tuple[DeliveryNote, ...]:
        more = [
            DeliveryNote(file, 0, "", f"{count - MOST_NOTES_PER_FILE} more notes are left out.")
            for file, count in self.counts.items()
            if count > MOST_NOTES_PER_FILE
        ]
        return tuple(sorted([*self.notes, *more]))


def check_return(folder: Path, period: int | None = None) -> CheckedReturn:
    """Read every file of a return once and check it.

    Args:
        folder: the CSV files. They may have any name: the header says which table a file holds.
        period: the collection year; None to find it in the data (see docs/sources_ssda903.md).

    Raises:
        MalformedReturnError: names file, line and column of up to 50 errors.
    """
    notices = _Notices()
    files: dict[str, ReturnFile] = {}
    years: dict[tuple[str, str], Counter[int]] = {}
    try:
        for path in _csv_files(folder, notices):
            checked = _check_file(path, notices, years)
            if checked is None:
                continue
            first = files.setdefault(checked.table.name, checked)
            if first is not checked:
                notices.error(
                    path.name,
                    1,
                    "",
                    f"{first.path.name} is also a file of {checked.table.title}. Keep one of them.",
                )
        if not notices.errors:
            _check_completeness(files, notices)
            period = period or _period(years)
            if period is None:
                notices.error(
                    folder.name,
                    0,
                    "",
                    "No date shows the collection year. Give it as ssda903:FOLDER?period=YEAR.",
                )
            else:
                _check_years(files, period, notices)
    except _EnoughError:
        pass
    if notices.errors or period is None:
        raise _malformed(folder, notices.errors)
    return CheckedReturn(folder, period, files, notices.all_notes())


def _csv_files(folder: Path, notices: _Notices) -> Iterator[Path]:
    """Yield the folder's CSV files in order of name; note any other files."""
    if not folder.is_dir():
        notices.error(folder.name, 0, "", "There is no such folder. Check the path.")
        return
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "~")))
    found = [path for path in entries if path.suffix.lower() == ".csv" and path.is_file()]
    if not found:
        inner = any(path.is_dir() for path in entries)
        notices.error(
            folder.name,
            0,
            "",
            "The folder holds no CSV file."
            + (" Give the folder of one return inside it." if inner else ""),
        )
    for path in entries:
        if path not in found:
            notices.note(path.name, 0, "", "The file was not read, because it is not a CSV file.")
    yield from found


def _check_file(
    path: Path, notices: _Notices, years: dict[tuple[str, str], Counter[int]]
) -> ReturnFile | None:
    """Check one file; return it if its header was recognised."""

    def tell(line: int, column: str, message: str) -> None:
        notices.error(path.name, line, column, message)

    def note(line: int, column: str, message: str) -> None:
        notices.note(path.name, line, column, message)

    digest = new_digest()
    rows = read_rows(path, tell, digest)
    before = len(notices.errors)
    header = next(rows, None)
    if header is None:
        if len(notices.errors) == before:
            tell(1, "", "The file is empty. Export it again.")
        return None
    table = None if len(notices.errors) > before else recognise(header.fields, tell)
    if table is None:
        return None
    columns = tuple(map(table.column, header.fields))
    count = _check_rows(rows, table, columns, years, tell, note)
    if not count and not table.may_be_empty and len(notices.errors) == before:
        tell(2, columns[0].name, "The file holds only its header. Export it again.")
    elif not count and len(notices.errors) == before:
        note(2, columns[0].name, "The file holds only its header, so the return has no such rows.")
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
            note(
                row.line,
                names[unique[-1]],
                f"The line repeats {what} of line {first}. Keep one of them.",
            )
        for name in decimal_columns(row, columns):
            if name not in decimals:
                decimals.add(name)
                note(row.line, name, "Whole numbers are written with decimals, from this line on.")
        for name, i in shown:
            day = parse_date(row.fields[i].strip())
            if day is not None:
                years[table.name, name][collection_year(day)] += 1
    return count


def _check_completeness(files: Mapping[str, ReturnFile], notices: _Notices) -> None:
    for table in load_layout().values():
        if table.required and table.name not in files:
            notices.error(
                f"{table.name} file", 0, "", f"The return has no {table.title} file. Add it."
            )


def _check_years(files: Mapping[str, ReturnFile], period: int, notices: _Notices) -> None:
    for file in files.values():
        if period not in file.table.years:
            notices.error(
                file.path.name,
                1,
                "",
                f"{file.table.title} is part of returns {file.table.years}, and this return is"
                f" for {period}. Remove the file, or correct the collection year.",
            )
        elif tuple(column.name for column in file.columns) != file.table.header_in(period):
            notices.error(
                file.path.name,
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


def _malformed(folder: Path, errors: list[DeliveryNote]) -> MalformedReturnError:
    ordered = sorted(errors)
    at_least = "at least " if len(ordered) >= MOST_ERRORS else ""
    count = f"{at_least}{len(ordered)} error{'s' * (len(ordered) != 1)}"
    error = MalformedReturnError(
        f"The return has {count}, so nothing was loaded:\n"
        + "\n".join(f"  {each}" for each in ordered)
        + "\n",
        where=f"SSDA903 return {folder.name}",
        todo="Correct these places in the recording system and export the return again. Then "
        "run the night again.",
    )
    error.errors = tuple(ordered)
    return error
