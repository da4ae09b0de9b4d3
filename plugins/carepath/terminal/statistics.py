"""`carepath statistics add`, `list` and `remove`: what people see of published statistics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from carepath.dates import written
from carepath.quality.waivers import person
from carepath.statistics import Kept, add, kept_files, remove
from carepath.terminal.layout import table_of
from carepath.warehouse.connect import connect

LOADER: Final = "carepath_loader"


def add_files(console: Console, paths: Sequence[Path]) -> None:
    """Add each file, and say what it was and what it replaces.

    Raises:
        StatisticsError: a file cannot be understood. Files named before it were added.
    """
    with connect(LOADER, autocommit=True) as connection:
        for path in paths:
            for added in add(connection, path, person()):
                found = added.statistics
                replaces = f"; {added.replaced:,} earlier rows replaced" if added.replaced else ""
                console.print(
                    f"Added {added.file_id}: {found.data_set}{_years(found.periods)}, "
                    f"{found.row_count:,} rows of {found.file}{replaces}.",
                    soft_wrap=True,
                    markup=False,
                )
                if found.left_out:
                    console.print(f"  Left out: {found.left_out}", markup=False)
    console.print("The next night builds the figures with them.")


def print_files(console: Console) -> None:
    """Print the files that count."""
    with connect(LOADER) as connection:
        found = kept_files(connection)
    if not found:
        console.print(
            "No published statistics have been added. docs/statistics.md says which to download."
        )
        return
    table = table_of("", ("number", "data set", "years", "file", "added"), ("rows",))
    for kept in found:
        table.add_row(
            str(kept.file_id), kept.data_set, _span(kept), kept.file_name,
            f"{written(kept.added_at.date())} by {kept.added_by}", f"{kept.row_count:,}",
        )  # fmt: skip
    console.print(table)


def remove_file(console: Console, number: int) -> None:
    """Remove a file.

    Raises:
        StatisticsError: there is no such file.
    """
    with connect(LOADER, autocommit=True) as connection:
        gone = remove(connection, number)
    console.print(
        f"Removed {gone.file_id}: {gone.data_set}, {gone.row_count:,} rows of {gone.file_name}. "
        "The next night builds the figures without them.",
        soft_wrap=True,
        markup=False,
    )


def _years(periods: Sequence[int]) -> str:
    return f" ({periods[0]} to {periods[-1]})" if periods else ""


def _span(kept: Kept) -> str:
    return "" if kept.first_period is None else f"{kept.first_period} to {kept.last_period}"
