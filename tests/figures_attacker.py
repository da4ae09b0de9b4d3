"""An attacker of published figures, written apart from the code that protects them.

The attacker has what was published, and knows how the tables were made: which numbers add up to
which. They solve the linear system for the least and the greatest value of each number.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

from carepath.disclosure.reader import Figure

FIRST, SECOND = dt.date(2019, 3, 31), dt.date(2019, 6, 30)
SEXES, AGES = ("F", "M"), ("16", "17", "18 or over")
SEGMENTS = {"all": "everybody", **dict.fromkeys(SEXES, "sex"), **dict.fromkeys(AGES, "age band")}
EET, NEET = "eet", "neet"
PARTS = ("numerator", "denominator")

Name = Hashable
Equation = Mapping[Name, float]  # the products with the numbers add up to 0


def solve(
    published: Mapping[Name, int | None],
    equations: Sequence[Equation],
    asked: Sequence[Name],
    *,
    sees_zeros: bool = False,
) -> dict[Name, tuple[float, float]]:
    """Return the bounds of each number asked for; infinite where there is none.

    An attacker who sees that every 0 is published knows that what is suppressed is at least 1.
    """
    unknown = sorted(
        {name for each in equations for name in each if published.get(name) is None} | set(asked),
        key=repr,
    )
    column = {name: number for number, name in enumerate(unknown)}
    left = np.zeros((len(equations), len(unknown)))
    right = np.zeros(len(equations))
    for row, equation in enumerate(equations):
        for name, factor in equation.items():
            number = published.get(name)
            if number is None:
                left[row, column[name]] += factor
            else:
                right[row] -= factor * number
    bounds = [(1 if sees_zeros and name in published else 0, None) for name in unknown]
    found = {}
    for name in asked:
        ends = []
        for sign in (1.0, -1.0):
            goal = np.zeros(len(unknown))
            goal[column[name]] = sign
            solved = linprog(goal, A_eq=left, b_eq=right, bounds=bounds, method="highs")
            assert solved.status in (0, 3), solved.message
            ends.append(sign * solved.fun if solved.status == 0 else -sign * np.inf)
        found[name] = (ends[0], ends[1])
    return found


def exposed(
    published: Mapping[Name, int | None],
    equations: Sequence[Equation],
    true: Mapping[Name, int],
    *,
    largest: int = 5,
    width: float = 4.0,
) -> dict[Name, tuple[float, float]]:
    """Return the numbers whose bounds are tighter than the protection asked for.

    For the attacker who sees zeros, counts of at least 1 can add up to the least value of a small
    number. Its bounds are then as far apart as those of any other number.
    """
    asked = [name for name, number in published.items() if number is None]
    asked += [name for name in true if name not in published and 1 <= true[name] <= largest]
    found = {}
    for sees_zeros in (False, True):
        solved = solve(published, equations, asked, sees_zeros=sees_zeros)
        for name, (low, high) in solved.items():
            assert low - 1e-6 <= true[name] <= high + 1e-6, "the attacker's equations are wrong"
            small = 1 <= true[name] <= largest
            narrow = high - low < width - 1e-4 or (small and high < largest - 1e-4)
            if narrow or (small and low > 1 + 1e-4 and not sees_zeros):
                found[name] = (low, high)
    return found


@dataclass(frozen=True)
class Person:
    """Somebody who is invented: they are counted from `since` on."""

    since: dt.date
    sex: str
    age: str
    is_eet: bool


def people(seed: int, count: int) -> list[Person]:
    """Invent people, some of them rare."""
    dice = random.Random(seed)  # noqa: S311 - the same people each time
    return [
        Person(
            dice.choices((FIRST, SECOND), (6, 1))[0],
            dice.choices(SEXES, (1, 2))[0],
            dice.choices(AGES, (1, 3, 8))[0],
            dice.random() < 0.7,
        )
        for _ in range(count)
    ]


def figures(of: Sequence[Person], dates: Sequence[dt.date] = (FIRST, SECOND)) -> list[Figure]:
    """Count people in education, employment or training, and those who are not."""
    found = []
    for date in dates:
        for measure in (EET, NEET):
            for segment, kind in SEGMENTS.items():
                members = [p for p in of if p.since <= date and segment in ("all", p.sex, p.age)]
                counted = sum(p.is_eet == (measure == EET) for p in members)
                found.append(
                    Figure(
                        date, measure, segment, "kpi_eet", "share", "up to the date", None, kind,
                        segment == "all", kind != "everybody", counted, len(members),
                    )
                )  # fmt: skip
    return found


def numbers(of: Sequence[Figure]) -> dict[Name, int]:
    """Return each count of the figures by its place."""
    return {
        (f.as_at_date, f.measure_code, f.segment_code, part): getattr(f, part)
        for f in of
        for part in PARTS
    }


def equations() -> tuple[list[Equation], dict[Name, Any]]:
    """Return what the attacker knows, and the groups that follow from it but are in no table.

    The groups are given as the pair of places whose difference they are.
    """
    known: list[Equation] = []
    groups: dict[Name, Any] = {}
    for date in (FIRST, SECOND):
        for segment in SEGMENTS:
            eet, neet = ((date, measure, segment, "numerator") for measure in (EET, NEET))
            both, same = ((date, measure, segment, "denominator") for measure in (EET, NEET))
            known += [{eet: 1, neet: 1, both: -1}, {both: 1, same: -1}]
        for measure in (EET, NEET):
            for part in PARTS:
                total = (date, measure, "all", part)
                for segments in (SEXES, AGES):
                    parts = {(date, measure, segment, part): -1 for segment in segments}
                    known.append({total: 1, **parts})
    for measure in (EET, NEET):
        for segment in SEGMENTS:
            for part in PARTS:
                before = (FIRST, measure, segment, part)
                after = (SECOND, measure, segment, part)
                group = ("who came between", measure, segment, part)
                known.append({after: 1, before: -1, group: -1})
                groups[group] = (after, before)
    return known, groups


def with_groups(true: Mapping[Name, int], groups: Mapping[Name, Any]) -> dict[Name, int]:
    """Return the numbers and those of the groups."""
    return {
        **true,
        **{name: true[after] - true[before] for name, (after, before) in groups.items()},
    }
