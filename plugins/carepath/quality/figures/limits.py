"""The usual limits of a figure: an individuals and moving range (XmR) chart of its own history.

The limits of natural variation are the mean plus and minus 2.66 mean moving ranges. A change from
one month to the next is usual up to 3.27 mean moving ranges (Wheeler, Understanding Variation,
1993; NHS England, Making Data Count). So a figure that varies a lot may move a lot, and one that
hardly varies may not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

# before that, only the fixed tolerance of KPI-06 says that a figure moved
FEWEST_POINTS: Final = 10
LIMIT, RANGE_LIMIT = 2.66, 3.27


@dataclass(frozen=True)
class Limits:
    """Between which numbers a figure usually is, and how far it usually moves in a month."""

    low: float
    high: float
    move: float

    def broken_by(self, number: float, last: float) -> bool:
        """Return whether a number is outside the limits and came there in one unusual step.

        A figure that goes slowly up or down for a year leaves its limits too. That is a trend, and
        not something that went wrong on a night.
        """
        return not self.low <= number <= self.high and abs(number - last) > self.move


def limits_of(numbers: Sequence[float]) -> Limits | None:
    """Return the limits from a figure's past numbers, the oldest first; None if too few."""
    if len(numbers) < FEWEST_POINTS:
        return None
    mean = sum(numbers) / len(numbers)
    moves = [abs(later - earlier) for earlier, later in pairwise(numbers)]
    usual = sum(moves) / len(moves)
    return Limits(mean - LIMIT * usual, mean + LIMIT * usual, RANGE_LIMIT * usual)
