"""How far a KPI may move between two publications (rule KPI-06)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from carepath.dates import written
from carepath.quality.figures.figure import Build, Figure, Finding, Value

# From one night to the next a share may move by five points, and a count or a value by a tenth.
# Changes of fewer than five people or records do not count: one person of twenty is five points.
# Figures change over time, so half of each is added for each month between the two nights.
SHARE_BASE, SHARE_PER_MONTH = 0.05, 0.025
COUNT_BASE, COUNT_PER_MONTH = 0.10, 0.05
FEW_PEOPLE, FEW_PER_MONTH = 5, 2.5
# A median of whole days or cases moves by half or one of them at least, which is much of a small
# one: a team's median of two cases becomes one and a half when one worker has one case less.
WHOLE_UNITS, ONE_UNIT = ("days", "cases"), 1
# A value that grew or shrank by this factor has moved, even if it comes from few records.
LARGE_FACTOR = 100
# Nights further apart than this are not compared: the source was away, or has just begun.
NIGHT_TO_NIGHT_DAYS = 7

Row = TypeVar("Row", Figure, Value)


def moved(build: Build) -> tuple[int, list[Finding]]:
    """Find figures that moved further from the published ones than `tolerance` allows.

    For a figure it compares the share, the number of people and how many of them are left out
    (`exceeds`). For a value it compares the value and the number of its records (`value_exceeds`).
    Nothing is compared before the first publication. Measures that their mart declares as a
    difference are not compared, because a small one changes a lot. Their parts are compared.
    One team's part is not compared here (`moved_of_teams`).
    """
    return _moved(build, of_teams=False)


def moved_of_teams(build: Build) -> tuple[int, list[Finding]]:
    """Find parts of figures that are about one team and moved as far as `moved` looks for.

    Cases and workers go from team to team, so this is a question (DRIFT-02) and not a fault.
    """
    return _moved(build, of_teams=True)


def _moved(build: Build, *, of_teams: bool) -> tuple[int, list[Finding]]:
    figures = [f for f in build.figures if build.is_of_team(f.mart, f.segment) == of_teams]
    values = [v for v in build.values if build.is_of_team(v.mart, v.segment) == of_teams]
    pairs = list(_pairs(build, figures, build.published))
    pairs_of_values = [
        (old, new, days)
        for old, new, days in _pairs(build, values, build.published_values)
        if not build.is_difference(new.mart, new.measure)
    ]
    found = {
        (new.mart, new.key): _went(old, new)
        for old, new, days in pairs
        if exceeds(old, new, days, build.times_wider(new.mart, new.measure))
    }
    found |= {
        (value.mart, value.key): _went(before, value)
        for before, value, days in pairs_of_values
        if value_exceeds(before, value, days, build.times_wider(value.mart, value.measure))
    }
    looked_at = len(pairs) + len(pairs_of_values)
    return looked_at, [Finding(mart, key, says) for (mart, key), says in sorted(found.items())]


def _went(old: Row, new: Row) -> str:
    """Say what moved, from what to what. Figures of one date were published differently before."""
    before = "Before" if old.as_at_date == new.as_at_date else f"On {written(old.as_at_date)}"
    return (
        f"{new.measure} ({new.segment}) on {written(new.as_at_date)} is {new.words}. {before} "
        f"it was {old.words}."
    )


def _pairs(
    build: Build, built: Sequence[Row], published: Sequence[Row]
) -> Iterator[tuple[Row, Row, int]]:
    """Yield what is compared: published row, built row, and the days for which it may move.

    Compared are rows of the same day, and the latest with the latest published. Care leavers are a
    cohort as known then: their figures are followed over any time, and a new one of a day in
    between (a month end that was not published in its night) is compared with the published one
    before it. Other figures count events and spells as recorded tonight, which come and go: the
    latest are compared from night to night only, and a figure of the same day may be revised the
    further the longer its last publication is ago.
    """
    before = {(f.series, f.as_at_date): f for f in published}
    latest, latest_before = _latest(built), _latest(published)
    published_night = max((f.as_at_date for f in published), default=build.night)
    since = (build.night - published_night).days
    for new in built:
        if (old := before.get((new.series, new.as_at_date))) is not None:
            yield old, new, 0 if build.is_of_cohort(new.mart) else since
    for series, old in latest_before.items():
        new = latest.get(series, old)
        if new.as_at_date != old.as_at_date and (
            build.is_followed(old.mart) or since <= NIGHT_TO_NIGHT_DAYS
        ):
            yield old, new, (new.as_at_date - old.as_at_date).days
    for new in built:
        if (
            build.is_followed(new.mart)
            and (new.series, new.as_at_date) not in before
            and latest[new.series] is not new
        ):
            older = [
                f for f in published if f.series == new.series and f.as_at_date < new.as_at_date
            ]
            if older:
                old = max(older, key=lambda f: f.as_at_date)
                yield old, new, (new.as_at_date - old.as_at_date).days


def tolerance(days: int, *, of_share: bool) -> float:
    """Return how far a figure may move in `days`: points of a share, or a part of a count."""
    months = abs(days) / 30
    if of_share:
        return SHARE_BASE + SHARE_PER_MONTH * months
    return COUNT_BASE + COUNT_PER_MONTH * months


def few_people(days: int) -> float:
    """Return how many people or records must change in `days` for a change to count."""
    return FEW_PEOPLE + FEW_PER_MONTH * abs(days) / 30


def exceeds(old: Figure, new: Figure, days: int, times_wider: float = 1) -> bool:
    """Return whether a figure moved further in `days` than its tolerance, and by `few_people`.

    A share can stay the same while people disappear from it. So the number of people, measured or
    left out, may move only as far as a count. The share of people left out may grow only as far as
    a share.

    Args:
        old: the published figure.
        new: the built figure.
        days: the number of days in which it moved.
        times_wider: how many times further than others the share and the number may move.
    """
    few = few_people(days)
    if old.denominator is not None and not old.denominator:
        return False  # no people were measured before, so there is nothing to compare
    if old.denominator and not new.denominator:
        return old.denominator >= FEW_PEOPLE  # no people are measured now
    change = abs(new.people - old.people)
    # a group in the cohort may grow from a few people: compare with the larger of both numbers
    whole = old.people if new.denominator is None else max(old.people, new.people)
    if change >= few and change > tolerance(days, of_share=False) * times_wider * whole:
        return True
    allowed = tolerance(days, of_share=True) * times_wider
    if new.left_out_count - old.left_out_count >= few and (
        new.left_out_count / new.people - old.left_out_count / max(old.people, 1) > allowed
    ):
        return True
    if old.share is None or new.share is None:
        return False
    moved_by = abs(new.share - old.share)
    people = moved_by * max(old.denominator or 0, new.denominator or 0)
    return people >= few and moved_by > allowed


def value_exceeds(old: Value, new: Value, days: int, times_wider: float = 1) -> bool:
    """Return whether a value moved further in `days` than its tolerance, by enough records.

    A sum or a mean of few records moves with each of them. So a change that as many average records
    as `few_people` says could explain does not count, nor does a change of one day or case. A mean
    can stay the same while records disappear, so their number may move only as far as a count.

    Args:
        old: the published value.
        new: the built value.
        days: the number of days in which it moved.
        times_wider: how many times further than others the value may move.
    """
    few = few_people(days)
    if old.value is None or not old.record_count:
        return False  # there is nothing to compare with
    if new.value is None:
        return old.record_count >= FEW_PEOPLE
    allowed = tolerance(days, of_share=False) * times_wider
    records = abs(new.record_count - old.record_count)
    if records >= few and records > allowed * max(old.record_count, new.record_count):
        return True
    change = abs(new.value - old.value)
    if new.unit in WHOLE_UNITS and change <= ONE_UNIT:
        return False
    smaller, larger = sorted((abs(old.value), abs(new.value)))
    if smaller and larger / smaller >= LARGE_FACTOR:
        return True
    of_one_record = max(
        abs(old.value) / old.record_count, abs(new.value) / max(new.record_count, 1)
    )
    return change > allowed * abs(old.value) and change >= few * of_one_record


def _latest(figures: Sequence[Row]) -> dict[tuple[str, str, str], Row]:
    return {f.series: f for f in sorted(figures, key=lambda f: f.as_at_date)}
