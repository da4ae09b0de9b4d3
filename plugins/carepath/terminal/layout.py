"""How everything in the terminal looks: colours of states, tables, indented text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDE: Final = 100  # columns from which a table has room to spare

STATE_COLOURS: Final = {
    "published": "green",
    "done": "green",
    "pass": "green",
    "running": "cyan",
    "partly": "yellow",
    "held": "yellow",
    "hold": "yellow",
    "failed": "red",
}


def table_of(title: str, left: Sequence[str], right: Sequence[str] = ()) -> Table:
    """Return an empty table. On a narrow terminal its cells fold, so that nothing is cut off.

    A column `rule` does not fold: people search for the number of a rule.
    """
    shown = f"  {title}" if title else None
    table = Table(title=shown, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for heading in left:
        table.add_column(heading, overflow="fold", no_wrap=heading == "rule")
    for heading in right:
        table.add_column(heading, overflow="fold", justify="right")
    return table


def pack(table: Table, console: Console) -> Table:
    """On a narrow terminal, take the blanks beside the cells out, so that no number breaks."""
    for column in table.columns:
        column.no_wrap = column.no_wrap or column.justify == "right"
    if console.width < WIDE:
        table.padding = (0, 0)
    return table


def print_indented(console: Console, text: str, *, by: int = 8) -> None:
    """Print a text some columns from the edge, its further lines too."""
    console.print(Padding(Text(text), (0, 0, 0, by)))


def messages(joined: str) -> list[str]:
    """Return the messages that a night joined into one line, each on its own."""
    return [text for text in joined.split(" | ") if text]


def plural(count: int, thing: str) -> str:
    """Return a count with its thing: `1 record`, `1,204 records`."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
