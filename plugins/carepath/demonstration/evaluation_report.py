"""The figures that the evaluation report prints (Department for Education, RR1034, July 2020).

The demonstration's records are made to give these figures, and Carepath's marts are compared with
them. Nothing else in the project may read them.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("evaluation_report.csv")
BASELINE: Final = date(2017, 11, 30)
MUDDLED: Final = date(2019, 6, 27)
FOLLOW_UP: Final = date(2019, 6, 30)
COHORT_END: Final = date(2019, 9, 30)


@dataclass(frozen=True)
class ReportFigure:
    """One printed figure: a count with or without its percentage, or a value.

    Attributes:
        table: T1 to T16, WAI (appendix 7), TARGET (the intended outcomes), or TEXT for figures
            that are only in the text.
        measure: what is counted or measured.
        segment: among whom.
        snapshot: the day on which it is counted; for what has no day, the last night.
        statistic: of a value: mean, standard deviation, ...; empty for a count or an amount.
        numerator: those counted. Where the report prints only a percentage, the count that rounds
            to it (the note says so), or None where no count does.
        denominator: those in the segment; None if there is only a count.
        percent: as printed, with its decimals; None if there is only a count.
        value: an amount or mean as printed, with its decimals; None for a count.
        unit: of the count or the value.
        note: what a reader must know.
    """

    table: str
    measure: str
    segment: str
    snapshot: date
    statistic: str
    numerator: int | None
    denominator: int | None
    percent: str | None
    value: str | None
    unit: str
    note: str

    @property
    def name(self) -> str:
        """What the figure measures, with its statistic."""
        return f"{self.measure}, {self.statistic}" if self.statistic else self.measure

    @property
    def printed(self) -> str:
        """The figure that the evaluation report prints: `3 (5%)`."""
        if self.value is not None:
            return amount(self.value)
        if self.numerator is None or self.percent is None:
            return f"{self.percent}%" if self.percent else f"{self.numerator}"
        return f"{self.numerator} ({self.percent}%)"


@lru_cache(maxsize=1)
def report_figures() -> tuple[ReportFigure, ...]:
    """Return every figure of evaluation_report.csv, in the order of the file."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            ReportFigure(
                table=row["table"],
                measure=row["measure"],
                segment=row["segment"],
                snapshot=date.fromisoformat(row["snapshot"]),
                statistic=row["statistic"],
                numerator=int(row["numerator"]) if row["numerator"] else None,
                denominator=int(row["denominator"]) if row["denominator"] else None,
                percent=row["percent"] or None,
                value=row["value"] or None,
                unit=row["unit"],
                note=row["note"],
            )
            for row in csv.DictReader(file)
        )


def target(measure: str, snapshot: date, segment: str = "all") -> int:
    """Return how many young people the evaluation report counts for `measure` on `snapshot`."""
    (found,) = (
        figure.numerator
        for figure in report_figures()
        if (figure.measure, figure.snapshot, figure.segment) == (measure, snapshot, segment)
        and figure.numerator is not None
    )
    return found


def amount(text: str) -> str:
    """Return a number as people write it: 485177 as 485,177."""
    whole, point, decimals = text.partition(".")
    return f"{int(whole):,}" + point + decimals
