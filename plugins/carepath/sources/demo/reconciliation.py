"""The report's figures beside Carepath's: report / Carepath / difference, and why they differ.

Carepath's side is read from schema `marts` as role bi_reader, as Power BI would; the other is
report.csv. Nothing is computed from the report's own figures. `reconciliation.csv` says which mart,
measure and segment stand for a figure; `remarks.csv` says where the report contradicts itself.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from carepath.sources.demo.report import BASELINE, ReportFigure, amount, report_figures
from carepath.warehouse.connect import connect

LOOKUPS: Final = Path(__file__).with_name("reconciliation.csv")
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
    "TEXT": "Figures in the report's text",
    "TARGET": "Intended outcomes: the targets",
}

Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Lookup:
    """Where a figure stands in the marts.

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
    """One figure of the report beside Carepath's.

    Attributes:
        report: the printed figure.
        numerator, denominator: what the mart counts; None where it says nothing.
        value: what the mart measures; None for a count, and where it says nothing.
        remark: where the report contradicts itself, in a sentence; empty where it does not.
    """

    report: ReportFigure
    numerator: int | None
    denominator: int | None
    value: Decimal | None
    remark: str

    @property
    def percent(self) -> str | None:
        """Carepath's share with as many decimals as the report prints."""
        if self.report.percent is None or self.numerator is None or not self.denominator:
            return None
        share = Decimal(100 * self.numerator) / self.denominator
        return str(_rounded(share, self.report.percent))

    @property
    def carepath(self) -> str:
        """Carepath's figure, written as the report writes its own."""
        if self.report.value is not None:
            if self.value is None:
                return ""
            return amount(str(_rounded(self.value, self.report.value)))
        if self.numerator is None:
            return ""
        return f"{self.numerator}" + (f" {self.percent}%" if self.percent else "")

    @property
    def equal(self) -> bool:
        """Whether all that the report prints of the figure agrees."""
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
    def is_explained(self) -> bool:
        """Whether the figure is equal, or a row that differs for a stated reason."""
        return self.equal or bool(self.carepath and self.remark)


def reconcile(authority: str) -> Iterator[Line]:
    """Yield every figure of the report with what the marts hold for it, in the report's order."""
    with connect("bi_reader") as connection:
        for figure in report_figures():
            lookup = lookup_of(figure)
            row = _row(connection, lookup, authority, figure.snapshot)
            remark = remarks().get((*_key(figure), figure.snapshot.isoformat()), "")
            if lookup.column:
                found = row.get(lookup.column)
                value = None if found is None else Decimal(str(found))
                yield Line(figure, None, None, value, remark)
            else:
                yield Line(figure, row.get("numerator"), row.get("denominator"), None, remark)


def lookup_of(figure: ReportFigure) -> Lookup:
    """Return where a figure stands in the marts.

    Raises:
        KeyError: reconciliation.csv does not say it.
    """
    return lookups()[_key(figure)]


@lru_cache(maxsize=1)
def lookups() -> dict[Key, Lookup]:
    """Return reconciliation.csv by a figure's table, measure, segment and statistic."""
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


def print_reconciliation(console: Console, authority: str) -> bool:
    """Print the report's tables beside Carepath's; return whether every row is explained."""
    lines = list(reconcile(authority))
    for number, title in TITLES.items():
        of_table = [line for line in lines if line.report.table == number]
        console.print(_table(title, of_table))
        for line in of_table:
            if line.remark:
                about = ", ".join(_about(line.report))
                console.print(f"  [bold]{about}[/]: {line.remark}", highlight=False)
    equal = sum(line.equal for line in lines)
    explained = sum(line.is_explained for line in lines)
    console.print(
        f"\n[{'green' if explained == len(lines) else 'red'}]{equal} of {len(lines)} figures equal "
        f"the report's; {explained - equal} differ because the report contradicts itself, and say "
        f"why; {len(lines) - explained} are unexplained.[/]"
    )
    return explained == len(lines)


def _table(title: str, lines: Sequence[Line]) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1)
    )
    table.add_column("")
    for name in ("among", "on"):
        table.add_column(name, no_wrap=True)
    for name in ("report", "Carepath", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in lines:
        figure = line.report
        colour = "" if line.equal else "[yellow]" if line.is_explained else "[red]"
        of = f" (of {line.denominator})" if line.denominator and figure.percent else ""
        table.add_row(
            figure.measure + (f", {figure.statistic}" if figure.statistic else ""),
            figure.segment + of,
            f"{figure.snapshot:%d %b %Y}",
            figure.printed,
            line.carepath or "no row",
            f"{colour}{line.difference}{'[/]' if colour else ''}",
        )
    return table


def _about(figure: ReportFigure) -> Iterator[str]:
    yield figure.measure
    if figure.statistic:
        yield figure.statistic
    if figure.segment != "all":
        yield figure.segment


def _key(figure: ReportFigure) -> Key:
    return figure.table, figure.measure, figure.segment, figure.statistic


def _row(
    connection: psycopg.Connection[Any], lookup: Lookup, authority: str, snapshot: dt.date
) -> dict[str, Any]:
    """Return the one row of the mart that stands for a figure; empty where there is none."""
    rows = connection.execute(
        sql.SQL(
            "select to_jsonb(mart) from marts.{} as mart where authority = %s"
            " and snapshot_date = %s and measure = %s"
            # a target is set to a service
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
