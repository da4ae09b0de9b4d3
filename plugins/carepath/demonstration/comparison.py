"""The evaluation report's figures beside Carepath's: both, the difference, and why they differ.

Carepath's figures are read from schema `marts` as role bi_reader, as Power BI would read them. The
others are in evaluation_report.csv, and nothing is computed from them. `comparison.csv` says which
mart, measure and segment give a figure. `remarks.csv` says where the evaluation report contradicts
itself.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from carepath.demonstration.evaluation_report import BASELINE, ReportFigure, amount, report_figures
from carepath.warehouse.connect import connect

LOOKUPS: Final = Path(__file__).with_name("comparison.csv")
REMARKS: Final = Path(__file__).with_name("remarks.csv")

TITLES: Final = {
    "T1": "Who is counted (table 1)",
    "T2": "Practice quality (table 2)",
    "T4": "Edge of care: plans (table 4)",
    "T5": "Edge of care: savings (table 5)",
    "T6": "In care: pathway carers (table 6 and the text before it)",
    "T13": "Leaving care: category of need (table 13)",
    "T14": "Leaving care: young women who are mothers (table 14)",
    "T15": "Leaving care: education, employment and training, open cases (table 15)",
    "T16": "Leaving care: education, employment and training, open UASC cases (table 16)",
    "WAI": "Working alliance (appendix 7)",
    "TEXT": "Figures in the text",
    "TARGET": "Intended outcomes: the targets as Carepath holds them",
}

Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Lookup:
    """Where a figure is in the marts.

    Attributes:
        mart: a table of schema marts.
        measure, segment: of its row.
        column: the column of a value; empty for a count, which is the numerator.
    """

    mart: str
    measure: str
    segment: str
    column: str


@dataclass(frozen=True)
class Line:
    """One figure of the evaluation report beside Carepath's.

    For the seven targets, the target itself is compared: does Carepath use the target that the
    evaluation report prints? Whether it is met is another question (story.py).

    Attributes:
        report: the printed figure.
        numerator, denominator: what the mart counts; None if it has no row.
        value: what the mart measures; None for a count, or if it has no row.
        remark: a sentence on how the report contradicts itself; empty if it does not.
    """

    report: ReportFigure
    numerator: int | None
    denominator: int | None
    value: Decimal | None
    remark: str

    @property
    def percent(self) -> str | None:
        """Carepath's share with as many decimals as the evaluation report prints."""
        if self.report.percent is None or self.numerator is None or not self.denominator:
            return None
        share = Decimal(100 * self.numerator) / self.denominator
        return str(_rounded(share, self.report.percent))

    @property
    def carepath(self) -> str:
        """Carepath's figure, written as the evaluation report writes its own."""
        if self.report.value is not None:
            if self.value is None:
                return ""
            return amount(str(_rounded(self.value, self.report.value)))
        if self.numerator is None:
            return ""
        return f"{self.numerator}" + (f" ({self.percent}%)" if self.percent else "")

    @property
    def equal(self) -> bool:
        """Whether everything that the evaluation report prints for the figure agrees."""
        if self.report.value is not None:
            return self.carepath == self.report.printed
        return (
            self.numerator is not None
            and self.report.numerator in (None, self.numerator)
            and self.report.denominator in (None, self.denominator)
            and self.percent == self.report.percent
        )

    @property
    def difference(self) -> str:
        """Carepath's figure less the report's; 0 where they are equal, ? without a row."""
        if self.equal:
            return "0"
        if not self.carepath:
            return "?"
        if self.report.value is not None:
            ours = Decimal(self.carepath.replace(",", ""))
            return f"{ours - Decimal(self.report.value):+,}"
        if self.report.numerator is not None and self.numerator != self.report.numerator:
            return f"{(self.numerator or 0) - self.report.numerator:+d}"
        if self.percent is not None and self.report.percent is not None:
            return f"{Decimal(self.percent) - Decimal(self.report.percent):+} points"
        return f"of {self.denominator}, not {self.report.denominator}"

    @property
    def result(self) -> str:
        """How the figures compare: equal, explained or unexplained."""
        return "equal" if self.equal else "explained" if self.is_explained else "unexplained"

    @property
    def is_explained(self) -> bool:
        """Whether the figure is equal, or a row that differs for a stated reason."""
        return self.equal or bool(self.carepath and self.remark)


