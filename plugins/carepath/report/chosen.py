"""The measures that matter to a head of service: `chosen.csv`, one line for each."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("chosen.csv")


@dataclass(frozen=True)
class Chosen:
    """One measure of the headlines.

    Attributes:
        measure_code: of dim_measure.
        segment: among whom; blank for the total. If a measure has no total, the segment with the
            largest denominator.
        figure_code: the published figure of the same definition; blank if there is none.
        event_type_code: the events whose months belong to it; blank if there are none.
    """

    measure_code: str
    segment: str
    figure_code: str
    event_type_code: str


@lru_cache(maxsize=1)
def chosen() -> tuple[Chosen, ...]:
    """Return the measures in the order of the page."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Chosen(
                row["measure_code"],
                row["segment"],
                row["figure_code"],
                row["event_type_code"],
            )
            for row in csv.DictReader(file)
        )
