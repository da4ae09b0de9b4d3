"""What a source tells about its own files beside their rows, and where it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import psycopg


@dataclass(frozen=True, order=True)
class Finding:
    """One place of a file that a person should put right; holds no value of the file.

    `line` counts from 1, the header being line 1; 0 means the file as a whole. `column` is a
    name of the file's header, or a position where the header itself is wrong; empty if none.
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
class TellsFindings(Protocol):
    """An open source that tells more than its rows; recording systems have nothing to tell."""

    def findings(self) -> list[Finding]:
        """Return what a person should put right although the rows were loaded."""
        ...


def findings_of(session: object) -> list[Finding]:
    """Return what an open source tells about its own files; none for a recording system."""
    return session.findings() if isinstance(session, TellsFindings) else []


def keep_findings(
    connection: psycopg.Connection[Any], load_id: int, findings: Sequence[Finding]
) -> None:
    """Store a load's findings in ops.delivery_findings, in the place of those it had."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("delete from ops.delivery_findings where load_id = %s", (load_id,))
        cursor.executemany(
            "insert into ops.delivery_findings (load_id, finding, file, line, column_name, message)"
            " values (%s, %s, %s, nullif(%s, 0), nullif(%s, ''), %s)",
            [
                (load_id, number, each.file, each.line, each.column, each.message)
                for number, each in enumerate(sorted(findings), 1)
            ],
        )
