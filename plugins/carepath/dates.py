"""Dates as a person reads them."""

from __future__ import annotations

import datetime as dt


def written(day: dt.date) -> str:
    """Return a date as `5 March 2019`."""
    return f"{day.day} {day:%B %Y}"
