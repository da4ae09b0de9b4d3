"""Forecasts made again at past months: what they missed, and how much wider ranges must be for it.

The runs of a forecast know only the rates of the last 24 months, so their ranges are too narrow:
rates change. How much too narrow is measured. Each past forecast is made from the months before it.
The score of its range is by how much the truth lay outside (below 0: inside). A range is widened
on both sides by the score that eight in ten of the past forecasts as many months ahead did not
exceed. This is the conformal method for quantiles (Romano, Patterson and Candes 2019), and never
makes a range narrower. It needs no assumption about the shape of errors, but it assumes that the
future surprises as much as the past did. Only sums over children are compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

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
    _quantiles: dict[tuple[int, Quantity, str | None, str | None], Numbers] = field(
        default_factory=dict, compare=False, repr=False
    )

    def truth(
        self, quantity: Quantity, month: int, group: str | None = None, band: str | None = None
    ) -> float:
        """Return what a month really was."""
        here = self.flows.numbers_of(group, band)
        if quantity == "arrivals":
            return float(self.flows.came[month][here].sum())
        if quantity == "leavers":
            return float(self.flows.left[month][here].sum())
        stock = self.flows.stock(month)[here]
        if quantity == "children":
            return float(stock.sum())
        return float((stock * self.flows.mean_costs(month)[here]).sum())

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
        scores = sorted(
            self._score(origin, quantity, months, group, band)
            for origin in self.made
            if origin + months <= known
        )
        rank = math.ceil((len(scores) + 1) * INSIDE)
        if len(scores) < LEAST_SCORES or rank > len(scores):
            return None
        return max(scores[rank - 1], 0.0)

    def _score(
        self, origin: int, quantity: Quantity, months: int, group: str | None, band: str | None
    ) -> float:
        key = (origin, quantity, group, band)
        if key not in self._quantiles:
            self._quantiles[key] = self.made[origin].quantiles(quantity, group, band)
        low, _, high = self._quantiles[key][:, months - 1]
        truth = self.truth(quantity, origin + months, group, band)
        return float(max(low - truth, truth - high))


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
