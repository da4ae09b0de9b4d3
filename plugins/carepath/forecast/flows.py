"""Children in care month by month, as counts: who stayed, moved, came and left."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

AGE_BANDS: Final = (
    "under 1",
    "1 to 4",
    "5 to 9",
    "10 to 15",
    "16 and over",
    "not recorded",
)
NOT_IN_CARE: Final = "not in care"

Counts = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
State = tuple[str, str]
# month, state before, state after (None: not in care), children, of them with a cost, their cost
FlowRow = tuple[dt.date, State | None, State | None, int, int, float]


@dataclass(frozen=True)
class Flows:
    """The flows of an authority's children in care, oldest month first.

    A state is a placement group with an age band. Arrays have a row for each month.

    Attributes:
        dates: the end of each month (M).
        states: the states that children were in (S).
        moved: children by state before and state after (M, S, S); the diagonal stayed.
        came: children who came into care, by state after (M, S).
        left: children who left care, by state before (M, S).
        costed: children whose placement has a cost at the end of the month, by state (M, S).
        cost: sum of these weekly costs in pounds (M, S).
    """

    dates: tuple[dt.date, ...]
    states: tuple[State, ...]
    moved: Counts
    came: Counts
    left: Counts
    costed: Counts
    cost: Numbers

    @property
    def groups(self) -> tuple[str, ...]:
        """The placement groups, in alphabetical order, with those not recorded last."""
        found = {group for group, _ in self.states}
        return tuple(sorted(found, key=lambda group: (group == "not recorded", group)))

    @property
    def bands(self) -> tuple[str, ...]:
        """The age bands that occur, youngest first."""
        found = {band for _, band in self.states}
        return tuple(band for band in AGE_BANDS if band in found)

    def stock(self, month: int) -> Counts:
        """Return the children in each state at the end of a month (S)."""
        found: Counts = self.moved[month].sum(axis=0) + self.came[month]
        return found

    def weekly_cost(self, month: int) -> float | None:
        """Return the weekly cost at the end of a month, in pounds.

        A child whose placement has no cost counts with the mean of the group. None if no
        placement has a cost.
        """
        means = self.mean_costs(month)
        if not self.costed[month].any():
            return None
        return float((self.stock(month) * means).sum())

    def mean_costs(self, month: int) -> Numbers:
        """Return the mean weekly cost of a state's group at the end of a month, in pounds (S).

        A group without a cost in that month has its mean of the twelve months before, or else 0.
        """
        groups = np.array([group for group, _ in self.states])
        means = np.zeros(len(self.states))
        for group in self.groups:
            here = groups == group
            for months in (slice(month, month + 1), slice(max(0, month - 12), month + 1)):
                costed = self.costed[months][:, here].sum()
                if costed:
                    means[here] = self.cost[months][:, here].sum() / costed
                    break
        return means

    def numbers_of(self, group: str | None, band: str | None) -> list[int]:
        """Return the numbers of the states of a placement group and an age band; None is all."""
        return [
            number
            for number, state in enumerate(self.states)
            if group in (None, state[0]) and band in (None, state[1])
        ]

    def until(self, month: int) -> Flows:
        """Return the flows as they were known at the end of a month."""
        return Flows(
            self.dates[: month + 1],
            self.states,
            self.moved[: month + 1],
            self.came[: month + 1],
            self.left[: month + 1],
            self.costed[: month + 1],
            self.cost[: month + 1],
        )


def flows_of(rows: Iterable[FlowRow], dates: Sequence[dt.date] = ()) -> Flows:
    """Return the flows that rows of counts describe.

    Args:
        rows: one for each month and pair of states, in any order.
        dates: the months, oldest first; by default those of the rows.
    """
    listed = list(rows)
    months = tuple(dates) or tuple(sorted({row[0] for row in listed}))
    seen = {state for row in listed for state in row[1:3] if state is not None}
    states = tuple(sorted(seen, key=lambda state: (state[0], AGE_BANDS.index(state[1]))))
    at = {state: number for number, state in enumerate(states)}
    month_at = {month: number for number, month in enumerate(months)}
    size = len(states)
    moved = np.zeros((len(months), size, size), dtype=np.int64)
    came, left, costed = (np.zeros((len(months), size), dtype=np.int64) for _ in range(3))
    cost = np.zeros((len(months), size))
    for month, before, after, count, costed_count, pounds in listed:
        number = month_at[month]
        if before is None and after is not None:
            came[number, at[after]] += count
        elif before is not None and after is None:
            left[number, at[before]] += count
        elif before is not None and after is not None:
            moved[number, at[before], at[after]] += count
        if after is not None:
            costed[number, at[after]] += costed_count
            cost[number, at[after]] += pounds
    return Flows(months, states, moved, came, left, costed, cost)
