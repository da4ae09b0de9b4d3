"""Periods of care and what they consist of: episodes, placements, legal statuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.rows import Bools, Ints

START: Final = {code: position for position, code in enumerate(say.EPISODE_STARTS)}
END: Final = {code: position for position, code in enumerate(say.EPISODE_ENDS)}
LEGAL: Final = {code: position for position, code in enumerate(say.LEGAL_STATUSES)}

# the legal statuses that a child passes through; the last one lasts
LEGAL_PATHS: Final = np.array(
    [[LEGAL[code] for code in path] for path in (
        ("V2", "V2", "V2"), ("C1", "C2", "C2"), ("V2", "C1", "C2"), ("C1", "E1", "E1"),
        ("V3", "V3", "V3"),
    )],
    dtype=np.int32,
)  # fmt: skip
LEGAL_CHANGES: Final = np.array([0, 1, 2, 1, 0], dtype=np.int32)
SHORT_BREAK_PATH: Final = 4


@dataclass(frozen=True)
class Periods:
    """Periods of care.

    Attributes:
        referral: position of the referral that led to care; -1 for none.
        is_short_break: a short break (V3), which never counts as being looked after.
        end: the day on which the period ends; it may lie after the last day of the demonstration.
        is_programme: the period of a programme's child, with fixed placements.
        move_period, move_day: the days on which those children move.
    """

    person: Ints
    referral: Ints
    start: Ints
    end: Ints
    need: Ints
    path: Ints
    is_short_break: Bools
    is_programme: Bools
    move_period: Ints
    move_day: Ints

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True)
class Episodes:
    """Episodes of care, ordered by period and day; each refers to its placement and status.

    Attributes:
        placement_first: for each placement, its first episode; likewise `legal_first`.
        placement_end, legal_end: the days on which they end.
    """

    period: Ints
    start: Ints
    end: Ints
    is_last: Bools
    reason: Ints
    placement: Ints
    legal: Ints
    placement_first: Ints
    placement_end: Ints
    legal_first: Ints
    legal_end: Ints


def expand(counts: Ints) -> tuple[Ints, Ints]:
    """Return, for `counts[i]` children of each parent i, the parent and the child's number."""
    parent = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    first = np.cumsum(counts) - counts
    return parent, (np.arange(len(parent)) - first[parent]).astype(np.int32)


def make_episodes(
    rng: np.random.Generator, periods: Periods, days_per_placement: float
) -> Episodes:
    """Cut periods of care into episodes at changes of placement and of legal status."""
    length = periods.end - periods.start
    moves = np.where(
        periods.is_short_break | periods.is_programme,
        0,
        rng.poisson(np.minimum(length, 2200) / days_per_placement),
    )
    by_move, _ = expand(moves)
    move_day = periods.start[by_move] + 3 + rng.random(len(by_move)) ** 1.4 * length[by_move]
    by_move = np.concatenate((by_move, periods.move_period))
    move_day = np.concatenate((move_day, periods.move_day))
    by_law, number = expand(LEGAL_CHANGES[periods.path])
    law_day = periods.start[by_law] + 25 + 60 * number + rng.integers(0, 60, len(by_law))
    n = len(periods)
    # 14 of 100 changes of status come with a move
    with_move = (rng.random(len(by_law)) < 0.14) & ~periods.is_programme[by_law]
    period = np.concatenate((np.arange(n), by_move, by_law)).astype(np.int32)
    day = np.concatenate((periods.start, move_day, law_day)).astype(np.int32)
    moved = np.concatenate((np.ones(n), np.ones(len(by_move)), with_move))
    law = np.concatenate((np.ones(n), np.zeros(len(by_move)), np.ones(len(by_law))))
    inside = (day >= periods.start[period]) & (day < periods.end[period])
    inside &= (np.arange(len(day)) < n) | (day > periods.start[period])
    order = np.lexsort((day, period))
    order = order[inside[order]]
    period, day = period[order], day[order]
    group = np.flatnonzero(np.append(True, (np.diff(period) != 0) | (np.diff(day) != 0)))
    has_move = np.maximum.reduceat(moved[order].astype(np.int8), group) > 0
    has_law = np.maximum.reduceat(law[order].astype(np.int8), group) > 0
    period, day = period[group], day[group]

    is_first = np.append(True, np.diff(period) != 0)
    is_last = np.append(is_first[1:], True)
    end = np.where(is_last, periods.end[period], np.append(day[1:], 0)).astype(np.int32)
    same_carer = (rng.random(len(day)) < 0.08) & ~periods.is_programme[period]
    reason = np.select(
        [is_first, has_move & has_law & same_carer, has_move & has_law, has_move & same_carer,
         has_move],
        [START["S"], START["U"], START["B"], START["T"], START["P"]],
        START["L"],
    ).astype(np.int32)  # fmt: skip
    placement_first = np.flatnonzero(has_move).astype(np.int32)
    legal_first = np.flatnonzero(has_law).astype(np.int32)

    def ends(first: Ints) -> Ints:
        found: Ints = end[np.append(first[1:], len(day)) - 1]
        return found

    return Episodes(
        period=period,
        start=day,
        end=end,
        is_last=is_last,
        reason=reason,
        placement=(np.cumsum(has_move) - 1).astype(np.int32),
        legal=(np.cumsum(has_law) - 1).astype(np.int32),
        placement_first=placement_first,
        placement_end=ends(placement_first),
        legal_first=legal_first,
        legal_end=ends(legal_first),
    )


def legal_codes(periods: Periods, episodes: Episodes) -> Ints:
    """Return the legal status of each spell of `episodes.legal`."""
    period = episodes.period[episodes.legal_first]
    new = np.append(True, np.diff(period) != 0)
    position = np.arange(len(period))
    number = position - np.maximum.accumulate(np.where(new, position, 0))
    return LEGAL_PATHS[periods.path[period], np.minimum(number, 2)].astype(np.int32)
