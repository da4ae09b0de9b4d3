"""Write the lists of Annex A to a folder, one CSV file each and one workbook of all."""

from __future__ import annotations

import calendar
import csv
import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from carepath.annex_a.lists import CODES, LISTS, AnnexList
from carepath.audit import note
from carepath.dates import written
from carepath.errors import CarepathError
from carepath.logs import service_log
from carepath.quality.waivers import person
from carepath.spreadsheets import Sheet, inert, write_workbook
from carepath.warehouse.connect import connect

READER: Final = "carepath_analyst"
WORKBOOK: Final = "annex_a.xlsx"

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Exported:
    """A list that was written: its file, its rows, and how many values each heading lacks."""

    annex_list: AnnexList
    file: Path
    row_count: int
    blanks: dict[str, int]


def export(authority: str, day: dt.date, folder: Path) -> list[Exported]:
    """Read all lists as of a day, write them, and log who exported them.

    Only the account that runs this may read the files (mode 0600). What is not known stays blank.

    Raises:
        CarepathError: the day is after the last load, or the folder has files already.
    """
    found = read_lists(authority, day)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = [folder / WORKBOOK, *(folder / _file_name(each) for each, _ in found)]
    if there := [path.name for path in files if path.exists()]:
        raise CarepathError(
            f"The folder already has {there[0]}, and Carepath does not write over it.",
            where=str(folder),
            todo="name a new folder.",
        )
    counts = ", ".join(f"list {each.number}: {len(rows)}" for each, rows in found)
    note("exported Annex A", f"rows of {counts}", authority)
    for path in files:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    sheets = [Sheet(f"List {each.number}", each.headings, rows) for each, rows in found]
    write_workbook(files[0], sheets, dates="dd/mm/yyyy", fixed_columns=1)
    exported = []
    for path, (annex_list, rows) in zip(files[1:], found, strict=True):
        _write_csv(path, annex_list, rows)
        exported.append(Exported(annex_list, path, len(rows), _blanks(annex_list, rows)))
    service_log().info(
        "annex_a_exported",
        exported_by=person(),
        authority=authority,
        day=day.isoformat(),
        folder=str(folder),
        rows={str(each.annex_list.number): each.row_count for each in exported},
    )
    return exported


def read_lists(authority: str, day: dt.date) -> list[tuple[AnnexList, list[Row]]]:
    """Return each list with its rows, in Annex A's words, all read at one moment.

    Raises:
        CarepathError: the day is after the authority's last load.
    """
    with connect(READER, options="-c default_transaction_read_only=on") as connection:
        connection.execute("set transaction isolation level repeatable read")
        ((latest,),) = connection.execute(
            "select max(report_date) from core.dim_report_date where authority = %s and is_latest",
            (authority,),
        ).fetchall()
        if latest is None or day > latest:
            raise CarepathError(
                f"The records of {written(day)} are not loaded yet.",
                where=authority,
                todo=f"use a day up to {written(latest)}." if latest else "run a night first.",
            )
        asked = {
            "authority": authority,
            "day": day,
            "six_months_from": _first_day(day, 6),
            "year_from": _first_day(day, 12),
        }
        return [
            (
                each,
                [_in_words(each, row) for row in connection.execute(each.query, asked).fetchall()],
            )
            for each in LISTS
        ]


def _first_day(day: dt.date, months: int) -> dt.date:
    """Return the first day of a number of months that end with a day."""
    after = day + dt.timedelta(days=1)
    year, month = divmod(after.year * 12 + after.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(after.day, last))


def _in_words(annex_list: AnnexList, row: Row) -> Row:
    return tuple(
        _word(heading, value) for heading, value in zip(annex_list.headings, row, strict=True)
    )


def _word(heading: str, value: Any) -> Any:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if value is not None and heading in CODES:
        return CODES[heading].get(value)
    return value or None if isinstance(value, str) else value


def _blanks(annex_list: AnnexList, rows: Sequence[Row]) -> dict[str, int]:
    counts = {
        heading: sum(row[number] is None for row in rows)
        for number, heading in enumerate(annex_list.headings)
    }
    return {heading: count for heading, count in counts.items() if count}


def _file_name(annex_list: AnnexList) -> str:
    return f"list_{annex_list.number:02}_{annex_list.title.lower().replace(' ', '_')}.csv"


def _write_csv(path: Path, annex_list: AnnexList, rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(annex_list.headings)
        for row in rows:
            writer.writerow(
                f"{value:%d/%m/%Y}" if isinstance(value, dt.date) else inert(value) for value in row
            )
