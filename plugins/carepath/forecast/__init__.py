"""What the next year brings: children in care and what they cost, from the last years' flows."""

from carepath.forecast.back_test import Coverage, Horizon, back_test, coverage
from carepath.forecast.flows import AGE_BANDS, Flows
from carepath.forecast.model import Forecast, Range, forecast
from carepath.forecast.past import Past, past_forecasts, widened
from carepath.forecast.reading import read_flows

__all__ = [
    "AGE_BANDS",
    "Coverage",
    "Flows",
    "Forecast",
    "Horizon",
    "Past",
    "Range",
    "back_test",
    "coverage",
    "forecast",
    "past_forecasts",
    "read_flows",
    "widened",
]
