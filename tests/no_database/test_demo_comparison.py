"""The report's figures: all are there, and each has its place in the marts."""

from __future__ import annotations

import csv
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from carepath.demonstration import comparison
from carepath.demonstration.comparison import Line, lookup_of, lookups, remarks
from carepath.demonstration.evaluation_report import ReportFigure, report_figures
from carepath.documents.kpi_book import MARTS
from carepath.documents.report_tables import report_page

FIGURES = report_figures()


def numbers(text: str) -> list[Decimal]:
    """Return the numbers of a cell such as `2.70 / 2.74 / 2.72 / 0.98`."""
    return [Decimal(found) for found in re.findall(r"-?\d+(?:\.\d+)?", text)]


def test_every_number_of_the_reference_is_a_figure(shared_dir: Path) -> None:
    wanted: Counter[tuple[str, Decimal]] = Counter()
    reference = shared_dir / "reference" / "report_tables.csv"
    with reference.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for number in numbers(row["numerator"]) or numbers(row["value"]):
                wanted[row["table"], number] += 1
            if row["numerator"] and row["unit"] == "%":
                wanted[row["table"], *numbers(row["value"])] += 1
    found = Counter(
        (figure.table, Decimal(number))
        for figure in FIGURES
        for number in (figure.numerator, figure.percent, figure.value)
        if number is not None
    )
    assert {key: count for key, count in wanted.items() if found[key] < count} == {}


def test_every_figure_has_one_place_in_a_mart_that_exists() -> None:
    assert {figure.table for figure in FIGURES} == set(comparison.TITLES)
    keys = {(f.table, f.measure, f.segment, f.statistic) for f in FIGURES}
    assert keys == set(lookups())
    marts = {path.stem for path in MARTS.rglob("kpi_*.sql")}
    assert {lookup_of(figure).mart for figure in FIGURES} <= marts


def test_every_remark_is_about_a_figure_and_on_the_page() -> None:
    figures = {
        (f.table, f.measure, f.segment, f.statistic, f.snapshot.isoformat()) for f in FIGURES
    }
    assert set(remarks()) <= figures
    page = report_page()
    assert [remark for remark in remarks().values() if remark not in page] == []


def figure(**changes: object) -> ReportFigure:
    (found,) = (f for f in FIGURES if (f.table, f.measure) == ("T4", "plan now: early help"))
    return ReportFigure(**{**vars(found), **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "equal", "difference"),
    [
        (Line(figure(percent="4"), 3, 67, None, ""), True, "0"),
        (Line(figure(percent="5"), 3, 67, None, ""), False, "-1 points"),
        (Line(figure(percent="4"), 4, 67, None, ""), False, "+1"),
        (Line(figure(percent=None), 3, 66, None, ""), False, "of 66, not 67"),
        (Line(figure(), None, None, None, ""), False, "?"),
        (Line(figure(value="74844"), None, None, Decimal("74843.6"), ""), True, "0"),
        (Line(figure(value="74844"), None, None, Decimal("73143"), ""), False, "-1,701"),
        (Line(figure(value="2.38"), None, None, Decimal("2.375"), ""), True, "0"),
    ],
)
def test_line_compares_what_the_report_prints(line: Line, equal: bool, difference: str) -> None:
    assert (line.equal, line.difference) == (equal, difference)
    assert line.is_explained == equal


def test_line_that_differs_is_explained_by_a_remark_but_a_missing_row_is_not() -> None:
    assert Line(figure(percent="5"), 3, 67, None, "It rounds to 4.").is_explained
    assert not Line(figure(), None, None, None, "It rounds to 4.").is_explained
