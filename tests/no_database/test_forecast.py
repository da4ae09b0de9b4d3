"""The forecast of children in care: a stationary flow forecasts itself, and nobody is lost."""

from __future__ import annotations

import datetime as dt
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from carepath.errors import CarepathError
from carepath.forecast import (
    Flows,
    Past,
    back_test,
    coverage,
    forecast,
    past_forecasts,
    widened,
)
from carepath.forecast.flows import FlowRow, State, flows_of
from carepath.terminal.forecast import month_after, print_forecast, write_csv

FOSTER, HOME = ("foster", "10 to 15"), ("residential", "10 to 15")
LAST = dt.date(2019, 9, 30)


def steady(
    months: int = 48, fostered: int = 180, at_home: int = 60, flow: int = 6, come: int | None = None
) -> Flows:
    """Each month some children come to foster care, as many move on, and as many leave.

    Args:
        come: how many come in each of the last 24 months, in place of `flow`.
    """
    rows: list[FlowRow] = []
    for number in range(months):
        day = month_after(LAST, number - months + 1)
        extra = (come - flow) if come is not None and number >= months - 24 else 0
        rows += [
            (day, FOSTER, FOSTER, fostered - flow, fostered - flow, 600.0 * (fostered - flow)),
            (day, FOSTER, HOME, flow, flow, 4_000.0 * flow),
            (day, HOME, HOME, at_home - flow, at_home - flow, 4_000.0 * (at_home - flow)),
            (day, HOME, None, flow, 0, 0.0),
            (day, None, FOSTER, flow + extra, flow + extra, 600.0 * (flow + extra)),
        ]
        fostered += extra
    return flows_of(rows)


@settings(max_examples=8, deadline=None)
@given(
    fostered=st.integers(60, 400),
    at_home=st.integers(30, 200),
    flow=st.integers(2, 12),
    seed=st.integers(0, 1_000),
)
def test_stationary_flow_forecasts_itself(
    fostered: int, at_home: int, flow: int, seed: int
) -> None:
    flows = steady(fostered=fostered, at_home=at_home, flow=flow)
    made = forecast(flows, runs=200, seed=seed)
    for month in (1, 6, 12):
        children, cost = made.children(month), made.weekly_cost(month)
        assert children.low <= fostered + at_home <= children.high
        assert children.middle == pytest.approx(fostered + at_home, rel=0.08)
        assert cost is not None
        assert cost.middle == pytest.approx(600 * fostered + 4_000 * at_home, rel=0.15)
        assert made.arrivals(month).middle == flow


def test_nobody_is_lost_or_invented() -> None:
    flows = steady()
    made = forecast(flows, runs=50)
    before = np.concatenate([np.full((50, 1), 240), made.stock.sum(axis=2)[:, :-1]], axis=1)
    after = before + made.came.sum(axis=2) - made.left.sum(axis=2)
    assert (after == made.stock.sum(axis=2)).all()


def test_more_arrivals_make_more_children_in_care() -> None:
    usual, more = forecast(steady(), runs=300), forecast(steady(come=10), runs=300)
    growth = more.children(12).middle - steady(come=10).stock(-1).sum()
    assert growth > usual.children(12).middle - 240 + 20
    assert more.children(12).low > more.flows.stock(-1).sum()


def test_the_range_grows_with_the_months_and_the_seed_repeats_it() -> None:
    made = forecast(steady(), seed=7)
    widths = [made.children(month).high - made.children(month).low for month in (1, 3, 12)]
    assert widths[0] < widths[1] < widths[2]
    assert (forecast(steady(), seed=7).stock == made.stock).all()
    assert (forecast(steady(), seed=8).stock != made.stock).any()


def test_small_group_borrows_its_rates_from_a_larger_one() -> None:
    """One child alone in a band stayed for a year: that does not mean that it never leaves."""
    flows = steady()
    alone = ("foster", "1 to 4")
    rows: list[FlowRow] = [(day, alone, alone, 1, 0, 0.0) for day in flows.dates[-12:]]
    young = ("residential", "1 to 4")
    rows += [(day, young, young, 20, 0, 0.0) for day in flows.dates]
    rows += [(day, young, None, 5, 0, 0.0) for day in flows.dates]
    rows += [(day, None, young, 5, 0, 0.0) for day in flows.dates]
    made = forecast(flows_of(rows), runs=400)
    assert made.left[:, :, made.flows.states.index(alone)].sum() > 100


