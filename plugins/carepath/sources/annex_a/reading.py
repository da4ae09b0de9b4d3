"""Read the sheets of an Annex A workbook: each row of a list becomes values by field.

A sheet may have any name, lines above its headings, and columns in any order: its headings say
which list it is. An error names sheet, row and heading, but never a value.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from python_calamine import CalamineError, CalamineWorkbook

from carepath.contract.model import LONGEST_VALUE
from carepath.sources.annex_a.layout import AnnexAList, CodeSet, Field, load_layout, plain_words
from carepath.sources.blanks import trim
from carepath.sources.delivered import DeliveredFile, Tell
from carepath.sources.ssda903.reading import (
    EARLIEST_YEAR,
    LATEST_YEAR,
    id_of_spreadsheet,
    parse_date,
)

LINES_ABOVE: Final = 30  # a heading row is among the first of a sheet
ADOPTERS: Final = 11  # the list that has no table in the contract
LARGEST_ID: Final = 10**15  # a spreadsheet keeps 15 digits
Cells = Sequence[Any]
_Near = tuple[AnnexAList, tuple[Field | None, ...]]


@dataclass(frozen=True)
class ListRow:
    """One row of a list: the list's number, the place for messages, and its values by field."""

    number: int
    file: str
    line: int
    values: Mapping[str, str]


@dataclass(frozen=True)
class _Headings:
    """The row with the headings: its list, and the field of each column."""

    of: AnnexAList
    row: int
    columns: tuple[Field | None, ...]


class _RefusedError(Exception):
    """A cell that is refused; the message says what to do."""


def is_annex_a(file: DeliveredFile) -> bool:
    """Say whether a workbook has a sheet with the headings of a list."""
    try:
        with file.open() as content, CalamineWorkbook.from_filelike(content) as book:
            return any(
                _near(cells) is not None
                for name in book.sheet_names
                for cells in book.get_sheet_by_name(name).to_python(
                    skip_empty_area=False, nrows=LINES_ABOVE
                )
            )
    except (CalamineError, OSError, ValueError):
        return False


def read_lists(file: DeliveredFile, tell: Tell, note: Tell) -> list[ListRow]:
    """Return the rows of all lists of a workbook, in order of the list's number.

    Args:
        file: a workbook (.xlsx, .xlsm, .xls or .ods).
        tell: called for each error.
        note: called for each finding that does not stop the load.
    """
    try:
        with file.open() as content, CalamineWorkbook.from_filelike(content) as book:
            sheets = [
                (f"{file.name}, sheet {name}", _cells_of(book, name)) for name in book.sheet_names
            ]
    except (CalamineError, OSError, ValueError):
        tell(file.name, 0, "", "The workbook is damaged or has a password. Save it again.")
        return []
    found: dict[int, tuple[str, _Headings, list[Cells]]] = {}
    for place, cells in sheets:
        headings = _headings(place, cells, tell, note)
        if headings is None:
            continue
        number = headings.of.number
        if number not in found:
            found[number] = (place, headings, cells)
        elif found[number][2] == cells:
            note(place, 0, "", f"The sheet is a copy of {found[number][0]}: it is left out.")
        else:
            what = f"{found[number][0]} is also list {number}. Keep one of them."
            tell(place, headings.row, "", what)
    rows: list[ListRow] = []
    for _, (place, headings, cells) in sorted(found.items()):
        rows += _rows(place, headings, cells, tell, note)
    return rows


def _cells_of(book: CalamineWorkbook, name: str) -> list[Cells]:
    return list(book.get_sheet_by_name(name).to_python(skip_empty_area=False))


