"""Read the CSV files of a return: every line that leaves a doubt is reported with its column.

What a person would read without a doubt is read: columns in another order, a header in lower case,
semicolons or tabs in the whole file, UTF-16, a date written otherwise. A file is read line by line,
never as a whole. An error names file, line and column, but never a value, because the values are a
child's record.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Protocol

from carepath.contract.model import LONGEST_VALUE
from carepath.sources.blanks import trim
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
SEPARATORS: Final = {";": "semicolon", "\t": "tab", "|": "vertical bar", ",": "comma"}
EARLIEST_YEAR, LATEST_YEAR = 1900, 2100

# beside dd/mm/yyyy, what a spreadsheet or a database makes of a date; a day of two years' digits or
# with the month first leaves a doubt
_DATE = re.compile(r"(\d\d?)[/.-](\d\d?)[/.-](\d{4})(?:[ T]00:00(?::00(?:\.0+)?)?)?", re.ASCII)
_ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[ T]00:00(?::00(?:\.0+)?)?)?", re.ASCII)
_NAMED_DATE = re.compile(r"(\d\d?)[ -]([A-Za-z]{3,9})[ -](\d{4})", re.ASCII)
_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
AS_THE_RETURN: Final = re.compile(r"\d\d/\d\d/\d{4}", re.ASCII)
_PARTIAL_DATE = re.compile(r"(zz|\d\d)/(zz|\d\d)/(zzzz|\d{4})", re.ASCII | re.IGNORECASE)
_DECIMAL = re.compile(r"(\d+)\.0+", re.ASCII)
_INTEGER = re.compile(r"\d+(\.0+)?", re.ASCII)
# what a spreadsheet makes of an id: 398768.0, 3.98E+05, '398768, ="398768", 398,768, #N/A, #######;
# with the settings of other countries also 398768,0, 3,98E+05 and 398 768 (no-break spaces)
_SPREADSHEET_ID = re.compile(
    r"\d+[.,]0+|\d([.,]\d+)?[Ee]\+\d+|\d[.,]\d+[Ee]\d+|['=#].*|\d{1,3}([,\u00a0\u202f]\d{3})+"
    r"|null|\(null\)|<null>|none|n/?a|<na>|nan|true|false|\d\d?/\d\d?/\d{4}",
    re.ASCII | re.IGNORECASE,
)
_YES: Final = frozenset({"1", "01", "y", "yes", "true", "t"})
_NO: Final = frozenset({"0", "00", "n", "no", "false", "f"})


@dataclass(frozen=True)
class Row:
    """One record: the line on which it starts and its fields as sent.

    `place` is said behind a column's name; in XML, it says which child, because a whole file is
    often one line.
    """

    line: int
    fields: list[str]
    place: str = ""


class Tell(Protocol):
    """The function that a reader calls for each error."""

    def __call__(self, line: int, column: str, message: str, /) -> None: ...


def read_rows(file: io.BufferedReader, tell: Tell) -> Iterator[Row]:
    """Yield the rows of a file in UTF-8 or UTF-16, the header first.

    A byte order mark, CRLF line ends, quoted fields (with commas, quotes and line breaks), blank
    lines and rows of commas are fine. The separator is the one that makes a header of the return of
    the first line. Anything else is an error, and its line is left out.

    Args:
        file: the file's bytes; it is read to the end.
        tell: called with line, column and message for each error.
    """
    damaged: dict[int, str] = {}
    lines = _lines(file, damaged, tell)
    first = next(lines, None)
    if first is None:
        return
    skipped = 0
    if found := _SEPARATOR_LINE.fullmatch(first.strip("\r\n")):
        skipped, separator = 1, found.group(1)
        first = next(lines, None)
        if first is None:
            return
    else:
        separator = separator_of(first)
    lines = itertools.chain([first], lines)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1 + skipped
        try:
            fields = next(reader)
        except StopIteration:
            break
        except csv.Error:
            _tell_damage(damaged, tell, header or [], [])
            last = reader.line_num + skipped
            tell(line, "", _quoting(line, last))
            if last > line:
                return  # the open quote covers all lines that follow, so they cannot be checked
            continue
        if not any(map(trim, fields)):
            continue
        if damaged:
            _tell_damage(damaged, tell, header or [], fields if header else [])
            if header:
                continue
        header = header or fields
        yield Row(line, fields)
    _tell_damage(damaged, tell, header or [], [])


_SEPARATOR_LINE: Final = re.compile(r"\"?sep=([,;\t|])\"?", re.IGNORECASE)


def separator_of(line: str) -> str:
    """Return the character that makes a header of the return of a line; a comma if none does."""
    for separator in SEPARATORS:
        try:
            (names,) = csv.reader([line], delimiter=separator)
        except (csv.Error, ValueError):
            continue
        if _table_of(names):
            return separator
    return ","


def _lines(file: io.BufferedReader, damaged: dict[int, str], tell: Tell) -> Iterator[str]:
    start = file.peek(2)[:2]
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        yield from _lines_of_utf16(file, damaged, tell)
        return
    number = 0
    while raw := file.readline(LONGEST_LINE):
        number += 1
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
            tell(number, "", _ENDLESS)
            return
        if b"\0" in raw:
            damaged[number] = "The line holds a NUL byte. Export the file again."
            raw = raw.replace(b"\0", DAMAGE.encode())
        try:
            yield raw.decode("utf-8")
        except UnicodeDecodeError:
            damaged[number] = "The line is not in UTF-8. Save the file as 'CSV UTF-8'."
            yield raw.decode("utf-8", errors="replace")


def _lines_of_utf16(file: io.BufferedReader, damaged: dict[int, str], tell: Tell) -> Iterator[str]:
    """Yield the lines of a file that a spreadsheet has saved as Unicode text."""
    text = io.TextIOWrapper(file, "utf-16", errors="replace", newline="\n")
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith("\n"):
            tell(number, "", _ENDLESS)
            return
        if DAMAGE in line or "\0" in line:
            damaged[number] = "The line is damaged. Save the file as 'CSV UTF-8'."
            line = line.replace("\0", DAMAGE)
        yield line


_ENDLESS: Final = "The line does not end, so this is not a CSV file. Export it again."


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


def unnamed_columns(header: Row) -> frozenset[int]:
    """Return the positions of the columns without a name, which a spreadsheet may have added."""
    return frozenset(n for n, name in enumerate(header.fields) if not trim(name))


def without(row: Row, unnamed: frozenset[int]) -> Row:
    """Return a row without the blanks of columns without a name. A value there stays."""
    if not unnamed:
        return row
    kept = [v for n, v in enumerate(row.fields) if n not in unnamed or trim(v)]
    return Row(row.line, kept, row.place)


def recognise(row: Row, tell: Tell, note: Tell) -> Columns | None:
    """Return table and columns of a header, in any order; if there is none, report what differs."""
    header, line = row.fields, row.line
    names = [name for name in map(_plain, header) if name]
    table = _table_of(names)
    if table:
        named = [name for name in header if trim(name)]
        if tuple(named) not in table.headers:
            note(line, "", "The header has the right columns, but is not written exactly.")
        return Columns(table, tuple(map(table.column, names)))
    tables = load_layout().values()
    table, expected = max(
        ((table, columns) for table in tables for columns in table.headers),
        key=lambda pair: len({*names} & {*pair[1]}) / len({*names, *pair[1]}),
    )
    shared = {*names} & {*expected}
    if len(shared) * 2 < len(expected):
        tell(
            line,
            "",
            "This is not a header of the return. Line 1 must hold the column names. If the file is"
            " not of the return, take it away.",
        )
        return None
    _compare(line, names, expected, table, tell)
    return None


@dataclass(frozen=True)
class Columns:
    """The table that a header names, and its columns in the header's order."""

    table: ReturnTable
    columns: tuple[ReturnColumn, ...]


