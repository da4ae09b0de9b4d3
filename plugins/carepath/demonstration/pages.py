"""The comparison with the evaluation report, written as a page (HTML) and as a file (CSV)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from carepath.demonstration.comparison import TITLES, Line, summarise
from carepath.demonstration.story import Story, percent
from carepath.documents.templates import render

COLUMNS: Final = (
    "table",
    "figure",
    "statistic",
    "among",
    "on",
    "unit",
    "evaluation_report",
    "carepath",
    "difference",
    "result",
    "reason",
)


def write_comparison(folder: Path, story: Story, lines: Sequence[Line]) -> tuple[Path, Path]:
    """Write comparison.html, for people, and comparison.csv, for a spreadsheet; return both."""
    page, file = folder / "comparison.html", folder / "comparison.csv"
    page.write_text(comparison_page(story, lines), encoding="utf-8")
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(COLUMNS)
        writer.writerows(_row(line) for line in lines)
    return page, file


def comparison_page(story: Story, lines: Sequence[Line]) -> str:
    """Return the page: the story, the targets, what differs and why, then every figure."""
    return render(
        "comparison.html",
        story=story,
        percent=percent,
        summary=summarise(lines),
        differing=[line for line in lines if not line.equal],
        tables={
            title: [line for line in lines if line.report.table == number]
            for number, title in TITLES.items()
        },
    )


def _row(line: Line) -> tuple[str, ...]:
    figure = line.report
    return (
        figure.table,
        figure.measure,
        figure.statistic,
        figure.segment,
        figure.snapshot.isoformat(),
        figure.unit,
        figure.printed,
        line.carepath,
        line.difference,
        line.result,
        line.remark,
    )
