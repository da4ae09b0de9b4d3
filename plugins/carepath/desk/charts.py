"""Pictures of how a number changed from night to night, drawn on the server."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from carepath.dates import written
from carepath.desk.pages import count

WIDTH: Final = 640
HEIGHT: Final = 220
LEFT, RIGHT, TOP, BOTTOM = 76, 16, 14, 34


@dataclass(frozen=True)
class Point:
    """A number on a night; None where it could not be counted."""

    night: dt.date
    value: int | None


@dataclass(frozen=True)
class Chart:
    """A line, ready to be drawn. Positions are in units of its own size.

    Attributes:
        name: its title.
        says: the same in words, for those who do not see the picture.
        lines: for each unbroken part, the points of the line.
        dots: where each number is.
        marks: heights of the horizontal lines, with their numbers.
        first, last: the dates below the picture's ends.
    """

    name: str
    says: str
    lines: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    marks: tuple[tuple[float, str], ...]
    first: str
    last: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    floor: int = HEIGHT - BOTTOM


def line_chart(name: str, points: Sequence[Point], thing: str = "record") -> Chart | None:
    """Return the picture of a number night by night; None if there are fewer than two numbers.

    Args:
        name: its title.
        points: one for each night, oldest first.
        thing: what is counted, in the singular.
    """
    known = [(point.night, point.value) for point in points if point.value is not None]
    if len(known) < 2:
        return None
    top = _round_up(max(value for _, value in known))
    first, last = known[0][0], known[-1][0]
    days = max((last - first).days, 1)

    def place(night: dt.date, value: int) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - RIGHT) * (night - first).days / days
        up = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top
        return round(across, 1), round(up, 1)

    parts: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point.value is None:
            parts.append([])
        else:
            parts[-1].append(place(point.night, point.value))
    return Chart(
        name=name,
        says=_in_words(known, thing),
        lines=tuple(" ".join(f"{x},{y}" for x, y in part) for part in parts if len(part) > 1),
        dots=tuple(dot for part in parts for dot in part),
        marks=tuple((place(first, mark)[1], count(mark)) for mark in sorted({0, top // 2, top})),
        first=written(first),
        last=written(last),
    )


def _in_words(known: Sequence[tuple[dt.date, int]], thing: str) -> str:
    (first_night, first), (last_night, last) = known[0], known[-1]
    most_night, most = max(known, key=lambda each: each[1])
    way = "rose" if last > first else "fell" if last < first else "stayed the same"
    return (
        f"From {written(first_night)} to {written(last_night)} the number of {thing}s {way}: "
        f"{count(first)} at the beginning, {count(last)} at the end. "
        f"The most was {count(most)}, first on {written(most_night)}."
    )


def _round_up(value: int) -> int:
    """Return a round number that is at least the value, for the top of the picture."""
    if value <= 4:
        return 4
    step = int(10 ** math.floor(math.log10(value)))
    return next(n for n in (step, 2 * step, 4 * step, 5 * step, 10 * step) if n >= value)
