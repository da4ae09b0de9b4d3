"""What a load is and what it counted, as plain values that the steps pass on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Progress = Callable[[str, int], None]  # called with a table that has arrived and its number of rows


@dataclass(frozen=True)
class Load:
    """One delivery of one source. It holds the records as they were at the close of `night`."""

    load_id: int
    source: str
    authority: str
    night: dt.date
    period: str | None = None


@dataclass(frozen=True)
class TableDelivery:
    """One table of a delivery.

    Attributes:
        table: the contract's name.
        row_count: rows as sent, duplicates included.
        byte_count: bytes as sent, in COPY's text format.
        content_hash: SHA-256 of column names and bytes.
        seconds: time of the extract.
        columns: the contract's columns that the source has; empty if the table is gone.
        previous_row_count: rows of the last loaded delivery of the period; None if it is the first.
        is_unchanged: the same bytes as in the last loaded delivery, so history is not compared.
        duplicate_count: rows that repeat another row of the delivery, apart from row ids.
        opened_count: versions opened in history.
        closed_count: versions closed in history.
        history_seconds: time of comparing with history and writing the changes.
    """

    table: str
    row_count: int
    byte_count: int
    content_hash: str
    seconds: float
    columns: tuple[str, ...]
    previous_row_count: int | None = None
    is_unchanged: bool = False
    duplicate_count: int = 0
    opened_count: int = 0
    closed_count: int = 0
    history_seconds: float = 0.0


@dataclass(frozen=True)
class Previous:
    """A table as the last loaded delivery of its source and period had it."""

    row_count: int
    duplicate_count: int
    content_hash: str
    is_latest: bool  # no load of another period came later
    columns: frozenset[str] = frozenset()  # empty for deliveries from before columns were recorded


@dataclass(frozen=True)
class LoadResult:
    """What a load did. Seconds are elapsed time, for all tables together."""

    load: Load
    tables: tuple[TableDelivery, ...]
    extract_seconds: float
    history_seconds: float

    @property
    def load_id(self) -> int:
        """Identity of the load: ops.loads.load_id, history.*.from_load."""
        return self.load.load_id


PreviousTables = Mapping[str, Previous]
