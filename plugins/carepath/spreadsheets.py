"""Workbooks that people download, and what keeps a spreadsheet from running a text of a record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import xlsxwriter

# also the wide forms of these characters, which some versions of Excel read as the narrow ones
BEGINS_A_FORMULA: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
NARROWEST, WIDEST = 12, 40  # of a column, in characters


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook.

    Attributes:
        rows: the cells of each row: texts, integers, dates or None. They are read while the sheet
            is written, so they need not fit into memory.
    """

    name: str
    headings: Sequence[str]
    rows: Iterable[Sequence[object]]


def inert(value: object) -> object:
    """Return a text so that a spreadsheet shows it. Any other value stays as it is."""
    return f"'{value}" if isinstance(value, str) and value.startswith(BEGINS_A_FORMULA) else value


def write_workbook(
    file: Path | IO[bytes], sheets: Iterable[Sheet], *, dates: str, fixed_columns: int = 0
) -> None:
    """Write a workbook. Its headings stay in view and have filters; no text runs as a formula.

    Args:
        file: where to write.
        sheets: in their order.
        dates: how Excel shows dates, such as `dd/mm/yyyy`.
        fixed_columns: how many columns on the left stay in view.
    """
    options: dict[str, Any] = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": dates,
    }
    with xlsxwriter.Workbook(file, options) as book:
        bold = book.add_format({"bold": True})
        for each in sheets:
            sheet = book.add_worksheet(each.name)
            for column, heading in enumerate(each.headings):
                width = min(max(NARROWEST, len(heading) + 2), WIDEST)
                sheet.set_column(column, column, width)
                sheet.write_string(0, column, heading, bold)
            sheet.freeze_panes(1, fixed_columns)
            row = 0
            for row, cells in enumerate(each.rows, start=1):
                for column, value in enumerate(cells):
                    if isinstance(value, dt.date):
                        sheet.write_datetime(row, column, dt.datetime.combine(value, dt.time()))
                    elif isinstance(value, int):
                        sheet.write_number(row, column, value)
                    elif value is not None:
                        sheet.write_string(row, column, str(inert(value)))
            sheet.autofilter(0, 0, max(row, 1), len(each.headings) - 1)
