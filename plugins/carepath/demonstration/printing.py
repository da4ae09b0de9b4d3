"""How the demonstration ends in the terminal: the story, the targets, what differs, where to look.

Everything fits into 80 columns, and uses more where there are more.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from carepath.dates import written
from carepath.demonstration.comparison import Line, summarise
from carepath.demonstration.story import Story, percent

RESULT_COLOURS = {"equal": "green", "explained": "yellow", "unexplained": "red"}


def print_story(console: Console, story: Story) -> None:
    """Print six lines for a head of service, and each target beside its figure."""
    day = written(story.day)
    console.rule(f"[bold]{escape(story.authority)} on {day}[/]", align="left")
    lines = Table.grid(padding=(0, 2))
    lines.add_column(style="bold", no_wrap=True)
    lines.add_column(overflow="fold")
    for subject, text in story.lines:
        lines.add_row(f"  {subject}", escape(text))
    console.print(lines, highlight=False)
    table = _table("Targets and actual figures")
    table.add_column("what was to change")
    for heading in ("baseline", "target", "actual"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("result")
    for target in story.targets:
        colour = "green" if target.is_met else "yellow"
        change = "" if target.change is None else f"{percent(target.change)}, "
        table.add_row(
            f"{escape(target.measure)}, {percent(target.wanted)}",
            target.shown(target.baseline),
            target.shown(target.wanted_value),
            target.shown(target.actual),
            f"[{colour}]{change}{escape(target.judgement)}[/]",
        )
    console.print(table, highlight=False)


def print_comparison(console: Console, lines: Sequence[Line], page: Path, file: Path) -> None:
    """Print how Carepath's figures compare with the evaluation report's, and what differs."""
    console.rule("[bold]Carepath beside the evaluation report[/]", align="left")
    summary = summarise(lines)
    colour = "red" if summary.unexplained else "green"
    _print(console, f"[{colour}]{summary.sentence}[/]")
    targets = sum(line.report.table == "TARGET" for line in lines)
    _print(
        console,
        f"{targets} of them are the targets themselves: Carepath uses the targets that the report "
        "prints.",
    )
    differing = [line for line in lines if not line.equal]
    if differing:
        table = _table("What differs, and why")
        table.add_column("figure")
        for heading in ("evaluation\nreport", "Carepath", "difference"):
            table.add_column(heading, justify="right", no_wrap=True)
        for line in differing:
            about = f"{line.report.name}, {line.report.segment}"
            reason = line.remark or "The reason is not known."
            table.add_row(
                f"{escape(about)}\n[dim]{escape(reason)}[/]",
                line.report.printed,
                line.carepath or "no row",
                f"[{RESULT_COLOURS[line.result]}]{line.difference}[/]",
            )
        console.print(table, highlight=False)
    _print(console, "Every figure is on a page, and in a file for a spreadsheet:")
    for path in (page, file):
        console.print(f"    {path}", markup=False, highlight=False, soft_wrap=True)


def print_where_to_look(console: Console, places: Sequence[tuple[str, str]]) -> None:
    """Print commands and places, each with what a person finds there."""
    console.print("\n[bold]Where to look next[/]")
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for place, what in places:
        table.add_row(f"  {escape(place)}", escape(what))
    console.print(table, highlight=False)


def _print(console: Console, text: str) -> None:
    console.print(Padding(Text.from_markup(text), (0, 0, 0, 2)))


def _table(title: str) -> Table:
    return Table(
        title=f"  {title}",
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1),
    )
