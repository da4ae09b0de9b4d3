"""How good the forecast would have been: made again at past dates, and compared with the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from carepath.forecast.model import Forecast, Quantity, Range
from carepath.forecast.past import Past, widened

HORIZONS: Final = (1, 3, 6, 12)
# what the ranges of a forecast are of: the quantity, and how it is cut
CUTS: Final[Mapping[str, tuple[Quantity, str]]] = {
    "children": ("children", ""),
    "children, by placement group": ("children", "group"),
    "children, by age": ("children", "band"),
    "cost": ("weekly_cost", ""),
    "cost, by placement group": ("weekly_cost", "group"),
    "cost, by age": ("weekly_cost", "band"),
}


@dataclass(frozen=True)
class Horizon:
    """The error of past forecasts that many months ahead.

    Attributes:
        months: how far ahead.
        forecasts: how many past dates had a forecast, and a truth to compare it with.
        error: mean difference without its sign, in children.
        error_share: the same, as a share of the true number.
        bias: mean of forecast less truth, in children.
        inside: forecasts whose range of runs, before it is widened, held the truth.
        widened: forecasts whose range could be widened by what was known at their own date.
        widened_before: of them, how many held the truth before.
        widened_inside: of them, how many held it with the wider range.
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
    widened: int
    widened_before: int
    widened_inside: int
    unchanged_error: float
    cost_error_share: float | None


@dataclass(frozen=True)
class Coverage:
    """How often the truth was in the past ranges of one kind of figure, that many months ahead.

    Attributes:
        of: a key of CUTS.
        months: how far ahead.
        ranges: past ranges that could be widened by what was known at their own date.
        before: of them, how many held the truth before they were widened.
        inside: of them, how many held it with the wider range.
    """

    of: str
    months: int
    ranges: int
    before: int
    inside: int


@dataclass(frozen=True)
class _Compared:
    error: float
    truth: float
    is_inside: bool
    is_inside_widened: bool | None
    unchanged_error: float
    cost_error_share: float | None


def back_test(past: Past) -> list[Horizon]:
    """Return the errors by horizon of the forecasts that past months would have given.

    A range is widened only by what was known at the date of its forecast, so the wider ranges are
    judged by a truth that they have not seen.
    """
    found: dict[int, list[_Compared]] = {months: [] for months in HORIZONS}
    for origin, made in past.made.items():
        for months in HORIZONS:
            if origin + months < len(past.flows.dates):
                found[months].append(_compare(past, origin, made, months))
    return [_summary(months, compared) for months, compared in found.items() if compared]


def coverage(past: Past) -> list[Coverage]:
    """Return how often past ranges held the truth: in all, by placement group and by age.

    A placement group or an age band without a child at the date of the forecast and at the date
    that it is about is not judged: to say that it stays empty is no achievement.
    """
    return [
        found
        for of, (quantity, cut) in CUTS.items()
        for months in HORIZONS
        if (found := _covered(past, of, quantity, _cells(past, cut), months)).ranges
    ]


def _cells(past: Past, cut: str) -> list[tuple[str | None, str | None]]:
    if cut == "group":
        return [(group, None) for group in past.flows.groups]
    if cut == "band":
        return [(None, band) for band in past.flows.bands]
    return [(None, None)]


def _covered(
    past: Past,
    of: str,
    quantity: Quantity,
    cells: list[tuple[str | None, str | None]],
    months: int,
) -> Coverage:
    before: list[bool] = []
    inside: list[bool] = []
    for group, band in cells:
        truth = past.truth(quantity, group, band)
        for origin, made in past.made.items():
            then = origin + months
            if then >= len(truth) or not (truth[origin] or truth[then]):
                continue
            wider = past.by(quantity, months, group, band, origin)
            if wider is not None:
                low, _, high = made.quantiles(quantity, group, band)[:, months - 1]
                before.append(low <= truth[then] <= high)
                inside.append(low - wider <= truth[then] <= high + wider)
    return Coverage(of, months, len(before), sum(before), sum(inside))


def _compare(past: Past, origin: int, made: Forecast, months: int) -> _Compared:
    truth = past.truth("children")
    then = float(truth[origin + months])
    children, pounds = made.children(months), made.weekly_cost(months)
    cost = past.flows.weekly_cost(origin + months)
    wider = past.by("children", months, None, None, origin)
    return _Compared(
        error=children.middle - then,
        truth=then,
        is_inside=_holds(children, then),
        is_inside_widened=(
            None if wider is None else _holds(widened(made, past).children(months), then)
        ),
        unchanged_error=float(truth[origin]) - then,
        cost_error_share=abs(pounds.middle - cost) / cost if pounds and cost else None,
    )


def _holds(numbers: Range, truth: float) -> bool:
    return numbers.low <= truth <= numbers.high


def _summary(months: int, found: list[_Compared]) -> Horizon:
    errors = np.array([each.error for each in found])
    truths = np.array([each.truth for each in found])
    of_costs = [each.cost_error_share for each in found if each.cost_error_share is not None]
    judged = [each for each in found if each.is_inside_widened is not None]
    return Horizon(
        months=months,
        forecasts=len(found),
        error=float(np.abs(errors).mean()),
        error_share=float((np.abs(errors) / np.maximum(truths, 1)).mean()),
        bias=float(errors.mean()),
        inside=sum(each.is_inside for each in found),
        widened=len(judged),
        widened_before=sum(each.is_inside for each in judged),
        widened_inside=sum(bool(each.is_inside_widened) for each in judged),
        unchanged_error=float(np.abs([each.unchanged_error for each in found]).mean()),
        cost_error_share=float(np.mean(of_costs)) if of_costs else None,
    )