@dataclass(frozen=True)
class Summary:
    """How many figures were compared, and how they compare."""

    equal: int
    explained: int
    unexplained: int

    @property
    def sentence(self) -> str:
        """The summary in words."""
        figures = self.equal + self.explained + self.unexplained
        return (
            f"Of {figures} figures, {self.equal} equal the evaluation report's. "
            f"{_differ(self.explained)} because the report contradicts itself. "
            f"{_differ(self.unexplained)} without an explanation."
        )


def summarise(lines: Sequence[Line]) -> Summary:
    """Count the lines by how they compare."""
    counts = Counter(line.result for line in lines)
    return Summary(counts["equal"], counts["explained"], counts["unexplained"])


def compare(authority: str) -> Iterator[Line]:
    """Yield every figure of the evaluation report with what the marts hold for it, in its order."""
    with connect("bi_reader") as connection:
        for figure in report_figures():
            lookup = lookup_of(figure)
            row = row_of(connection, lookup, authority, figure.snapshot)
            remark = remark_of(figure)
            if lookup.column:
                found = row.get(lookup.column)
                value = None if found is None else Decimal(str(found))
                yield Line(figure, None, None, value, remark)
            else:
                yield Line(figure, row.get("numerator"), row.get("denominator"), None, remark)


def lookup_of(figure: ReportFigure) -> Lookup:
    """Return where a figure is in the marts.

    Raises:
        KeyError: comparison.csv does not have the figure.
    """
    return lookups()[_key(figure)]


def remark_of(figure: ReportFigure) -> str:
    """Return how the evaluation report contradicts itself about a figure; empty if it does not."""
    return remarks().get((*_key(figure), figure.snapshot.isoformat()), "")


@lru_cache(maxsize=1)
def lookups() -> dict[Key, Lookup]:
    """Return comparison.csv by a figure's table, measure, segment and statistic."""
    with LOOKUPS.open(encoding="utf-8", newline="") as file:
        return {
            (row["table"], row["measure"], row["segment"], row["statistic"]): Lookup(
                row["mart"],
                row["mart_measure"] or row["measure"],
                row["mart_segment"] or row["segment"],
                row["column"],
            )
            for row in csv.DictReader(file)
        }


@lru_cache(maxsize=1)
def remarks() -> dict[tuple[str, str, str, str, str], str]:
    """Return remarks.csv by a figure's table, measure, segment, statistic and snapshot."""
    with REMARKS.open(encoding="utf-8", newline="") as file:
        return {
            (row["table"], row["measure"], row["segment"], row["statistic"], row["snapshot"]): row[
                "remark"
            ]
            for row in csv.DictReader(file)
        }


def _differ(count: int) -> str:
    return "1 differs" if count == 1 else f"{count} differ"


def _key(figure: ReportFigure) -> Key:
    return figure.table, figure.measure, figure.segment, figure.statistic


def row_of(
    connection: psycopg.Connection[Any], lookup: Lookup, authority: str, snapshot: dt.date
) -> dict[str, Any]:
    """Return the one row of the mart that gives a figure; empty unless there is just one."""
    rows = connection.execute(
        sql.SQL(
            "select to_jsonb(mart) from marts.{} as mart where authority = %s"
            " and as_at_date = %s and measure = %s"
            # a target belongs to a service instead of a segment
            " and coalesce(to_jsonb(mart) ->> 'segment', to_jsonb(mart) ->> 'service') = %s"
            # a mart of two dates has a row for each earlier one
            " and coalesce(to_jsonb(mart) ->> 'earlier_snapshot_date', %s) = %s"
        ).format(sql.Identifier(lookup.mart)),
        (
            authority,
            snapshot,
            lookup.measure,
            lookup.segment,
            BASELINE.isoformat(),
            BASELINE.isoformat(),
        ),
    ).fetchall()
    return rows[0][0] if len(rows) == 1 else {}


def _rounded(number: Decimal, like: str) -> Decimal:
    """Round half up, as people do, to as many decimals as `like` has."""
    decimals = len(like.partition(".")[2])
    return number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
