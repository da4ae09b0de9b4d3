"""Working days in England: the calendar of the library, as a seed and as dim_date counts them."""

from __future__ import annotations

import datetime as dt

import pytest
import yaml

from carepath.documents.bank_holidays import YEARS, bank_holidays_seed
from carepath.settings import PROJECT_ROOT
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt

HOLIDAYS = dict(line.split(",", 1) for line in bank_holidays_seed().splitlines()[1:])


@pytest.mark.parametrize(
    ("year", "days"),
    [
        # an ordinary year; Easter 21 April
        (2019, "01-01 04-19 04-22 05-06 05-27 08-26 12-25 12-26"),
        # VE day: the May Day holiday moved from Monday 4 to Friday 8; Boxing Day was a Saturday
        (2020, "01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28"),
        # Christmas Day was a Saturday, Boxing Day a Sunday
        (2021, "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28"),
        # the jubilee moved the spring holiday to 2 June and added 3 June; the Queen's funeral;
        # New Year's Day was a Saturday, Christmas Day a Sunday
        (2022, "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27"),
        # the coronation; New Year's Day was a Sunday
        (2023, "01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26"),
        # earliest and latest Easter of the years that the care leavers lived
        (2008, "01-01 03-21 03-24 05-05 05-26 08-25 12-25 12-26"),
        (2011, "01-03 04-22 04-25 04-29 05-02 05-30 08-29 12-26 12-27"),
    ],
)
def test_bank_holidays_of_a_year_are_those_proclaimed(year: int, days: str) -> None:
    assert [day[5:] for day in HOLIDAYS if day.startswith(str(year))] == days.split()


def test_bank_holidays_cover_the_calendar_and_no_weekend() -> None:
    variables = yaml.safe_load((PROJECT_ROOT / "dbt_project" / "dbt_project.yml").read_text())
    first = dt.date.fromisoformat(variables["vars"]["first_calendar_date"])
    last = dt.date.fromisoformat(variables["vars"]["last_calendar_date"])
    assert range(first.year, last.year + 1) == YEARS
    assert {day[:4] for day in HOLIDAYS} == {str(year) for year in YEARS}
    assert all(dt.date.fromisoformat(day).isoweekday() <= 5 for day in HOLIDAYS)


def working_days(first: dt.date, last: dt.date) -> int:
    """Count one day after another, as a person with a calendar would."""
    days = (first + dt.timedelta(n) for n in range(1, (last - first).days + 1))
    return sum(day.isoweekday() <= 5 and day.isoformat() not in HOLIDAYS for day in days)


@pytest.fixture(scope="module")
def calendar(warehouse: None) -> dict[dt.date, int]:
    """Each day's working_day_number in core.dim_date."""
    run_dbt(["build", "--select", "bank_holidays", "dim_date"], layer="core")
    with connect("carepath_loader") as loader:
        found = loader.execute("select calendar_date, working_day_number from core.dim_date")
        return dict(found.fetchall())


@pytest.mark.parametrize(
    ("first", "last", "count"),
    [
        ("2019-03-01", "2019-03-01", 0),
        ("2019-03-01", "2019-03-02", 0),  # Friday to Saturday
        ("2019-03-01", "2019-03-04", 1),  # Friday to Monday
        ("2019-03-02", "2019-03-04", 1),  # Saturday to Monday
        ("2019-04-18", "2019-04-23", 1),  # over Easter
        ("2021-12-24", "2021-12-29", 1),  # over Christmas and two substitute days
        ("2022-06-01", "2022-06-06", 1),  # over the jubilee
        ("2020-04-30", "2020-05-11", 6),  # May Day was a Friday that year
    ],
)
def test_working_days_between_two_days_of_the_calendar(
    calendar: dict[dt.date, int], first: str, last: str, count: int
) -> None:
    days = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    assert calendar[days[1]] - calendar[days[0]] == count == working_days(*days)


def test_working_days_of_any_span_are_those_counted_one_by_one(
    calendar: dict[dt.date, int],
) -> None:
    for offset in range(0, 14_000, 173):
        first = dt.date(1990, 1, 1) + dt.timedelta(offset)
        for length in (7, 45, 63, 365):
            last = first + dt.timedelta(length)
            assert calendar[last] - calendar[first] == working_days(first, last), (first, last)
