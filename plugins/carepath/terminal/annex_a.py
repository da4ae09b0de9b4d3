"""What `carepath annex-a` prints: rows of each list, and the values that it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from carepath.annex_a import Exported


def print_exported(console: Console, exported: Sequence[Exported], folder: Path) -> None:
    """Print the files, and every heading with blanks and how many it has."""
    table = Table("List", "Rows", "File", box=None)
    for each in exported:
        title = f"{each.annex_list.number} {each.annex_list.title}"
        table.add_row(title, f"{each.row_count:,}", each.file.name)
    console.print(table)
    console.print("\nBlank, because the records do not say it, or because it does not apply yet:")
    for each in exported:
        for heading, count in each.blanks.items():
            console.print(
                f"  List {each.annex_list.number}: {heading}: {count:,} of {each.row_count:,}",
                markup=False,
                soft_wrap=True,
            )
    console.print(f"\nWritten to {folder}", markup=False, soft_wrap=True)
    console.print("The files hold children's records. Only your account may read them.")
