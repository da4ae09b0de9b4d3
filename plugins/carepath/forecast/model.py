"""Carry the children in care forward, month by month, at the rates of the last months.

Each month a child leaves care, or stays. A child who stays may move to another placement group,
and may reach the next age band. New children come. The rates are those of the last 24 months:

- leaving care: by placement group and age band;
- moving: by placement group and age band, to each other group;
- reaching the next band: by age band;
- coming into care: the children of one of these months, drawn for each month to come.

A group and band with few children borrows from a larger group: leaving from its age band,
moving from its placement group. Borrowing counts as much as 24 months of one child.

Each of the runs draws the months on which its rates rest again, with replacement (bootstrap). It
then draws what happens to each child. The range is what eight runs in ten give. It knows only what
the last 24 months knew, so it is too narrow until it is widened (carepath.forecast.past).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import numpy as np

from carepath.errors import CarepathError
from carepath.forecast.flows import AGE_BANDS, Counts, Flows, Numbers

MONTHS: Final = 24  # the past months on which the rates rest
LEAST_MONTHS: Final = 12
HORIZON: Final = 12
RUNS: Final = 1_000
BORROWED: Final = 24.0  # child-months
LOW, MIDDLE, HIGH = 10, 50, 90  # percentiles


# what a forecast has a range for
Quantity = Literal["children", "arrivals", "leavers", "weekly_cost"]


@dataclass(frozen=True)
class Range:
    """A number to come: its median over all runs, and the range that should hold it 8 times in 10.

    The range is what eight runs in ten give. Where there are enough past forecasts, it is wider by
    what their ranges missed (carepath.forecast.past).
    """

    low: float
    middle: float
    high: float


class Widening(Protocol):
    """What knows by how much the ranges of past forecasts missed."""

    def by(
        self, quantity: Quantity, months: int, group: str | None, band: str | None, known: int
    ) -> float | None:
        """Return how much wider a range must be on each side, from what was known at a month."""


@dataclass(frozen=True)
class Forecast:
    """What all runs give, for each month to come (H).

    Attributes:
        flows: the months on which the forecast rests.
        stock: children in each state at the end of the month (runs, H, S).
        came: children who came into care in the month, by state at its end (runs, H, S).
        left: children who left care in the month, by state at its beginning (runs, H, S).
        costs: mean weekly cost of each state, in pounds, as on the last date (S).
        has_costs: whether any placement has a cost.
        widening: what makes the ranges wider; None leaves them as the runs give them.
    """

    flows: Flows
    stock: Counts
    came: Counts
    left: Counts
    costs: Numbers
    has_costs: bool
    widening: Widening | None = None
    _quantiles: dict[tuple[Quantity, str | None, str | None], Numbers] = field(
        default_factory=dict, compare=False, repr=False
    )

    def children(self, month: int, group: str | None = None, band: str | None = None) -> Range:
        """Return how many children are in care after some months (1 to H)."""
        return self._range("children", month, group, band)

    def arrivals(self, month: int, group: str | None = None, band: str | None = None) -> Range:
        """Return how many children come into care in a month (1 to H)."""
        return self._range("arrivals", month, group, band)

    def leavers(self, month: int, group: str | None = None, band: str | None = None) -> Range:
        """Return how many children leave care in a month (1 to H)."""
        return self._range("leavers", month, group, band)

    def weekly_cost(
        self, month: int, group: str | None = None, band: str | None = None
    ) -> Range | None:
        """Return the weekly cost after some months in pounds, at the costs of the last date."""
        return self._range("weekly_cost", month, group, band) if self.has_costs else None

    def quantiles(self, quantity: Quantity, group: str | None, band: str | None) -> Numbers:
        """Return the low, the middle and the high of all runs, for each month to come (3, H)."""
        key = (quantity, group, band)
        if key not in self._quantiles:
            here = self.flows.numbers_of(group, band)
            if quantity == "weekly_cost":
                numbers = self.stock[:, :, here] @ self.costs[here]
            else:
                of = {"children": self.stock, "arrivals": self.came, "leavers": self.left}[quantity]
                numbers = of[:, :, here].sum(axis=2)
            self._quantiles[key] = np.percentile(numbers, [LOW, MIDDLE, HIGH], axis=0)
        return self._quantiles[key]

    def _range(self, quantity: Quantity, month: int, group: str | None, band: str | None) -> Range:
        low, middle, high = map(float, self.quantiles(quantity, group, band)[:, month - 1])
        if self.widening is None:
            return Range(low, middle, high)
        last = len(self.flows.dates) - 1
        wider = self.widening.by(quantity, month, group, band, last) or 0.0
        return Range(max(low - wider, 0.0), middle, high + wider)


def forecast(
    flows: Flows, *, horizon: int = HORIZON, runs: int = RUNS, seed: int = 1, months: int = MONTHS
) -> Forecast:
    """Return the forecast from the end of the flows.

    Args:
        flows: the past; only its last `months` give rates.
        horizon: how many months to carry forward.
        runs: how often to carry the children forward.
        seed: the same number gives the same forecast.
        months: the past months on which the rates rest.

    Raises:
        CarepathError: there are fewer than 12 past months.
    """
    if len(flows.dates) < LEAST_MONTHS:
        raise CarepathError(
            f"A forecast needs {LEAST_MONTHS} months of records, and there are {len(flows.dates)}.",
            todo="set an earlier first report date (first_report_dates.csv) if records are "
            "complete before it, or wait until there are more months.",
        )
    rng = np.random.default_rng(seed)
    past = min(months, len(flows.dates))
    moved, came, left = flows.moved[-past:], flows.came[-past:], flows.left[-past:]
    last = len(flows.dates) - 1
    drawn = rng.integers(past, size=(runs, past))
    # how often each run drew each month
    weights = np.stack([np.bincount(each, minlength=past) for each in drawn]).astype(float)
    size = len(flows.states)
    chances = _chances(
        flows,
        np.tensordot(weights, moved, axes=1),
        weights @ left,
    )
    arrivals = came[drawn[np.arange(runs)[:, None], rng.integers(past, size=(runs, horizon))]]
    stock = np.zeros((runs, horizon, size), dtype=np.int64)
    leavers = np.zeros((runs, horizon, size), dtype=np.int64)
    now = np.broadcast_to(flows.stock(last), (runs, size))
    for month in range(horizon):
        to = rng.multinomial(now, chances)
        leavers[:, month] = to[:, :, size]
        now = to[:, :, :size].sum(axis=1) + arrivals[:, month]
        stock[:, month] = now
    return Forecast(
        flows,
        stock,
        arrivals,
        leavers,
        flows.mean_costs(last),
        flows.weekly_cost(last) is not None,
    )


def _chances(flows: Flows, moved: Numbers, left: Numbers) -> Numbers:
    """Return the chance of each state to become each state, or to leave care (runs, S, S + 1).

    Args:
        moved: children by state before and after, in the months that a run drew (runs, S, S).
        left: children who left, by state before (runs, S).
    """
    groups, bands = flows.groups, AGE_BANDS
    in_group = _belongs([state[0] for state in flows.states], groups)
    in_band = _belongs([state[1] for state in flows.states], bands)
    stayed = moved.sum(axis=2)

    # leaving: the state's own rate, with what is borrowed from its age band
    of_band = _share(left @ in_band, (left + stayed) @ in_band)
    leaves = (left + BORROWED * (of_band @ in_band.T)) / (left + stayed + BORROWED)

    # the next group: the state's own rates, with what is borrowed from its group at all ages
    to_group = moved @ in_group
    of_group = _kept(in_group.T @ to_group, np.eye(len(groups)))
    borrowed = in_group @ of_group
    moves = (to_group + BORROWED * borrowed) / (stayed + BORROWED)[:, :, None]

    # the next age band: that of all children of the band
    ages = _kept(in_band.T @ (moved @ in_band), np.eye(len(bands)))
    grows = in_band @ ages

    # a state that no child was ever in has no number: its chance is shared among the others
    onward = (moves @ in_group.T) * (grows @ in_band.T)
    total = onward.sum(axis=2, keepdims=True)
    onward = np.where(total > 0, onward / np.where(total > 0, total, 1), np.eye(len(flows.states)))
    return np.concatenate([onward * (1 - leaves)[:, :, None], leaves[:, :, None]], axis=2)


def _belongs(names: list[str], of: tuple[str, ...]) -> Numbers:
    """Return 1 where a name is the one of the column, else 0 (names, of)."""
    return np.array([[float(name == each) for each in of] for name in names])


def _share(part: Numbers, whole: Numbers) -> Numbers:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), 0.0)


def _kept(counts: Numbers, otherwise: Numbers) -> Numbers:
    """Return rows of counts as shares; a row without counts stays where it is."""
    total = counts.sum(axis=2, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1), otherwise)
