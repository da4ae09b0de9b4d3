"""Small invented Annex A workbooks, written for one test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from carepath.sources import SourceSpec
from carepath.sources.files import FilesSession, FilesSource

CHILD = ("Child Unique ID", "Gender", "Ethnicity", "Date of Birth", "Age of Child (Years)")
BORN = dt.date(2010, 5, 14)
Rows = Sequence[Sequence[Any]]


def child(number: int) -> tuple[Any, ...]:
    return (f"ASH{number:03}", "b) Female", "a) WBRI", BORN, 13)


LISTS: Mapping[str, Rows] = {
    "Contacts": [
        (*CHILD, "Date of Contact", "Contact Source"),
        (*child(1), dt.date(2023, 9, 1), "q) 6: Police"),
        (*child(2), dt.date(2023, 9, 4), "2A Schools"),
    ],
    "Referrals": [
        (*CHILD, "Date of Referral", "Referral Source", "Referral NFA?", "Allocated Team"),
        (*child(1), dt.date(2023, 9, 2), "q) 6: Police", "b) No", "Front door"),
    ],
    "CIN": [
        (*CHILD, "Does the Child have a Disability", "CIN Start Date", "Primary Need Code",
         "CIN Closure Date", "Reason for Closure"),
        (*child(1), "b) No", dt.date(2023, 9, 2), "N1 - Abuse or Neglect", "", ""),
    ],
    "Care leavers": [
        (*CHILD, "Allocated Personal Advisor", "Eligibility Category", "LA in Touch",
         "Latest Date of Contact", "Type of Accommodation", "Suitability of Accommodation",
         "Activity Status"),
        ("ASH009", "M", "WIRI", dt.date(2003, 1, 2), 20, "PA\u00a0One", "b) Former relevant child",
         "a) Yes", dt.date(2023, 8, 1), "Y: Other accommodation", "a) Suitable",
         "F1: Full time in higher education"),
    ],
}  # fmt: skip


def write_workbook(path: Path, lists: Mapping[str, Rows] = LISTS) -> Path:
    """Write a workbook with a sheet for each list. Dates are dates, and the rest as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(path)) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for name, rows in lists.items():
            sheet = book.add_worksheet(name)
            for line, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if isinstance(cell, dt.date):
                        sheet.write_datetime(
                            line, column, dt.datetime.combine(cell, dt.time()), day
                        )
                    elif cell != "":
                        sheet.write(line, column, cell)
    return path


def open_files(path: Path, period: int | None = None) -> FilesSession:
    """Open a path as the source of an invented authority."""
    query = f"?period={period}" if period else ""
    return FilesSource(
        SourceSpec("files-test", "E09900903", "Ashmere", f"files:{path}{query}")
    ).open()
