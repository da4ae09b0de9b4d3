"""Tables that a person downloads, as CSV or as an Excel workbook."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from fastapi.responses import StreamingResponse

from carepath.spreadsheets import Sheet, write_workbook

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
        rows: the cells of each row: texts, integers, dates or None.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115  (the answer closes it)
    write_workbook(file, [Sheet(sheet, headings, rows)], dates="d mmmm yyyy")
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


def _file_pieces(file: Any) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece
