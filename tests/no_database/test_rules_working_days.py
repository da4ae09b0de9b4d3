"""Working days before a night, and the days that the query of a subject names."""

from __future__ import annotations

import datetime as dt

import pytest

from expectations.subjects import subject
from expectations.working_days import working_days_before


@pytest.mark.parametrize(
    ("day", "count", "found"),
    [
        ("2019-06-28", 1, "2019-06-27"),
        # Sunday: the first working day before it is Friday
        ("2019-06-30", 1, "2019-06-28"),
        # Good Friday and Easter Monday are holidays
        ("2019-04-23", 1, "2019-04-18"),
        # two May holidays between
        ("2019-06-30", 45, "2019-04-25"),
    ],
)
def test_working_days_before_leaves_weekends_and_holidays_out(
    day: str, count: int, found: str
) -> None:
    assert working_days_before(dt.date.fromisoformat(day), count) == dt.date.fromisoformat(found)


@pytest.mark.parametrize(
    ("night", "first_day"), [("2019-03-31", "2018-03-29"), ("2019-04-01", "2019-03-29")]
)
def test_census_of_a_night_begins_on_the_first_of_april(night: str, first_day: str) -> None:
    query = subject("census_referrals").query("E09900001", night)
    assert f"date '{first_day}' as no_action_from_date" in query
