"""The figures that the evaluation report prints (Department for Education, RR1034, July 2020).

They are what the demonstration's records are made to carry and what Carepath's marts are
compared with. Nothing else in the project may read them.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("report.csv")
BASELINE: Final = date(2017, 11, 30)
MUDDLED: Final = date(2019, 6, 27)
FOLLOW_UP: Final = date(2019, 6, 30)


@dataclass(frozen=True)
class ReportFigure:
    """One printed figure.

    Attributes:
        table: T1, T13 to T16, or TEXT for figures that stand in the text only.
        measure: what is counted.
        segment: among whom.
        snapshot: the day on which it is counted.
        numerator: young people counted. Where the report prints only a percentage, the count
            that rounds to it (the note says so).
        denominator: young people in the segment; None where a count stands alone.
        percent: as printed, with its decimals; None where a count stands alone.
        unit: "%" or "young people".
        note: what a reader must know.
    """

    table: str
    measure: str
    segment: str
    snapshot: date
    numerator: int
    denominator: int | None
    percent: str | None
    unit: str
    note: str


@lru_cache(maxsize=1)
def report_figures() -> tuple[ReportFigure, ...]:
    """Return every figure of report.csv, in the order of the report."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            ReportFigure(
                table=row["table"],
                measure=row["measure"],
                segment=row["segment"],
                snapshot=date.fromisoformat(row["snapshot"]),
                numerator=int(row["numerator"]),
                denominator=int(row["denominator"]) if row["denominator"] else None,
                percent=row["percent"] or None,
                unit=row["unit"],
                note=row["note"],
            )
            for row in csv.DictReader(file)
        )


def target(measure: str, snapshot: date, segment: str = "all") -> int:
    """Return how many young people the report counts for `measure` on `snapshot`."""
    (found,) = (
        figure.numerator
        for figure in report_figures()
        if (figure.measure, figure.snapshot, figure.segment) == (measure, snapshot, segment)
    )
    return found
