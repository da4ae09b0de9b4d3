"""How the demonstration ends: six lines, the targets, what differs; a page and a file."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from markupsafe import escape
from rich.console import Console

from carepath.demonstration import printing, story
from carepath.demonstration.comparison import Line, summarise
from carepath.demonstration.evaluation_report import report_figures
from carepath.demonstration.pages import comparison_page, write_comparison

BASE, NOW = date(2017, 9, 30), date(2019, 9, 30)
ENTRIES = story.Target(
    code="care-entries",
    service="edge of care",
    measure="young people coming into care",
    direction="decrease",
    wanted=Decimal("-10.00"),
    baseline=Decimal("100.0000"),
    wanted_value=Decimal("90.0000"),
    actual=Decimal("112.0000"),
    baseline_date=BASE,
    actual_date=NOW,
    change=Decimal("12.00"),
    is_met=False,
    movement="away from the target",
    reason=None,
    statistic="count",
    due=date(2019, 10, 31),
)
BUDGET = replace(
    ENTRIES,
    code="placement-budget",
    measure="placement budget",
    baseline=Decimal("200000"),
    actual=Decimal("166000.5"),
    change=Decimal("-17.00"),
    is_met=True,
    movement="towards the target",
    statistic="value",
)
EET = replace(
    ENTRIES,
    code="eet",
    measure="young people in EET",
    direction="increase",
    wanted=Decimal("15.00"),
    baseline=Decimal("0.5000"),
    actual=Decimal("0.5250"),
    change=Decimal("5.00"),
    movement="towards the target",
    statistic="share",
)
UNKNOWN = replace(
    ENTRIES,
    measure="staying put arrangements",
    baseline=Decimal(0),
    change=None,
    is_met=None,
    movement=None,
    reason="the baseline is 0",
)


def of(count: int | None, denominator: int | None = None) -> dict[str, int | None]:
    """Return what a mart holds for a measure."""
    return {"numerator": count, "denominator": denominator}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            story.entries_line(ENTRIES),
            "112 in the 12 months to 30 September 2019, 12 more than in the 12 months to "
            "30 September 2017.",
        ),
        (
            story.entries_line(replace(ENTRIES, actual=Decimal(99), baseline=None)),
            "99 in the 12 months to 30 September 2019.",
        ),
        (
            story.entries_line(replace(ENTRIES, actual=None)),
            "The marts hold no figure for entries to care.",
        ),
        (
            story.in_care_line(250, NOW, 262, BASE),
            "250 on 30 September 2019, 12 fewer than on 30 September 2017.",
        ),
        (
            story.in_care_line(250, NOW, 250, BASE),
            "250 on 30 September 2019, as many as on 30 September 2017.",
        ),
        (
            story.cost_line(BUDGET, 12394.4),
            "The placements open on 30 September 2019 cost £166,001 a week, 17% less than on "
            "30 September 2017. Pathway carers have saved £12,394 compared with residential care.",
        ),
        (
            story.cost_line(replace(BUDGET, actual=None), -500),
            "The marts hold no figure for placement costs. Pathway carers have cost £500 more "
            "compared with residential care.",
        ),
        (
            story.edge_of_care_line(of(52, 67), 0),
            "52 of 67 young people (78%) with the Families Together Team stepped down to a lower "
            "plan or closed. 0 stepped up.",
        ),
        (
            story.edge_of_care_line({}, None),
            "The marts hold no figure for plans at the edge of care.",
        ),
        (
            story.eet_line(EET, of(105, 200)),
            "105 of 200 care leavers with an open case (53%) were in education, employment or "
            "training on 30 September 2019. On 30 September 2017 it was 50%.",
        ),
        (
            story.targets_line([ENTRIES, BUDGET, EET, UNKNOWN]),
            "1 of 4 is met. Met: placement budget. Right direction: young people in EET. Wrong "
            "direction: young people coming into care. Not measured: staying put arrangements.",
        ),
    ],
)
def test_line_of_the_story_says_figure_and_direction(said: str, expected: str) -> None:
    assert said == expected


@pytest.mark.parametrize(
    ("target", "judgement", "actual"),
    [
        (ENTRIES, "not met, wrong direction", "112"),
        (BUDGET, "met", "£166,001"),
        (EET, "not met, right direction", "52.5%"),
        (replace(EET, movement="unchanged"), "not met, unchanged", "52.5%"),
        (UNKNOWN, "not measured: the baseline is 0", "112"),
    ],
)
def test_target_is_judged_by_the_actual_figure(
    target: story.Target, judgement: str, actual: str
) -> None:
    assert target.judgement == judgement
    assert target.shown(target.actual) == actual


def test_percent_shows_the_direction() -> None:
    changes = (Decimal("-10.00"), Decimal("4.55"), Decimal("100.00"), Decimal(0), None)
    assert [story.percent(change) for change in changes] == [
        "-10%", "+4.6%", "+100%", "0%", "none",
    ]  # fmt: skip


STORY = story.Story(
    "Ashmere <Borough> (E09900001)",
    NOW,
    (
        ("Entries to care", story.entries_line(ENTRIES)),
        ("Targets", story.targets_line([ENTRIES, BUDGET])),
    ),
    (ENTRIES, BUDGET, EET, UNKNOWN),
)


def compared() -> list[Line]:
    """Return every figure beside itself, but for one with a reason and one without."""
    lines = []
    for figure in report_figures():
        value = None if figure.value is None else Decimal(figure.value)
        denominator = figure.denominator
        if figure.percent and figure.numerator and not denominator:
            denominator = round(100 * figure.numerator / float(figure.percent))
        lines.append(Line(figure, figure.numerator, denominator, value, ""))
    equal = next(n for n, line in enumerate(lines) if line.report.value == "253000")
    lines[equal] = replace(lines[equal], value=Decimal(252000), remark="One <b>invoice</b> less.")
    missing = next(n for n, line in enumerate(lines) if line.report.value == "738177")
    lines[missing] = replace(lines[missing], value=None)
    return lines


def test_page_is_self_contained_and_escapes_what_it_shows(tmp_path: Path) -> None:
    lines = compared()
    page, _ = write_comparison(tmp_path, STORY, lines)
    text = page.read_text(encoding="utf-8")
    assert '<html lang="en-GB">' in text
    assert "One &lt;b&gt;invoice&lt;/b&gt; less." in text
    assert "Ashmere &lt;Borough&gt;" in text
    assert not re.search(r"(src|href)=|url\(|@import|<script", text)
    assert "@media print" in text
    assert text == comparison_page(STORY, lines)
    body = text.partition("Every figure")[2]
    assert body.count("<tr><td>") == len(report_figures())
    assert escape(summarise(lines).sentence) in text


def test_file_has_a_row_for_every_figure(tmp_path: Path) -> None:
    lines = compared()
    _, file = write_comparison(tmp_path, STORY, lines)
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [(row["table"], row["figure"], row["among"]) for row in rows] == [
        (figure.table, figure.measure, figure.segment) for figure in report_figures()
    ]
    assert [row["result"] for row in rows] == [line.result for line in lines]
    (explained,) = (row for row in rows if row["result"] == "explained")
    assert (explained["evaluation_report"], explained["carepath"]) == ("253,000", "252,000")
    assert (explained["difference"], explained["reason"]) == ("-1,000", "One <b>invoice</b> less.")


@pytest.mark.parametrize("width", [80, 140])
def test_ending_fits_the_terminal_and_cuts_nothing(width: int, tmp_path: Path) -> None:
    out = io.StringIO()
    console = Console(file=out, width=width)
    printing.print_story(console, STORY)
    lines = compared()
    printing.print_comparison(console, lines, Path("comparison.html"), Path("file.csv"))
    printing.print_where_to_look(console, [("carepath status", "what ran " * 20)])
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    words = " ".join(text.split())
    for shown in ("£166,001", "+12%, not met", "52.5%", "253,000", "252,000", "no row", "-1,000"):
        assert shown in words, shown
    for line in ("One <b>invoice</b> less.", "The reason is not known.", summarise(lines).sentence):
        assert line in words, line