def is_foreign(header: Sequence[str]) -> bool:
    """Say whether a first line is plain text: no table, and no column name of the return in it."""
    if len(header) > 1 or any(separator in header[0] for separator in SEPARATORS):
        return False
    return not any(
        _plain(header[0]) == column.name
        for table in load_layout().values()
        for column in table.columns
    )


def _table_of(header: Sequence[str]) -> ReturnTable | None:
    """Return the table whose columns a header has, each once and in any order."""
    ordered = sorted(name for name in map(_plain, header) if name)
    for table in load_layout().values():
        if any(ordered == sorted(columns) for columns in table.headers):
            return table
    return None


def _compare(
    line: int, header: Sequence[str], expected: Sequence[str], table: ReturnTable, tell: Tell
) -> None:
    """Report each difference between a header and the nearest header of the return."""
    what = f"the header of {table.title}"
    for name in expected:
        if name not in header:
            tell(line, name, f"The column is missing from {what}. Add it.")
    for position, name in enumerate(header, 1):
        if name not in expected:
            tell(line, str(position), f"The column does not belong to {what}. Remove it.")
        elif header.index(name) != position - 1:
            tell(line, name, f"The column is twice in {what}. Remove one of them.")


def _plain(name: str) -> str:
    return trim(name).upper()


