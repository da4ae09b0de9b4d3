"""Rows of a table through time, and their text at the end of a day.

Everything is dictionary-encoded: a column is an array of positions in a list of words. The last
word is null, so position -1 is null. Days are whole numbers since 1970-01-01.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
Words = npt.NDArray[np.object_]

EPOCH: Final = date(1970, 1, 1).toordinal()
NEVER: Final = 1 << 28
NULL: Final = r"\N"
CHUNK: Final = 20_000


def day_number(day: date) -> int:
    """Return the days from 1970-01-01 to `day`."""
    return day.toordinal() - EPOCH


FIRST_DAY: Final = day_number(date(1980, 1, 1))
LAST_DAY: Final = day_number(date(2035, 12, 31))
SENTINEL: Final = "1900-01-01"


def vocabulary(words: Sequence[str]) -> Words:
    """Return `words` with null at the end, ready to be looked up by position."""
    return np.array([*words, NULL], dtype=np.object_)


DATE_WORDS: Final = vocabulary(
    [date.fromordinal(EPOCH + day).isoformat() for day in range(FIRST_DAY, LAST_DAY + 1)]
    + [SENTINEL]
)
SENTINEL_POSITION: Final = len(DATE_WORDS) - 2


@dataclass(frozen=True)
class Column:
    """One column: its values from `since` on, and its values before.

    Attributes:
        codes: positions in `words`, one per row, or a function of the day that gives them.
        words: the vocabulary; its last entry is null.
        since: the day from which each row says `codes`; None means always.
        before: what each row says until then; None means null.
    """

    codes: Ints | Callable[[int], Ints]
    words: Words
    since: Ints | None = None
    before: Ints | None = None

    def at(self, day: int, rows: Ints) -> Ints:
        """Return the positions that `rows` hold at the end of `day`."""
        codes = (self.codes(day) if callable(self.codes) else self.codes)[rows]
        if self.since is None:
            return codes
        earlier: Ints | int = -1 if self.before is None else self.before[rows]
        return np.where(self.since[rows] <= day, codes, earlier).astype(np.int32)


def date_positions(days: npt.NDArray[Any]) -> Ints:
    """Return the position of each day in DATE_WORDS; NEVER and beyond become null."""
    inside = (days >= FIRST_DAY) & (days <= LAST_DAY)
    return np.where(inside, days - FIRST_DAY, -1).astype(np.int32)


def dates(
    days: npt.NDArray[Any], since: Ints | None = None, before: npt.NDArray[Any] | None = None
) -> Column:
    """Return a column of dates from day numbers; NEVER is null."""
    return Column(
        date_positions(days),
        DATE_WORDS,
        since,
        None if before is None else date_positions(before),
    )


def coded(codes: npt.NDArray[Any], words: Sequence[str], since: Ints | None = None) -> Column:
    """Return a column of `words` chosen by position; -1 is null."""
    return Column(np.asarray(codes, dtype=np.int32), vocabulary(words), since)


def numbered(prefix: str, first: int, count: int) -> Words:
    """Return the ids prefix + first, first + 1, ... as a vocabulary."""
    return vocabulary([f"{prefix}{number}" for number in range(first, first + count)])


def refers(codes: npt.NDArray[Any], words: Words, since: Ints | None = None) -> Column:
    """Return a column that refers to ids (or other words) already made; -1 is null."""
    return Column(np.asarray(codes, dtype=np.int32), words, since)


@dataclass
class Rows:
    """All rows that a table ever has.

    Attributes:
        table: the table's name.
        columns: by name; columns of the layout that are not here are null.
        recorded: the day on which each row was typed in.
        hidden_from, hidden_to: the row is missing between these days (NEVER: for ever).
        copies: how often each row arrives; a join may multiply it.
        there: says for each row whether it is there on a day, if the days above cannot.
        key: the column that always identifies a row, if any.
        row_id: the column that holds the vendor's row id, new every night, if any.
    """

    table: str
    columns: Mapping[str, Column]
    recorded: Ints
    hidden_from: Ints | None = None
    hidden_to: Ints | None = None
    copies: Ints | None = None
    there: Callable[[int], Bools] | None = None
    key: str | None = None
    row_id: str | None = None

    def present(self, day: int) -> Ints:
        """Return the positions of the rows that are there at the end of `day`."""
        there = self.recorded <= day
        if self.there is not None:
            there &= self.there(day)
        if self.hidden_from is not None and self.hidden_to is not None:
            there &= ~((self.hidden_from <= day) & (day < self.hidden_to))
        rows = np.flatnonzero(there).astype(np.int32)
        return rows if self.copies is None else np.repeat(rows, self.copies[rows])

    def changed(self, before: int, day: int) -> tuple[Ints, Ints]:
        """Return the rows to delete and the rows to insert to go from one day to another."""
        old, new = self.present(before), self.present(day)
        both = np.intersect1d(old, new, assume_unique=True)
        differs = np.zeros(len(both), dtype=np.bool_)
        for column in self.columns.values():
            if column.since is not None or callable(column.codes):
                differs |= column.at(before, both) != column.at(day, both)
        stale = both[differs]
        gone = np.setdiff1d(old, new, assume_unique=True)
        born = np.setdiff1d(new, old, assume_unique=True)
        return np.concatenate((gone, stale)), np.concatenate((born, stale))

    def copy_text(
        self, layout: Sequence[str], day: int, rows: Ints, row_ids: Sequence[int]
    ) -> Iterator[bytes]:
        """Yield `rows` as they are at the end of `day`, in PostgreSQL's COPY text format.

        Args:
            layout: the columns to send, in order.
            day: the day that is shown.
            rows: positions of rows, as `present` gives them.
            row_ids: seed of the vendor's row ids of this night.
        """
        rng = np.random.default_rng(list(row_ids))
        unknown = set(self.columns) - set(layout)
        if unknown:
            raise KeyError(f"{self.table} has no column {', '.join(sorted(unknown))}")
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            fields: list[Sequence[str]] = []
            for name in layout:
                if name == self.row_id:
                    text = rng.bytes(16 * len(part)).hex().upper()
                    fields.append([text[at : at + 32] for at in range(0, len(text), 32)])
                elif name in self.columns:
                    column = self.columns[name]
                    fields.append(column.words[column.at(day, part)].tolist())
                else:
                    fields.append([NULL] * len(part))
            lines = map("\t".join, zip(*fields, strict=True))
            yield ("\n".join(lines) + "\n").encode()
