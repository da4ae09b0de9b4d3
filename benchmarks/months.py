"""Two years of an ordinary department: no gate may hold any of its nights.

Month ends from November 2017 to November 2019. In between, every night of the Christmas of 2018 and
of April 2019, when a collection year begins, and the two nights around each event. What happens is
listed in `carepath.demonstration.ordinary.EVENTS`. The whole borough has about 500,000 rows; a
smaller one keeps some of its people.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

FIRST, LAST = dt.date(2017, 11, 30), dt.date(2019, 11, 30)
NIGHTLY = (
    (dt.date(2018, 12, 10), dt.date(2019, 1, 9)),
    (dt.date(2019, 4, 1), dt.date(2019, 4, 30)),
)


@dataclass(frozen=True)
class Night:
    """One night: how it ended, its seconds, and what the drift rules asked about."""

    night: dt.date
    state: str
    seconds: float
    judge_figures_seconds: float
    asked: tuple[str, ...]
    message: str


def nights() -> list[dt.date]:
    """Return the nights in order."""
    from carepath.demonstration.ordinary import EVENTS

    found = set(_month_ends())
    # what an event changes is compared with the night before it
    found |= {event.day - dt.timedelta(days=day) for event in EVENTS for day in (0, 1)}
    for first, last in NIGHTLY:
        found |= {first + dt.timedelta(days=day) for day in range((last - first).days + 1)}
    return sorted(found)


def measure(leavers: int, others: int, chosen: Sequence[dt.date] | None = None) -> list[Night]:
    """Run the nights in the warehouse of this CAREPATH_HOME, which is made again.

    Args:
        leavers, others: one in so many care leavers and other people is kept.
        chosen: the nights; by default `nights()`.
    """
    from carepath.demonstration.ordinary import OrdinaryDepartment, run_night, source
    from carepath.demonstration.settings import lay_settings
    from carepath.night import lock
    from carepath.sources import write_sources
    from carepath.warehouse import ready, recreate
    from carepath.warehouse.connect import connect

    lay_settings()
    ready()
    recreate()
    write_sources([source()])
    department = OrdinaryDepartment(leavers, others)
    found = []
    with lock.driving():
        for night in chosen or nights():
            department.advance(night)
            outcome, seconds = run_night(night)
            with connect("carepath_analyst") as connection:
                asked = connection.execute(
                    "select rule_id || ': ' || says from quality.figure_findings"
                    " inner join quality.gate_runs using (gate_run_id)"
                    " where night = %s order by 1",
                    (night,),
                ).fetchall()
            found.append(
                Night(
                    night,
                    outcome.state,
                    sum(seconds.values()),
                    seconds["judge_figures"],
                    tuple(text for (text,) in asked),
                    outcome.message,
                )
            )
            print(
                f"{night}: {outcome.state} {outcome.message}",
                *found[-1].asked,
                sep="\n    ",
                flush=True,
            )
    return found


def section(found: Sequence[Night]) -> list[str]:
    """Return the section of the page about these nights."""
    held = [night for night in found if night.state != "published"]
    asked = Counter(text.partition(":")[0] for night in found for text in night.asked)
    slowest = max(night.judge_figures_seconds for night in found)
    return [
        f"{len(found)} nights from {found[0].night} to {found[-1].night}: {len(held)} held. "
        f"Gate 2 took at most {slowest:.1f} s.",
        "",
        *(f"- {night.night}: {night.message}" for night in held),
        "",
        "Findings of the drift rules, one for each night on which they were there: "
        + (", ".join(f"{rule} {count}" for rule, count in sorted(asked.items())) or "none")
        + ".",
        "",
    ]


def _month_ends() -> Iterator[dt.date]:
    year, month = FIRST.year, FIRST.month
    while (year, month) <= (LAST.year, LAST.month):
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        yield dt.date(year, month, 1) - dt.timedelta(days=1)
