"""`carepath audit`: who looked, waived, approved, exported, rolled back, changed settings."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import astuple
from typing import Final, TextIO

from rich.console import Console

from carepath.audit import Deed
from carepath.spreadsheets import inert
from carepath.terminal.layout import table_of

HEADINGS: Final = ("at (UTC)", "who", "what", "authority", "detail")


def print_audit(console: Console, deeds: Sequence[Deed]) -> None:
    """Print one line for each deed, the newest first."""
    if not deeds:
        console.print("The audit has no entries for this choice.")
        return
    table = table_of("", HEADINGS)
    for deed in deeds:
        table.add_row(*_words(deed))
    console.print(table)


def write_audit(file: TextIO, deeds: Sequence[Deed]) -> None:
    """Write them as CSV."""
    writer = csv.writer(file)
    writer.writerow(HEADINGS)
    writer.writerows(_words(deed) for deed in deeds)


def _words(deed: Deed) -> tuple[str, ...]:
    done_at, *rest = astuple(deed)
    return (f"{done_at:%Y-%m-%d %H:%M:%S}", *(str(inert(value or "")) for value in rest))
