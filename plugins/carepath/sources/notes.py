"""Delivery notes: what was noticed about a file or value while a delivery was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import psycopg


@dataclass(frozen=True, order=True)
class DeliveryNote:
    """One place of a file that a person should put right. It never quotes a value.

    `line` counts from 1, which is the header; 0 means the whole file. `column` is a name from the
    header, a position where the header itself is wrong, or empty.
    """

    file: str
    line: int
    column: str
    message: str

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        column = f", column {self.column}" if self.column else ""
        return f"{self.file}{line}{column}: {self.message}"


@runtime_checkable
class HasNotes(Protocol):
    """An open source with notes about its files; recording systems have none."""

    def notes(self) -> list[DeliveryNote]:
        """Return what a person should put right although the rows were loaded."""
        ...


def notes_of(session: object) -> list[DeliveryNote]:
    """Return an open source's notes about its files; none for a recording system."""
    return session.notes() if isinstance(session, HasNotes) else []


def keep_notes(
    connection: psycopg.Connection[Any], load_id: int, notes: Sequence[DeliveryNote]
) -> None:
    """Store a load's notes in ops.delivery_findings, and remove those stored before."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("delete from ops.delivery_findings where load_id = %s", (load_id,))
        cursor.executemany(
            "insert into ops.delivery_findings (load_id, finding, file, line, column_name, message)"
            " values (%s, %s, %s, nullif(%s, 0), nullif(%s, ''), %s)",
            [
                (load_id, number, each.file, each.line, each.column, each.message)
                for number, each in enumerate(sorted(notes), 1)
            ],
        )
