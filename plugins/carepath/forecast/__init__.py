"""What the next year brings: children in care and what they cost, from the last years' flows."""

from carepath.forecast.back_test import Horizon, back_test
from carepath.forecast.flows import AGE_BANDS, Flows
from carepath.forecast.model import Forecast, Range, forecast
from carepath.forecast.past import Past, past_forecasts, widened
from carepath.forecast.reading import read_flows

__all__ = [
    "AGE_BANDS",
    "Flows",
    "Forecast",
    "Horizon",
    "Past",
    "Range",
    "back_test",
    "forecast",
    "past_forecasts",
    "read_flows",
    "widened",
]
