"""What a return cannot say as the records have it: counted, without any value."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Remark:
    """One kind of difference between the records and the return.

    Attributes:
        place: the file's table or module, and the element or column.
        message: what is so, and what to do.
        count: how often.
    """

    place: str
    message: str
    count: int


@dataclass
class Remarks:
    """The remarks on a return, while it is made."""

    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, place: str, message: str, count: int = 1) -> None:
        """Count one more of a kind."""
        if count:
            self._counts[place, message] += count

    def all(self) -> tuple[Remark, ...]:
        """Return all remarks in order of place."""
        return tuple(
            sorted(Remark(place, message, n) for (place, message), n in self._counts.items())
        )

    def code(self, row: Row, name: str, place: str, *, as_sent: bool = False) -> str | None:
        """Return a code of a staging row. An unknown one is counted, and is blank or as sent."""
        code, sent = row[f"{name}_code"], row[f"{name}_sent"]
        if code is None and sent is not None:
            what = "is written as it was sent" if as_sent else "is left blank"
            self.add(place, f"The code is unknown, so it {what}. Correct the record.")
            return str(sent) if as_sent else None
        return None if code is None else str(code)

    def unreadable(self, rows: Iterable[Row], place: str) -> None:
        """Count the values of staging rows that could not be read, so they are blank."""
        for row in rows:
            for column in row["unreadable_columns"] or ():
                self.add(
                    f"{place}, {column}",
                    "The value could not be read, so it is left blank. Correct the record.",
                )


def flag(value: bool | None) -> str | None:
    """Return 1 or 0; None where it is not known."""
    return None if value is None else str(int(value))


def iso(day: dt.date | None) -> str | None:
    """Return a day as yyyy-mm-dd."""
    return None if day is None else day.isoformat()
