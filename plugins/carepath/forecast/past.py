"""Forecasts made again at past months: what they missed, and how much wider ranges must be for it.

The runs of a forecast know only the rates of the last 24 months, so their ranges are too narrow:
rates change. How much too narrow is measured. Each past forecast is made from the months before it.
The score of its range is by how much the truth lay outside (below 0: inside). The miss of a number
of months is the score that eight in ten of the past forecasts so far ahead did not exceed. This is
the conformal method for quantiles (Romano, Patterson and Candes 2019).

What came twelve months after a forecast is known late, when a change of rates is a year old. The
misses of shorter forecasts are known sooner. If rates have changed, a miss grows evenly with the
months, so a range is widened on both sides by the largest of the misses up to its number of months,
each in proportion: twice the miss of six months for a year. No range becomes narrower. Only sums
over children are compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from carepath.forecast.flows import Flows, Numbers
from carepath.forecast.model import HIGH, HORIZON, LOW, MONTHS, Forecast, Quantity, forecast

RUNS: Final = 200
LEAST_SCORES: Final = 8  # with fewer past forecasts, ranges stay as the runs give them
INSIDE: Final = (HIGH - LOW) / 100


@dataclass(frozen=True)
class Past:
    """What past months would have forecast.

    Attributes:
        flows: all months, which are the truth.
        made: the forecasts by the number of the month at whose end they were made.
    """

    flows: Flows
    made: Mapping[int, Forecast]
    _scores: dict[tuple[Quantity, str | None, str | None], Numbers] = field(
        default_factory=dict, compare=False, repr=False
    )
    _misses: dict[tuple[Quantity, str | None, str | None, int, int], float | None] = field(
        default_factory=dict, compare=False, repr=False
    )

    def truth(
        self, quantity: Quantity, group: str | None = None, band: str | None = None
    ) -> Numbers:
        """Return what each month really was (M)."""
        here = self.flows.numbers_of(group, band)
        months = range(len(self.flows.dates))
        if quantity in ("arrivals", "leavers"):
            flow = self.flows.came if quantity == "arrivals" else self.flows.left
            return np.array([flow[month][here].sum() for month in months], dtype=float)
        stock = np.array([self.flows.stock(month)[here] for month in months], dtype=float)
        if quantity == "weekly_cost":
            stock *= np.array([self.flows.mean_costs(month)[here] for month in months])
        truth: Numbers = stock.sum(axis=1)
        return truth

    def by(
        self, quantity: Quantity, months: int, group: str | None, band: str | None, known: int
    ) -> float | None:
        """Return how much wider a range must be on each side.

        Args:
            quantity: what the range is of.
            months: how far ahead it is.
            group, band: of the children; None is all.
            known: the number of the last month whose truth may be used.

        Returns:
            Children or pounds, at least 0; None if there are too few past forecasts.
        """
        misses = [
            miss * months / shorter
            for shorter in range(1, months + 1)
            for miss in [self._miss(quantity, shorter, group, band, known)]
            if miss is not None
        ]
        return max(misses, default=None)

    def _miss(
        self, quantity: Quantity, months: int, group: str | None, band: str | None, known: int
    ) -> float | None:
        key = (quantity, group, band, months, known)
        if key not in self._misses:
            found = self._scores_of(quantity, group, band)
            scores = sorted(
                found[number, months - 1]
                for number, origin in enumerate(self.made)
                if origin + months <= known
            )
            rank = math.ceil((len(scores) + 1) * INSIDE)
            is_enough = len(scores) >= LEAST_SCORES and rank <= len(scores)
            self._misses[key] = max(float(scores[rank - 1]), 0.0) if is_enough else None
        return self._misses[key]

    def _scores_of(self, quantity: Quantity, group: str | None, band: str | None) -> Numbers:
        """Return how far the truth was outside each past range (forecasts, H); NaN if not known."""
        key = (quantity, group, band)
        if key not in self._scores:
            truth = self.truth(quantity, group, band)
            scores = np.full((len(self.made), HORIZON), np.nan)
            for number, (origin, made) in enumerate(self.made.items()):
                low, _, high = made.quantiles(quantity, group, band)
                then = truth[origin + 1 : origin + 1 + len(low)]
                scores[number, : len(low)] = np.maximum(low - then, then - high)
            self._scores[key] = scores
        return self._scores[key]


def past_forecasts(flows: Flows, *, seed: int = 1, runs: int = RUNS) -> Past:
    """Return the forecasts of all past months that have 24 months before them.

    Each sees only the months before it. The months are as recorded tonight: what was recorded late
    is in them.

    Args:
        flows: all months.
        seed: as of the forecast.
        runs: as of the forecast; fewer, because there are many of them.
    """
    last = len(flows.dates) - 1
    return Past(
        flows,
        {
            origin: forecast(
                flows.until(origin), horizon=min(HORIZON, last - origin), runs=runs, seed=seed
            )
            for origin in range(MONTHS - 1, last)
        },
    )


def widened(made: Forecast, past: Past) -> Forecast:
    """Return a forecast whose ranges are wider by what past ranges missed, known at its date."""
    return replace(made, widening=past)
