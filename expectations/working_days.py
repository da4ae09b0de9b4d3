"""Working days in England, for rules that count them: Monday to Friday without bank holidays."""

from __future__ import annotations

import csv
import datetime as dt
from functools import lru_cache
from typing import Final

from carepath.settings import PROJECT_ROOT

HOLIDAYS: Final = PROJECT_ROOT / "dbt_project" / "seeds" / "bank_holidays.csv"


def working_days_before(day: dt.date, count: int) -> dt.date:
    """Return the working day that is `count` (at least 1) working days before `day`."""
    while count:
        day -= dt.timedelta(days=1)
        if day.isoweekday() <= 5 and day not in _holidays():
            count -= 1
    return day


@lru_cache(maxsize=1)
def _holidays() -> frozenset[dt.date]:
    with HOLIDAYS.open(encoding="utf-8", newline="") as file:
        return frozenset(dt.date.fromisoformat(row["holiday_date"]) for row in csv.DictReader(file))
