"""`carepath retention`: who is due, by kind and reason; the keys only in a file of one's own."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from typing import Final, TextIO

from rich.console import Console

from carepath.retention.due import Due
from carepath.spreadsheets import inert
from carepath.terminal.layout import plural, table_of

STATES: Final = ("due", "asked for", "on hold", "still delivered", "later", "no date")
HEADINGS: Final = ("authority", "case id", "kind", "due on", "state", "request", "asked by")


def print_retention(console: Console, people: Sequence[Due], again: int) -> None:
    """Print counts, and the requests that wait; never a case id."""
    if not people:
        console.print("There are no people yet. Run a night first.")
        return
    counts = Counter[tuple[str, str, str]](
        (each.authority, each.kind, each.state) for each in people
    )
    table = table_of("", ("authority", "kind"), STATES)
    for authority, kind in sorted({(each.authority, each.kind) for each in people}):
        table.add_row(authority, kind, *(f"{counts[authority, kind, state]:,}" for state in STATES))
    console.print(table)
    for each in people:
        if each.request_id is not None:
            console.print(
                f"Request {each.request_id} of {each.asked_by} waits for a second person"
                f" ({each.kind}, {each.state})."
            )
    if again:
        console.print(
            f"[yellow]{plural(again, 'person') if again == 1 else f'{again:,} people'} whose"
            " records were disposed of are delivered again.[/]"
        )


def write_retention(file: TextIO, people: Sequence[Due]) -> None:
    """Write whose retention has ended, with case ids, as CSV."""
    writer = csv.writer(file)
    writer.writerow(HEADINGS)
    writer.writerows(
        (
            each.authority, inert(each.case_id), each.kind, each.due_on, each.state,
            each.request_id or "", inert(each.asked_by or ""),
        )
        for each in people
        if each.state != "later"
    )  # fmt: skip
