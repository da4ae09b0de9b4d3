"""What `carepath release-figures` prints: what was released, and what was withheld."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from carepath.dates import written
from carepath.disclosure.open_data import Written
from carepath.disclosure.release import Released


def print_released(console: Console, released: Released) -> None:
    """Print the dates, the counts and how many of them readers do not get."""
    if released.release_id is None:
        console.print(
            "There are no new dates to release. What was released stays; --revise replaces it."
        )
        return
    console.print(
        f"Release [bold]{released.release_id}[/] of {released.authority}: "
        f"{released.figure_count:,} figures as at "
        f"{', '.join(written(date) for date in released.dates)}.",
        soft_wrap=True,
    )
    counts = released.count_count or 1
    table = Table(box=None, show_header=False)
    for what, number in (
        ("counts", released.count_count),
        ("suppressed because they are small", released.small_count),
        ("suppressed so that those cannot be computed", released.other_count),
    ):
        table.add_row(what, f"{number:,}", f"{number / counts:.0%}")
    console.print(table)
    console.print(f"Protected in {released.seconds:.1f} s and {released.rounds} rounds.")
    if released.exposed_count:
        console.print(
            f"{released.exposed_count:,} small counts have narrower bounds than 1 to 5, because of "
            "counts of at least 1 that add up to them, or of earlier releases "
            "(docs/published_figures.md).",
            soft_wrap=True,
        )


def print_written(console: Console, files: Sequence[Written], folder: Path) -> None:
    """Print the files of the open data standard."""
    table = Table("Service", "Rows", "File", "Metadata", box=None)
    for each in files:
        table.add_row(each.service, f"{each.row_count:,}", each.data.name, each.metadata.name)
    console.print(table)
    console.print(f"Written to {folder}", markup=False, soft_wrap=True)