def check_row(row: Row, columns: Sequence[ReturnColumn], tell: Tell, note: Tell) -> bool:
    """Check one row against its columns. Call `tell` for errors and `note` for delivery notes.

    Returns:
        True if the row has the right number of fields (its values may still be wrong).
    """
    while len(row.fields) > len(columns) and not trim(row.fields[-1]):
        row.fields.pop()
    if len(row.fields) != len(columns):
        _tell_count(row, columns, tell)
        return False
    for column, value in zip(columns, row.fields, strict=True):
        plain, name = trim(value), column.name + row.place
        if not plain:
            if column.type == "id":
                tell(row.line, name, "The child's id is blank. Enter it.")
            elif column.required:
                note(row.line, name, "The value is blank, but the return needs one. Enter it.")
            continue
        if len(value) > LONGEST_VALUE // 4 and len(value.encode()) > LONGEST_VALUE:
            tell(row.line, name, f"The value is longer than {LONGEST_VALUE} bytes. Correct it.")
        elif refusal := _refusal(column.type, plain):
            tell(row.line, name, refusal)
        elif column.type == "integer" and not _INTEGER.fullmatch(plain):
            note(
                row.line,
                name,
                "This is not a whole number, so it is read as blank. Correct it.",
            )
        elif column.type == "flag" and plain_flag(plain) not in ("0", "1"):
            note(
                row.line, name, "This is neither 0 nor 1, so it is counted as neither. Correct it."
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
                what = f"{count}. Replace the {name} with the separator of line 1."
                tell(row.line, column.name, what)
                return
    tell(row.line, columns[found].name, f"{count}. It ends before this column. Add the rest.")


def _refusal(kind: FieldType, value: str) -> str | None:
    """Return the error that a value causes, or None. The gate judges codes, not this function."""
    if kind == "date" and parse_date(value) is None:
        return "This is not a date. Write an existing day as dd/mm/yyyy."
    if kind == "partial_date" and parse_date(value) is None and not _is_partial_date(value):
        return "This is not a date. Write dd/mm/yyyy, with zz for each unknown part."
    if kind == "id" and id_of_spreadsheet(value):
        return "A spreadsheet has rewritten the child's id. Export it as text."
    if kind in ("code", "flag", "integer"):
        if parse_date(value):
            return "This is a date, but the column holds codes. Export the file again."
        if value[0] == "#":
            return "A spreadsheet shows an error here. Enter the code and export the file again."
    return None


def id_of_spreadsheet(value: str) -> bool:
    """Say whether a spreadsheet has rewritten an id."""
    return _SPREADSHEET_ID.fullmatch(value) is not None


@lru_cache(maxsize=65536)
def parse_date(value: str) -> date | None:
    """Return the day that a date names, or None; years 1900 to 2100.

    The return writes dd/mm/yyyy. Other spellings that leave no doubt are read too.
    """
    if found := _DATE.fullmatch(value):
        day, month, year = map(int, found.groups())
    elif found := _ISO_DATE.fullmatch(value):
        year, month, day = map(int, found.groups())
    elif found := _NAMED_DATE.fullmatch(value):
        name = found.group(2).lower()
        month = next((n for n, m in enumerate(_MONTHS, 1) if name in (m, m[:3])), 0)
        day, year = int(found.group(1)), int(found.group(3))
    else:
        return None
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


def plain_flag(value: str) -> str:
    """Return 1 for a yes and 0 for a no, however they are written; any other value as it is."""
    plain = whole_number(trim(value)).lower()
    return "1" if plain in _YES else "0" if plain in _NO else value


def odd_columns(row: Row, columns: Iterable[ReturnColumn]) -> Iterator[tuple[str, str]]:
    """Yield the columns that this row writes in an unusual form, and what the form is."""
    for column, sent in zip(columns, row.fields, strict=True):
        value = trim(sent)
        if column.type in ("code", "integer"):
            if "." in value and _DECIMAL.fullmatch(value):
                yield column.name, "Whole numbers are written with decimals"
        elif column.type == "flag":
            if value not in ("", "0", "1") and plain_flag(value) in ("0", "1"):
                yield column.name, "0 and 1 are written in another way"
        elif column.type == "date" and value and not AS_THE_RETURN.fullmatch(value):
            yield column.name, "Dates are not written as dd/mm/yyyy"
