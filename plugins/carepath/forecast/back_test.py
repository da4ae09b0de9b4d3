"""How good the forecast would have been: made again at past dates, and compared with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from carepath.forecast.flows import Flows
from carepath.forecast.model import HORIZON, MONTHS, forecast

HORIZONS: Final = (1, 3, 6, 12)
RUNS: Final = 200


@dataclass(frozen=True)
class Horizon:
    """The error of past forecasts that many months ahead.

    Attributes:
        months: how far ahead.
        forecasts: how many past dates had a forecast, and a truth to compare it with.
        error: mean difference without its sign, in children.
        error_share: the same, as a share of the true number.
        bias: mean of forecast less truth, in children.
        inside: forecasts whose range held the truth.
        unchanged_error: the error of saying that nothing will change, in children.
        cost_error_share: mean error of the weekly cost without its sign, as a share of the true
            cost; None without costs.
    """

    months: int
    forecasts: int
    error: float
    error_share: float
    bias: float
    inside: int
    unchanged_error: float
    cost_error_share: float | None


def back_test(flows: Flows, *, seed: int = 1, runs: int = RUNS) -> list[Horizon]:
    """Return the errors by horizon of the forecasts that past months would have given.

    Each past forecast sees only the months before it. The months are as recorded tonight: what
    was recorded late is in them.

    Args:
        flows: all months.
        seed: as of the forecast.
        runs: as of the forecast; fewer, because there are many of them.
    """
    last = len(flows.dates) - 1
    truth = [float(flows.stock(month).sum()) for month in range(last + 1)]
    costs = [flows.weekly_cost(month) for month in range(last + 1)]
    errors: dict[int, list[tuple[float, float, bool, float, float | None]]] = {
        months: [] for months in HORIZONS
    }
    for origin in range(MONTHS - 1, last):
        made = forecast(
            flows.until(origin), horizon=min(HORIZON, last - origin), runs=runs, seed=seed
        )
        for months in HORIZONS:
            if origin + months > last:
                continue
            then, cost = truth[origin + months], costs[origin + months]
            children, pounds = made.children(months), made.weekly_cost(months)
            errors[months].append(
                (
                    children.middle - then,
                    then,
                    children.low <= then <= children.high,
                    truth[origin] - then,
                    abs(pounds.middle - cost) / cost if pounds and cost else None,
                )
            )
    return [_summary(months, found) for months, found in errors.items() if found]


def _summary(months: int, found: list[tuple[float, float, bool, float, float | None]]) -> Horizon:
    differences = np.array([each[0] for each in found])
    truths = np.array([each[1] for each in found])
    of_costs = [each[4] for each in found if each[4] is not None]
    return Horizon(
        months=months,
        forecasts=len(found),
        error=float(np.abs(differences).mean()),
        error_share=float((np.abs(differences) / np.maximum(truths, 1)).mean()),
        bias=float(differences.mean()),
        inside=sum(each[2] for each in found),
        unchanged_error=float(np.abs([each[3] for each in found]).mean()),
        cost_error_share=float(np.mean(of_costs)) if of_costs else None,
    )