def test_children_grow_into_the_next_age_band() -> None:
    older = ("foster", "16 and over")
    rows: list[FlowRow] = []
    for day in steady().dates:
        rows += [
            (day, FOSTER, FOSTER, 95, 0, 0.0),
            (day, FOSTER, older, 5, 0, 0.0),
            (day, None, FOSTER, 5, 0, 0.0),
            (day, older, older, 35, 0, 0.0),
            (day, older, None, 5, 0, 0.0),
        ]
    made = forecast(flows_of(rows), runs=300)
    grown, young = made.children(12, band="16 and over"), made.children(12, band="10 to 15")
    assert grown.low <= 40 <= grown.high
    assert young.low <= 100 <= young.high
    assert made.left[:, :, made.flows.states.index(FOSTER)].mean() < 0.5


def test_back_test_sees_only_the_months_before_each_forecast() -> None:
    steady_errors = back_test(past_forecasts(steady(), runs=100))
    assert [each.months for each in steady_errors] == [1, 3, 6, 12]
    assert [each.forecasts for each in steady_errors] == [24, 22, 19, 13]
    assert all(each.unchanged_error == 0 for each in steady_errors)
    assert all(each.error < 6 for each in steady_errors)
    # the flow doubles in the last 24 months, of which the first forecasts know nothing
    surprised = back_test(past_forecasts(steady(come=12), runs=100))
    assert surprised[-1].bias < -20
    assert surprised[-1].inside < surprised[-1].forecasts
    assert surprised[-1].cost_error_share is not None


def wavy_rows(state: State = FOSTER, price: float = 0.0, months: int = 96) -> list[FlowRow]:
    """Arrivals swing slowly, from 2 to 10 a month over four years, and leavers stay at 6."""
    rows: list[FlowRow] = []
    here = 240
    for number in range(months):
        come = round(6 + 4 * np.sin(2 * np.pi * number / 48))
        day = month_after(LAST, number - months + 1)
        for before, after, count in (
            (state, state, here - 6),
            (state, None, 6),
            (None, state, come),
        ):
            costed = count if price and after else 0
            rows.append((day, before, after, count, costed, price * costed))
        here += come - 6
    return rows


def wavy() -> Flows:
    return flows_of(wavy_rows())


def test_ranges_are_widened_by_what_past_ranges_missed() -> None:
    past = past_forecasts(wavy(), runs=100)
    # twelve months ahead, the runs know nothing of the swing
    *_, year = back_test(past)
    assert year.widened_before / year.widened < 0.5
    assert year.widened_inside / year.widened > year.widened_before / year.widened + 0.2
    made = forecast(wavy(), runs=100)
    last = len(made.flows.dates) - 1
    for months in (1, 6, 12):
        narrow, wide = made.children(months), widened(made, past).children(months)
        wider = past.by("children", months, None, None, last)
        assert wider is not None
        assert (wide.low, wide.middle, wide.high) == pytest.approx(
            (max(narrow.low - wider, 0), narrow.middle, narrow.high + wider)
        )
        assert wider == pytest.approx(
            max(miss_of(past, shorter) * months / shorter for shorter in range(1, months + 1))
        )


def test_coverage_of_groups_and_costs_is_that_of_each_past_range() -> None:
    """Counted again from the widened forecasts themselves, range by range."""
    past = past_forecasts(flows_of([*wavy_rows(FOSTER, 600.0), *wavy_rows(HOME, 4_000.0)]), runs=50)
    found = {(each.of, each.months): each for each in coverage(past)}
    for of, cells, quantity in (
        ("children", [None], "children"),
        ("children, by placement group", ["foster", "residential"], "children"),
        ("cost", [None], "weekly_cost"),
        ("cost, by placement group", ["foster", "residential"], "weekly_cost"),
    ):
        for months in (1, 12):
            held = []
            for origin, made in past.made.items():
                if origin + months >= 96 or past.by("children", months, None, None, origin) is None:
                    continue
                for group in cells:
                    numbers = getattr(widened(made, past), quantity)(months, group)
                    truth = sum(
                        count * (1 if quantity == "children" else price)
                        for state, count, price in zip(
                            past.flows.states,
                            past.flows.stock(origin + months),
                            past.flows.mean_costs(origin + months),
                            strict=True,
                        )
                        if group in (None, state[0])
                    )
                    held.append(numbers.low <= truth <= numbers.high)
            assert (found[of, months].ranges, found[of, months].inside) == (len(held), sum(held))
    # the swing is beyond what the runs know, and widening mends most of it
    year = found["cost, by placement group", 12]
    assert year.before / year.ranges < 0.6 < year.inside / year.ranges


def test_coverage_does_not_judge_a_group_that_stays_empty() -> None:
    """A child who left the only secure placement in the first month: none is there since."""
    left = (month_after(LAST, -95), ("secure", "10 to 15"), None, 1, 0, 0.0)
    found = [
        [each.ranges for each in coverage(past_forecasts(flows_of(rows), runs=20))]
        for rows in (wavy_rows(), [*wavy_rows(), left])
    ]
    assert found[0] == found[1]
    assert found[0]


def miss_of(past: Past, months: int) -> float:
    """Return how far the truth was outside eight in ten past ranges, worked out again."""
    last = len(past.flows.dates) - 1
    misses = []
    for origin, made in past.made.items():
        if origin + months <= last:
            truth = past.flows.stock(origin + months).sum()
            then = made.children(months)
            misses.append(max(then.low - truth, truth - then.high))
    return max(sorted(misses)[int(np.ceil(0.8 * (len(misses) + 1))) - 1], 0)


def test_a_range_is_widened_only_by_what_was_known_at_its_date() -> None:
    """The surge of the last two years must not widen a forecast that was made before it."""
    flows = steady(months=96, come=12)
    whole, cut = past_forecasts(flows, runs=50), past_forecasts(flows.until(70), runs=50)
    by, later = (whole.by("children", 12, None, None, known) for known in (70, 95))
    assert by is not None
    assert later is not None
    assert by == cut.by("children", 12, None, None, 70)
    assert by + 10 < later


def test_few_past_forecasts_widen_nothing_and_the_page_says_so() -> None:
    flows = steady(months=30)
    past = past_forecasts(flows, runs=20)
    assert past.by("children", 1, None, None, 29) is None
    assert past.by("children", 1, None, None, 28) is None
    made = forecast(flows, runs=20)
    assert widened(made, past).children(1) == made.children(1)
    assert "too few past forecasts to widen" in printed(made, 80)
    text = printed(forecast(steady(), runs=20), 80)
    assert "How often the truth was in the range" in text
    assert "cost, by placement group" in text


def test_a_range_never_falls_below_nobody() -> None:
    past = past_forecasts(wavy(), runs=50)
    made = widened(forecast(wavy(), runs=50), past)
    assert all(made.arrivals(month).low >= 0 for month in range(1, 13))


def test_too_few_months_are_refused_and_short_records_have_no_back_test() -> None:
    with pytest.raises(CarepathError, match="needs 12 months of records, and there are 11"):
        forecast(steady(months=11))
    assert back_test(past_forecasts(steady(months=14), runs=10)) == []
    assert forecast(steady(months=14), runs=10).stock.shape == (10, 12, 2)


def test_without_costs_the_forecast_has_numbers_only() -> None:
    bare = [
        (day, before, after, 10, 0, 0.0)
        for day in steady().dates
        for before, after in ((FOSTER, FOSTER), (FOSTER, None), (None, FOSTER))
    ]
    made = forecast(flows_of(bare), runs=20)
    assert made.weekly_cost(12) is None
    assert "not recorded" in printed(made, 80)
    assert "weekly cost" not in as_csv(made)


def printed(made: object, width: int) -> str:
    out = io.StringIO()
    flows = made.flows  # type: ignore[attr-defined]
    print_forecast(
        Console(file=out, width=width),
        "E09900001",
        made,  # type: ignore[arg-type]
        back_test(past_forecasts(flows, runs=20)),
        coverage(past_forecasts(flows, runs=20)),
    )
    return out.getvalue()


def as_csv(made: object) -> str:
    out = io.StringIO()
    write_csv(out, "E09900001", made)  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 140])
def test_tables_fit_and_break_no_number(width: int) -> None:
    text = printed(forecast(steady(), runs=100), width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0] == "E09900001, 30 September 2019: 240 children in care, £348,000 a week"
    (year,) = (line for line in lines if line.strip().startswith("30 September 2020"))
    assert year.count("(") == 2, "both ranges stand in the line of their month"
    (foster,) = (line for line in lines if line.strip().startswith("foster"))
    assert foster.count("(") == 4
    assert "Past forecasts against what came" in text


def test_csv_has_each_month_group_and_age() -> None:
    lines = as_csv(forecast(steady(), runs=20)).splitlines()
    assert lines[0].startswith("authority,from_date,months_ahead,date,placement_group,age_band")
    assert len(lines) == 1 + 12 * 3 * 2 * 4
    assert lines[1].startswith("E09900001,2019-09-30,1,2019-10-30,all,all,children in care,")


def test_month_after_ends_with_a_shorter_month() -> None:
    assert month_after(dt.date(2019, 1, 31), 1) == dt.date(2019, 2, 28)
    assert month_after(dt.date(2019, 11, 29), 2) == dt.date(2020, 1, 29)
    assert month_after(dt.date(2019, 12, 31), 12) == dt.date(2020, 12, 31)
