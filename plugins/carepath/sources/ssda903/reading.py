"""Read the CSV files of a return strictly: every wrong line is reported with its column.

A file is read line by line, never as a whole. An error names file, line and column, but never a
value, because the values are a child's record.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

from carepath.contract.model import LONGEST_VALUE
from carepath.sources.ssda903.layout import (
    FieldType,
    ReturnColumn,
    ReturnTable,
    load_layout,
)

LONGEST_LINE: Final = 1 << 20  # bytes; a longer line is not part of a return
DAMAGE: Final = (
    "\ufffd"  # replaces bytes that are not text, so that the error can name their column
)
SEPARATORS: Final = {";": "semicolon", "\t": "tab", "|": "vertical bar"}
EARLIEST_YEAR, LATEST_YEAR = 1900, 2100

_DATE = re.compile(r"(\d\d)/(\d\d)/(\d{4})", re.ASCII)
_PARTIAL_DATE = re.compile(r"(zz|\d\d)/(zz|\d\d)/(zzzz|\d{4})", re.ASCII | re.IGNORECASE)
_DECIMAL = re.compile(r"(\d+)\.0+", re.ASCII)
_INTEGER = re.compile(r"\d+(\.0+)?", re.ASCII)
_SPREADSHEET_ID = re.compile(r"\d+\.0+|\d(\.\d+)?[Ee]\+\d+", re.ASCII)


@dataclass(frozen=True)
class Row:
    """One record: the line on which it starts and its fields as sent."""

    line: int
    fields: list[str]


class Tell(Protocol):
    """The function that a reader calls for each error."""

    def __call__(self, line: int, column: str, message: str, /) -> None: ...


class Digest(Protocol):
    """A digest that receives every byte of a file."""

    def update(self, data: bytes, /) -> None: ...


def new_digest() -> hashlib.blake2b:
    """Return the digest that shows whether a file changed between two readings."""
    return hashlib.blake2b(digest_size=16)


def read_rows(path: Path, tell: Tell, digest: Digest) -> Iterator[Row]:
    """Yield the rows of a comma-separated UTF-8 file, the header first.

    A byte order mark, CRLF line ends, quoted fields (with commas, quotes and line breaks) and
    blank lines at the end are fine. Anything else is an error, and its line is left out.

    Args:
        path: the file.
        tell: called with line, column and message for each error.
        digest: receives every byte read.
    """
    damaged: dict[int, str] = {}
    reader = csv.reader(_lines(path, damaged, tell, digest), strict=True)
    header: list[str] | None = None
    blank_line = 0
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            break
        except csv.Error:
            _tell_damage(damaged, tell, header or [], [])
            tell(line, "", _quoting(line, reader.line_num))
            if reader.line_num > line:
                return  # the open quote covers all lines that follow, so they cannot be checked
            continue
        if not fields:
            blank_line = blank_line or line
            continue
        if blank_line:
            tell(blank_line, "", "The line is empty. Remove it.")
            blank_line = 0
        if damaged:
            _tell_damage(damaged, tell, header or [], fields if header else [])
            if header:
                continue
        header = header or fields
        yield Row(line, fields)
    _tell_damage(damaged, tell, header or [], [])


def _lines(path: Path, damaged: dict[int, str], tell: Tell, digest: Digest) -> Iterator[str]:
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(LONGEST_LINE):
            digest.update(raw)
            number += 1
            if number == 1:
                if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
                    tell(1, "", "The file is in UTF-16. Save it as 'CSV UTF-8'.")
                    return
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
                tell(
                    number, "", "The line does not end, so this is not a CSV file. Export it again."
                )
                return
            if b"\0" in raw:
                damaged[number] = "The line holds a NUL byte. Export the file again."
                raw = raw.replace(b"\0", DAMAGE.encode())
            try:
                yield raw.decode("utf-8")
            except UnicodeDecodeError:
                damaged[number] = "The line is not in UTF-8. Save the file as 'CSV UTF-8'."
                yield raw.decode("utf-8", errors="replace")


def _tell_damage(
    damaged: dict[int, str], tell: Tell, header: Sequence[str], fields: Sequence[str]
) -> None:
    columns = [
        header[i] if i < len(header) else str(i + 1)
        for i, field in enumerate(fields)
        if DAMAGE in field
    ]
    for line, message in damaged.items():
        tell(line, ", ".join(columns), message)
    damaged.clear()


def _quoting(first: int, last: int) -> str:
    if last > first:
        return "A double quote is not closed. Close it, or double it if it is text."
    return "A double quote or a carriage return is in the wrong place. Remove it."


def recognise(header: Sequence[str], tell: Tell) -> ReturnTable | None:
    """Return the table with exactly this header; if there is none, report what differs."""
    tables = load_layout().values()
    for table in tables:
        if tuple(header) in table.headers:
            return table
    for separator, name in SEPARATORS.items():
        if len(header) == 1 and any(
            tuple(header[0].split(separator)) in table.headers for table in tables
        ):
            tell(1, "1", f"A {name} separates the columns. Save the file with commas.")
            return None
    table, expected = max(
        ((table, names) for table in tables for names in table.headers),
        key=lambda pair: len({*map(_plain, header)} & {*pair[1]}) / len({*header, *pair[1]}),
    )
    shared = {*map(_plain, header)} & {*expected}
    if len(shared) * 2 < len(expected):
        tell(1, "", "This is not a header of the return. Line 1 must hold the exact column names.")
        return None
    _compare(header, expected, table, tell)
    return None


def _compare(
    header: Sequence[str], expected: Sequence[str], table: ReturnTable, tell: Tell
) -> None:
    """Report each difference between a header and the nearest header of the return."""
    what = f"the header of {table.title}"
    for name in expected:
        if name not in map(_plain, header):
            tell(1, name, f"The column is missing from {what}. Add it.")
    for position, sent in enumerate(header, 1):
        name = _plain(sent)
        if name not in expected:
            tell(1, str(position), f"The column does not belong to {what}. Remove it.")
        elif sent != name:
            tell(1, name, f"The name is not written correctly. Write exactly {name}.")
        elif header.index(sent) != position - 1:
            tell(1, name, f"The column is twice in {what}. Remove one of them.")
    if sorted(header) == sorted(expected):
        for sent, name in zip(header, expected, strict=True):
            if sent != name:
                tell(
                    1, sent, f"The column is in the place where {name} belongs. Restore the order."
                )


def _plain(name: str) -> str:
    return name.strip().upper()


def check_row(row: Row, columns: Sequence[ReturnColumn], tell: Tell, note: Tell) -> bool:
    """Check one row against its columns. Call `tell` for errors and `note` for delivery notes.

    Returns:
        True if the row has the right number of fields (its values may still be wrong).
    """
    if len(row.fields) != len(columns):
        _tell_count(row, columns, tell)
        return False
    for column, value in zip(columns, row.fields, strict=True):
        if not value or value.isspace():
            if column.type == "id":
                tell(row.line, column.name, "The child's id is blank. Enter it.")
            elif column.required:
                note(
                    row.line, column.name, "The value is blank, but the return needs one. Enter it."
                )
            continue
        if len(value) > LONGEST_VALUE // 4 and len(value.encode()) > LONGEST_VALUE:
            tell(
                row.line,
                column.name,
                f"The value is longer than {LONGEST_VALUE} bytes. Correct it.",
            )
        elif refusal := _refusal(column.type, value.strip()):
            tell(row.line, column.name, refusal)
        elif column.type == "integer" and not _INTEGER.fullmatch(value.strip()):
            note(
                row.line,
                column.name,
                "This is not a whole number, so it is read as blank. Correct it.",
            )
    return True


def _tell_count(row: Row, columns: Sequence[ReturnColumn], tell: Tell) -> None:
    found, expected = len(row.fields), len(columns)
    count = f"The line has {found} field{'s' * (found != 1)} instead of {expected}"
    if found > expected:
        tell(
            row.line,
            columns[-1].name,
            f"{count}. Put a value that holds a comma into double quotes, or remove the rest.",
        )
        return
    for column, value in zip(columns, row.fields, strict=False):
        for separator, name in SEPARATORS.items():
            if separator in value:
                tell(row.line, column.name, f"{count}. Replace the {name} with a comma.")
                return
    tell(row.line, columns[found].name, f"{count}. It ends before this column. Add the rest.")


def _refusal(kind: FieldType, value: str) -> str | None:
    """Return the error that a value causes, or None. The gate judges codes, not this function."""
    if kind == "date" and parse_date(value) is None:
        return "This is not a date. Write an existing day as dd/mm/yyyy."
    if kind == "partial_date" and parse_date(value) is None and not _is_partial_date(value):
        return "This is not a date. Write dd/mm/yyyy, with zz for each unknown part."
    if kind == "id" and _SPREADSHEET_ID.fullmatch(value):
        return "A spreadsheet has rewritten the child's id. Export it as text."
    return None


@lru_cache(maxsize=65536)
def parse_date(value: str) -> date | None:
    """Return the day that `dd/mm/yyyy` names, or None; years 1900 to 2100."""
    found = _DATE.fullmatch(value)
    if found is None:
        return None
    day, month, year = map(int, found.groups())
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _is_partial_date(value: str) -> bool:
    """Say whether `value` is a date with an unknown (zz) day, month or year."""
    found = _PARTIAL_DATE.fullmatch(value.lower())
    if found is None or "z" not in value.lower():
        return False
    day, month, year = found.groups()
    if month == "zz" or year == "zzzz":
        return day == "zz" and (month == "zz" or year != "zzzz")
    return day == "zz" and 1 <= int(month) <= 12 and EARLIEST_YEAR <= int(year) <= LATEST_YEAR


def whole_number(value: str) -> str:
    """Return `1` for `1.0`, as some exports write a code; any other value as it is."""
    found = _DECIMAL.fullmatch(value) if "." in value else None
    return found.group(1) if found else value


def decimal_columns(row: Row, columns: Iterable[ReturnColumn]) -> Iterator[str]:
    """Yield the code and number columns in which this row writes `1` as `1.0`."""
    for column, value in zip(columns, row.fields, strict=True):
        if column.type in ("code", "integer") and "." in value and _DECIMAL.fullmatch(value):
            yield column.name
