"""`carepath privileges`: where what roles may do differs from the release's list."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from carepath.terminal.layout import table_of
from carepath.warehouse.connect import connect
from carepath.warehouse.privileges import HEADINGS, differences, read_privileges, write_list


def print_differences(console: Console, file: Path | None) -> bool:
    """Print them, or write the whole list to a file; return whether there are none."""
    with connect("carepath_owner") as connection:
        if file is not None:
            write_list(lines := read_privileges(connection), file)
            console.print(f"{len(lines)} lines written to {file}", soft_wrap=True, markup=False)
            return True
        more, missing = differences(connection)
    for title, lines in (
        ("In the warehouse, and not in the release's list:", more),
        ("In the release's list, and not in the warehouse:", missing),
    ):
        if lines:
            table = table_of(title, HEADINGS)
            for line in lines:
                table.add_row(*line)
            console.print(table)
    if not more and not missing:
        console.print("Each role may do what the release lists, no more and no less.")
        return True
    console.print("Somebody has changed them. docs/passwords.md says what each role is for.")
    return False
