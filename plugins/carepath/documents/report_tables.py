"""The page `docs/report_tables.md`: how each figure of the evaluation report is computed."""

from __future__ import annotations

from collections.abc import Iterator

from carepath.demonstration.comparison import TITLES, lookup_of, remark_of
from carepath.demonstration.evaluation_report import ReportFigure, report_figures
from carepath.documents.templates import render


def report_page() -> str:
    """Return the page: every printed figure, the row of the marts that computes it, and remarks."""
    figures = {
        title: [figure for figure in report_figures() if figure.table == number]
        for number, title in TITLES.items()
    }
    return render(
        "report_tables.md",
        tables=figures,
        lookup_of=lookup_of,
        notes={title: list(_notes(of_table)) for title, of_table in figures.items()},
    )


def _notes(figures: list[ReportFigure]) -> Iterator[str]:
    for figure in figures:
        if remark := remark_of(figure):
            yield f"**{figure.name}, {figure.segment}**: {remark}"
        if figure.note:
            yield f"{figure.name}, {figure.segment}, {figure.snapshot}: {figure.note}."
