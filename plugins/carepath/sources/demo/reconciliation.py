"""The report's figures beside Carepath's: report / Carepath / difference.

Carepath's side is read from schema `marts` as role bi_reader, as Power BI would; the other is
report.csv. Nothing is computed from the report's own figures.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from psycopg import sql
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from carepath.sources.demo.report import ReportFigure, report_figures
from carepath.warehouse.connect import connect

TITLES: Final = {
    "T1": "The leaving-care cohort (table 1)",
    "T13": "Category of need (table 13)",
    "T14": "Young women who are mothers (table 14)",
    "T15": "Education, employment and training, open cases (table 15)",
    "T16": "Education, employment and training, open UASC cases (table 16)",
    "TEXT": "Figures in the report's text",
}

# a figure's measure and segment in report.csv: the mart, measure and segment that compute it
KPIS: Final[dict[tuple[str, str], tuple[str, str, str]]] = {
    ("care leavers", "all"): ("kpi_care_leavers", "care leavers", "all"),
    ("mothers", "female"): ("kpi_mothers", "females who are mothers", "female"),
    ("EET", "open"): ("kpi_eet", "EET", "open cases"),
    ("NEET", "open"): ("kpi_eet", "NEET", "open cases"),
    ("EET", "open UASC"): ("kpi_eet", "EET", "open UASC cases"),
    ("NEET", "open UASC"): ("kpi_eet", "NEET", "open UASC cases"),
    ("UASC", "all"): ("kpi_uasc", "unaccompanied asylum-seeking (UASC)", "all"),
    ("White British", "all"): ("kpi_ethnicity", "White British", "all"),
    ("pathway plan recorded", "all"): ("kpi_pathway_plan", "with a pathway plan", "all"),
    ("accommodation suitable", "all"): (
        "kpi_accommodation",
        "accommodation recorded as suitable",
        "all",
    ),
    ("staying put", "all"): (
        "kpi_staying_put",
        "staying put with former foster carer",
        "aged 18 or over",
    ),
    ("in both snapshots", "all"): ("kpi_two_snapshots", "in both snapshots", "all"),
}


@dataclass(frozen=True)
class Line:
    """One figure of the report beside Carepath's.

    Attributes:
        report: the printed figure.
        numerator: what the mart says; None where it says nothing.
        denominator: likewise.
    """

    report: ReportFigure
    numerator: int | None
    denominator: int | None

    @property
    def difference(self) -> int | None:
        """Carepath's count less the report's."""
        return None if self.numerator is None else self.numerator - self.report.numerator

    @property
    def percent(self) -> str | None:
        """Carepath's share with as many decimals as the report prints."""
        if self.report.percent is None or self.numerator is None or not self.denominator:
            return None
        decimals = len(self.report.percent.partition(".")[2])
        return f"{100 * self.numerator / self.denominator:.{decimals}f}"

    @property
    def equal(self) -> bool:
        """Whether count, denominator and printed percentage all agree."""
        return (
            self.difference == 0
            and self.report.denominator in (None, self.denominator)
            and self.percent == self.report.percent
        )


def reconcile(authority: str) -> Iterator[Line]:
    """Yield every figure of the report with what the marts hold for it, in the report's order."""
    with connect("bi_reader") as connection:
        for figure in report_figures():
            mart, measure, segment = _kpi(figure)
            rows = connection.execute(
                sql.SQL(
                    "select numerator, denominator from marts.{} where authority = %s"
                    " and snapshot_date = %s and measure = %s and segment = %s"
                    + (" and earlier_snapshot_date = %s" if mart == "kpi_two_snapshots" else "")
                ).format(sql.Identifier(mart)),
                (authority, figure.snapshot, measure, segment, *_earlier(mart)),
            ).fetchall()
            numerator, denominator = rows[0] if len(rows) == 1 else (None, None)
            yield Line(figure, numerator, denominator)


def print_reconciliation(console: Console, authority: str) -> bool:
    """Print the report's tables beside Carepath's; return whether every figure is equal."""
    lines = list(reconcile(authority))
    snapshots = sorted({line.report.snapshot for line in lines})
    for number, title in TITLES.items():
        table = Table(
            title=f"{title}: report / Carepath / difference",
            title_justify="left",
            title_style="bold",
            box=SIMPLE_HEAD,
            padding=(0, 1),
        )
        found: dict[str, dict[dt.date, Line]] = {}
        for line in (line for line in lines if line.report.table == number):
            found.setdefault(line.report.measure, {})[line.report.snapshot] = line
        table.add_column("")
        for snapshot in snapshots:
            of = {by[snapshot].report.denominator for by in found.values() if snapshot in by}
            base = "".join(f" of {count}" for count in of if count)
            table.add_column(f"{snapshot:%b %Y}{base}", justify="right", no_wrap=True)
            table.add_column("", justify="right", no_wrap=True)
            table.add_column("", justify="right", no_wrap=True)
        for measure, by_snapshot in found.items():
            cells = [_cells(by_snapshot.get(snapshot)) for snapshot in snapshots]
            table.add_row(measure, *(cell for three in cells for cell in three))
        console.print(table)
    equal = sum(line.equal for line in lines)
    colour = "green" if equal == len(lines) else "red"
    console.print(f"[{colour}]{equal} of {len(lines)} figures equal the report's.[/]")
    return equal == len(lines)


def _kpi(figure: ReportFigure) -> tuple[str, str, str]:
    if figure.table == "T13":
        return "kpi_category_of_need", figure.measure, figure.segment
    return KPIS[figure.measure, figure.segment]


def _earlier(mart: str) -> tuple[dt.date, ...]:
    baseline = min(figure.snapshot for figure in report_figures())
    return (baseline,) if mart == "kpi_two_snapshots" else ()


def _cells(line: Line | None) -> tuple[str, str, str]:
    """Return report, Carepath and difference of one figure as they are printed."""
    if line is None:
        return "", "", ""
    report = _counted(line.report.numerator, line.report.percent)
    if line.numerator is None or line.difference is None:
        return report, "no row", "[red]?[/]"
    carepath = _counted(line.numerator, line.percent)
    return report, carepath, "0" if line.equal else f"[red]{line.difference:+d}[/]"


def _counted(numerator: int, percent: str | None) -> str:
    return f"{numerator}" + (f" {percent}%" if percent else "")
