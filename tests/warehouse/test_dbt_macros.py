"""Macros that compute, on a real PostgreSQL, against the same computed in Python."""

from __future__ import annotations

import calendar
import datetime as dt
import math
from collections.abc import Callable
from typing import Any, LiteralString, cast

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carepath.settings import get_settings
from carepath.warehouse import embedded
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import ADMINISTRATOR

MACROS = get_settings().project_root / "dbt_project" / "macros"
Z = 1.959963984540054
# Newcombe 1998, table II, method 10; as printed, to four decimals
PUBLISHED = (
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0000),
    (10, 10, 0, 10, 0.6075, 1.0000),
)

Ask = Callable[..., tuple[Any, ...]]


@pytest.fixture(scope="module")
def ask(cluster: embedded.Server) -> Ask:
    """Ask PostgreSQL for the values of expressions that hold macros."""
    names = ("newcombe", "birthday", "first_day_of_period")
    text = "".join((MACROS / f"{name}.sql").read_text() for name in names)

    def ask(*expressions: str) -> tuple[Any, ...]:
        rendered = jinja2.Template(text + "select " + ", ".join(expressions)).render()
        with connect(ADMINISTRATOR, "postgres") as connection:
            row = connection.execute(cast(LiteralString, rendered)).fetchone()
        assert row is not None
        return row

    return ask


def limits(x: int, m: int, y: int, n: int) -> list[str]:
    counts = f"'{x}', '{m}', '{y}', '{n}'"
    return [f"{{{{ newcombe_limit({counts}, '{sign}') }}}}::float8" for sign in "-+"]


def wilson(count: int, size: int) -> tuple[float, float]:
    share = count / size
    middle = (share + Z * Z / (2 * size)) / (1 + Z * Z / size)
    half = Z / (1 + Z * Z / size)
    half *= math.sqrt(share * (1 - share) / size + Z * Z / (4 * size * size))
    return middle - half, middle + half


def newcombe(x: int, m: int, y: int, n: int) -> tuple[float, float]:
    (low_1, high_1), (low_2, high_2) = wilson(x, m), wilson(y, n)
    first, second = x / m, y / n
    return (
        first - second - math.hypot(first - low_1, high_2 - second),
        first - second + math.hypot(high_1 - first, second - low_2),
    )


@pytest.mark.parametrize(("x", "m", "y", "n", "low", "high"), PUBLISHED)
def test_newcombe_limits_equal_the_published_examples(
    ask: Ask, x: int, m: int, y: int, n: int, low: float, high: float
) -> None:
    assert ask(*limits(x, m, y, n)) == pytest.approx((low, high), abs=6e-5)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_newcombe_limits_equal_the_formula_of_shares_and_stay_within_one(
    ask: Ask, data: st.DataObject
) -> None:
    m, n = data.draw(st.integers(1, 5000)), data.draw(st.integers(1, 5000))
    x, y = data.draw(st.integers(0, m)), data.draw(st.integers(0, n))
    low, high = ask(*limits(x, m, y, n))
    assert (low, high) == pytest.approx(newcombe(x, m, y, n), abs=1e-9)
    assert -1 - 1e-12 <= low <= x / m - y / n <= high <= 1 + 1e-12


def test_newcombe_limits_without_a_denominator_are_null(ask: Ask) -> None:
    assert ask(*limits(0, 0, 1, 2)) == (None, None)


@settings(max_examples=60, deadline=None)
@given(st.dates(dt.date(1950, 1, 1), dt.date(2030, 1, 1)), st.integers(14, 25))
def test_birthday_is_the_first_day_on_which_age_says_so(
    ask: Ask, born: dt.date, years: int
) -> None:
    day = f"{{{{ birthday(\"date '{born}'\", {years}) }}}}"
    found = ask(
        day,
        f"extract(year from age({day}, date '{born}'))",
        f"extract(year from age({day} - 1, date '{born}'))",
    )
    assert found[1:] == (years, years - 1)
    if (born.month, born.day) == (2, 29) and (born.year + years) % 4:
        assert found[0] == dt.date(born.year + years, 3, 1)


def months_before(day: dt.date, months: int) -> dt.date:
    """Return the same day of an earlier month, or its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(day.day, last))


@settings(max_examples=100, deadline=None)
@given(
    st.dates(dt.date(2015, 1, 1), dt.date(2030, 1, 1))
    | st.sampled_from([dt.date(2024, 2, day) for day in (28, 29)])
    | st.sampled_from([dt.date(2025, month, 28) for month in (2, 5, 8, 11)]),
    st.sampled_from([1, 3, 6, 12]),
)
def test_period_that_ends_with_a_month_begins_with_one(
    ask: Ask, last: dt.date, months: int
) -> None:
    (found,) = ask(f"{{{{ first_day_of_period(\"date '{last}'\", {months}) }}}}")
    if last.day == calendar.monthrange(last.year, last.month)[1]:
        assert found == months_before(last.replace(day=1), months - 1)
    else:
        assert found == months_before(last, months) + dt.timedelta(days=1)


def test_period_of_12_months_about_a_leap_day_has_no_day_too_many(ask: Ask) -> None:
    lasts = (dt.date(2024, 2, 28), dt.date(2024, 2, 29), dt.date(2025, 2, 28))
    found = ask(*(f"{{{{ first_day_of_period(\"date '{last}'\", 12) }}}}" for last in lasts))
    assert found == (dt.date(2023, 3, 1), dt.date(2023, 3, 1), dt.date(2024, 3, 1))