def _near(cells: Cells) -> _Near | None:
    """Return the list whose headings a row has most of; None if it has hardly any."""
    words = [plain_words(cell) if isinstance(cell, str) else "" for cell in cells]
    best: tuple[int, _Near] | None = None
    for each in load_layout().lists.values():
        columns = _match(words, each)
        names = {field.name for field in columns if field}
        must = len(names & each.must)
        if not names & {"child", "adopter"} or must < max(1, len(each.must) // 2):
            continue
        score = len(names) + (100 if each.must <= names else 0)
        if best is None or score > best[0]:
            best = score, (each, columns)
    return best[1] if best else None


def _match(words: Sequence[str], of: AnnexAList) -> tuple[Field | None, ...]:
    """Return the field of each heading, each field once."""
    left = list(of.fields)
    found: list[Field | None] = []
    for heading in words:
        fitting = [each for each in left if heading and each.heading.search(heading)]
        left = [each for each in left if each not in fitting[:1]]
        found.append(fitting[0] if fitting else None)
    return tuple(found)


def _headings(place: str, sheet: list[Cells], tell: Tell, note: Tell) -> _Headings | None:
    """Find the row of headings; tell which are missing, and note columns that are not read."""
    for line, cells in enumerate(sheet[:LINES_ABOVE], 1):
        near = _near(cells)
        if near is None:
            continue
        of, columns = near
        names = {field.name for field in columns if field}
        missing = [field for field in of.fields if field.name in of.must - names]
        for field in missing:
            what = f"List {of.number} needs a column for the {field.title}. Add it."
            tell(place, line, "", what)
        if missing:
            return None
        for position, (column, cell) in enumerate(zip(columns, cells, strict=True), 1):
            if column is None and str(cell).strip() and of.number != ADOPTERS:
                what = f"The heading is not one of list {of.number}, so it is not read."
                note(place, line, f"column {position}", what)
        return _Headings(of, line, columns)
    if any(any(str(cell).strip() for cell in cells) for cells in sheet):
        note(place, 0, "", "The sheet was not read: it has no headings of a list of Annex A.")
    return None


def _rows(
    place: str, headings: _Headings, sheet: list[Cells], tell: Tell, note: Tell
) -> list[ListRow]:
    rows = []
    identity = "adopter" if headings.of.number == ADOPTERS else "child"
    for line, cells in enumerate(sheet[headings.row :], headings.row + 1):
        if not any(trim(str(cell)) for cell in cells):
            continue
        values: dict[str, str] = {}
        for field, cell in zip(headings.columns, cells, strict=True):
            if field is None:
                continue
            try:
                values[field.name] = _value(field, cell, place, line, note)
            except _RefusedError as error:
                tell(place, line, field.title, str(error))
                values[field.name] = "?"
        if not values.get(identity):
            tell(place, line, identity, "The id is blank. Enter it, or remove the row.")
        rows.append(ListRow(headings.of.number, place, line, values))
    return rows


def _value(field: Field, cell: Any, place: str, line: int, note: Tell) -> str:
    """Return a cell in the contract's form.

    Raises:
        _RefusedError: the cell leaves a doubt.
    """
    if isinstance(cell, str):
        cell = trim(cell)
        if cell.startswith("#"):
            raise _RefusedError("A spreadsheet shows an error here. Enter the value.")
    if cell is None or cell == "":
        return ""
    converted = _CONVERT.get(field.type)
    if converted:
        text = converted(cell)
    else:
        codes: CodeSet = load_layout().codes[field.type]
        sent = _text(cell)
        code = codes.code_of(sent)
        if code is None:
            what = "No code of Annex A is known for these words. They are kept as sent."
            note(place, line, field.title, what)
        text = sent if code is None else code
    if len(text.encode()) > LONGEST_VALUE:
        raise _RefusedError(f"The value is longer than {LONGEST_VALUE} bytes. Correct it.")
    return text


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "Yes" if cell else "No"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < LARGEST_ID:
        return str(int(cell))
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        cell = cell.date()
    # an unbreakable space inside a name is a space
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else " ".join(str(cell).split())


def _id(cell: Any) -> str:
    if isinstance(cell, float | int) and not isinstance(cell, bool):
        if cell != int(cell) or not 0 <= cell < LARGEST_ID:
            raise _RefusedError("A spreadsheet has rounded the id. Export it as text.")
        return str(int(cell))
    if not isinstance(cell, str):
        raise _RefusedError("This is not an id. Export it as text.")
    if id_of_spreadsheet(cell):
        raise _RefusedError("A spreadsheet has rewritten the id. Export it as text.")
    return cell


def _date(cell: Any) -> str:
    if isinstance(cell, dt.datetime):
        if cell.time() != dt.time():
            raise _RefusedError("This is a time of a day. Enter the day.")
        cell = cell.date()
    if isinstance(cell, dt.date):
        if not EARLIEST_YEAR <= cell.year <= LATEST_YEAR:
            raise _RefusedError("The year is not between 1900 and 2100. Correct it.")
        return cell.isoformat()
    day = parse_date(cell) if isinstance(cell, str) else None
    if day is None:
        raise _RefusedError("This is not a date. Enter an existing day as dd/mm/yyyy.")
    return day.isoformat()


_CONVERT: Final[Mapping[str, Callable[[Any], str]]] = {"id": _id, "date": _date, "text": _text}
