"""Tables that a person downloads, as CSV or as an Excel workbook."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import xlsxwriter
from fastapi.responses import StreamingResponse

EXCEL: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PIECE: Final = 250_000  # characters or bytes that are sent at a time


def csv_answer(
    name: str, headings: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingResponse:
    """Return a CSV file, which is written while it is sent.

    Args:
        name: of the file, without its ending.
        headings: of the columns.
        rows: the cells of each row. Texts of a recording system must be `inert`.
    """
    return _answer(_csv_pieces(headings, rows), f"{name}.csv", "text/csv; charset=utf-8")


def excel_answer(
    name: str, sheet: str, headings: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingResponse:
    """Return an Excel workbook with one sheet.

    Args:
        name: of the file, without its ending.
        sheet: the name of the sheet.
        headings: of the columns.
        rows: the cells of each row: texts, integers, dates or None. Texts of a recording system
            must be `inert`.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115  (the answer closes it)
    _write_workbook(file, sheet, headings, rows)
    file.seek(0)
    return _answer(_file_pieces(file), f"{name}.xlsx", EXCEL)


def _answer(pieces: Iterator[Any], name: str, media_type: str) -> StreamingResponse:
    return StreamingResponse(
        pieces,
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _csv_pieces(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text)
    text.write("\ufeff")  # without it, Excel reads the file in the wrong alphabet
    writer.writerow(headings)
    for cells in rows:
        writer.writerow(cells)
        if text.tell() > PIECE:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _write_workbook(
    file: Any, sheet_name: str, headings: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "d mmmm yyyy",
    }
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet(sheet_name)
        bold = book.add_format({"bold": True})
        for column, heading in enumerate(headings):
            sheet.set_column(column, column, max(12, len(heading) + 2))
            sheet.write_string(0, column, heading, bold)
        sheet.freeze_panes(1, 0)
        row = 0
        for row, cells in enumerate(rows, start=1):
            for column, value in enumerate(cells):
                if isinstance(value, dt.date):
                    sheet.write_datetime(row, column, dt.datetime.combine(value, dt.time()))
                elif isinstance(value, int):
                    sheet.write_number(row, column, value)
                elif value is not None:
                    sheet.write_string(row, column, str(value))
        sheet.autofilter(0, 0, max(row, 1), len(headings) - 1)


def _file_pieces(file: Any) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece
