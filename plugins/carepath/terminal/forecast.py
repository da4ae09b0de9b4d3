"""`carepath forecast`: children in care and their weekly cost for the next year."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Sequence
from typing import IO, Final

from rich.console import Console

from carepath.dates import written
from carepath.forecast import Coverage, Flows, Forecast, Horizon, Range
from carepath.spreadsheets import inert
from carepath.terminal.layout import print_indented, table_of

SHOWN: Final = (3, 6, 12)  # months ahead, of groups and ages
ALL: Final = "all"
HEADINGS: Final = (
    "authority",
    "from_date",
    "months_ahead",
    "date",
    "placement_group",
    "age_band",
    "measure",
    "low",
    "middle",
    "high",
)


def print_forecast(
    console: Console,
    authority: str,
    made: Forecast,
    tested: Sequence[Horizon],
    covered: Sequence[Coverage],
) -> None:
    """Print the months to come, placement groups and ages, and how good past forecasts were."""
    flows = made.flows
    last = flows.dates[-1]
    now, cost = int(flows.stock(-1).sum()), flows.weekly_cost(len(flows.dates) - 1)
    children = "1 child" if now == 1 else f"{now:,} children"
    money = "" if cost is None else f", £{cost:,.0f} a week"
    console.print(f"{authority}, {written(last)}: {children} in care{money}")
    print_indented(
        console,
        "Each line shows the middle of the forecast and, in brackets, a range that should hold the "
        "truth 8 times in 10. It carries on what happened in the last 24 months, at today's "
        "costs. Ranges are wider by what past forecasts missed, where there are enough of them.",
        by=2,
    )
    table = table_of(
        "Children in care, month by month",
        ["end of month"],
        ["children", "come", "leave", "£ a week"],
    )
    for month in range(1, made.stock.shape[1] + 1):
        table.add_row(
            written(month_after(last, month)),
            _with_range(made.children(month)),
            f"{made.arrivals(month).middle:,.0f}",
            f"{made.leavers(month).middle:,.0f}",
            _pounds(made.weekly_cost(month)),
        )
    console.print(table)
    for title, names, is_group in (
        ("By placement group", flows.groups, True),
        ("By age", flows.bands, False),
    ):
        table = table_of(title, [""], ["now", *(f"in {months}" for months in SHOWN), "£ in 12"])
        table.padding = (0, 0)  # so that no range is broken on 80 columns
        for name in names:
            group, band = (name, None) if is_group else (None, name)
            table.add_row(
                name,
                f"{_now(flows, group, band):,}",
                *(_with_range(made.children(months, group, band)) for months in SHOWN),
                _pounds(made.weekly_cost(12, group, band)),
            )
        console.print(table)
    _print_tested(console, tested, covered)


def _print_tested(console: Console, tested: Sequence[Horizon], covered: Sequence[Coverage]) -> None:
    if not tested:
        print_indented(
            console, "There are too few months to see how good past forecasts were.", by=2
        )
        return
    table = table_of(
        "Past forecasts against what came",
        ["months ahead"],
        ["forecasts", "error", "bias", "no change", "cost error"],
    )
    table.padding = (0, 0)
    for each in tested:
        table.add_row(
            str(each.months),
            str(each.forecasts),
            f"{each.error:.1f} ({each.error_share:.1%})",
            f"{each.bias:+.1f}",
            f"{each.unchanged_error:.1f}",
            "" if each.cost_error_share is None else f"{each.cost_error_share:.1%}",
        )
    console.print(table)
    print_indented(
        console,
        "error: mean difference in children. bias: above 0, the forecast was too high. no change: "
        "the error of saying that nothing will change.",
        by=2,
    )
    _print_ranges(console, covered)


def _print_ranges(console: Console, covered: Sequence[Coverage]) -> None:
    if not covered:
        print_indented(
            console,
            "There are too few past forecasts to widen the ranges, so they are too narrow.",
            by=2,
        )
        return
    ahead = sorted({each.months for each in covered})
    table = table_of(
        "How often the truth was in the range, by months ahead (80% is right)",
        ["range of"],
        [str(months) for months in ahead],
    )
    table.padding = (0, 0)
    for of in dict.fromkeys(each.of for each in covered):
        cells = {each.months: each for each in covered if each.of == of}
        table.add_row(of, *(_shares(cells[months]) if months in cells else "" for months in ahead))
    console.print(table)
    print_indented(
        console,
        "In brackets: the range of the runs alone. Each past range was widened only by what was "
        "known at its own date. Forecasts of one year overlap, so these shares rest on less than "
        "they seem to.",
        by=2,
    )


def _shares(each: Coverage) -> str:
    return f"{each.inside / each.ranges:.0%} ({each.before / each.ranges:.0%})"


def write_csv(file: IO[str], authority: str, made: Forecast) -> None:
    """Write every month, placement group and age band as CSV, with the totals (`all`)."""
    flows = made.flows
    writer = csv.writer(file)
    writer.writerow(HEADINGS)
    last = flows.dates[-1]
    for month in range(1, made.stock.shape[1] + 1):
        for group in (None, *flows.groups):
            for band in (None, *flows.bands):
                measures = {
                    "children in care": made.children(month, group, band),
                    "children who come into care": made.arrivals(month, group, band),
                    "children who leave care": made.leavers(month, group, band),
                    "weekly cost in pounds": made.weekly_cost(month, group, band),
                }
                for measure, numbers in measures.items():
                    if numbers is None:
                        continue
                    row = (
                        authority,
                        last,
                        month,
                        month_after(last, month),
                        group or ALL,
                        band or ALL,
                        measure,
                        f"{numbers.low:.0f}",
                        f"{numbers.middle:.0f}",
                        f"{numbers.high:.0f}",
                    )
                    writer.writerow([inert(value) for value in row])


def month_after(day: dt.date, months: int) -> dt.date:
    """Return the same day some months later, or the last day of a shorter month."""
    years, month = divmod(day.month - 1 + months, 12)
    first = dt.date(day.year + years, month + 1, 1)
    following = (first + dt.timedelta(days=31)).replace(day=1)
    return min(first.replace(day=1) + dt.timedelta(days=day.day - 1), following - dt.timedelta(1))


def _now(flows: Flows, group: str | None, band: str | None) -> int:
    stock = flows.stock(-1)
    return sum(
        int(count)
        for state, count in zip(flows.states, stock, strict=True)
        if group in (None, state[0]) and band in (None, state[1])
    )


def _with_range(numbers: Range) -> str:
    return f"{numbers.middle:,.0f} ({numbers.low:,.0f}-{numbers.high:,.0f})"


def _pounds(numbers: Range | None) -> str:
    if numbers is None:
        return "not recorded"
    thousands = [round(each / 1_000) for each in (numbers.middle, numbers.low, numbers.high)]
    return "{:,}k ({:,}-{:,}k)".format(*thousands)
