"""What is recorded of each care leaver and changes: case, contact, home, activity, status, plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from carepath.demonstration.evaluation_report import BASELINE, FOLLOW_UP, target
from carepath.demonstration.generator.dirt import DirtRates
from carepath.demonstration.generator.leavers.codes import (
    ACTIVITY,
    BOTH,
    CLOSED,
    CLOSED_UASC,
    DISABILITIES,
    EET,
    FIRST,
    FIRST_ONLY,
    LATER,
    LETTER,
    NEED,
    NEET,
    NO,
    NREQ,
    REFU,
    RHOM,
    SECOND,
    SECOND_ONLY,
    YEAR,
    YES,
    Floats,
)
from carepath.demonstration.generator.leavers.deals import deal, draw
from carepath.demonstration.generator.leavers.lives import Lives
from carepath.demonstration.generator.rows import NEVER, Bools, Ints


@dataclass
class State:
    """What is recorded of each care leaver between two changes; -1 is not recorded."""

    is_open: Bools
    disabilities_team: Bools
    in_touch: Ints
    accommodation: Ints
    suitability: Ints
    activity: Ints
    status: Ints
    has_plan: Bools

    @classmethod
    def blank(cls, count: int) -> State:
        """Return closed cases of which nothing is recorded."""
        none = [np.full(count, -1, dtype=np.int32) for _ in range(5)]
        no = [np.zeros(count, dtype=np.bool_) for _ in range(3)]
        return cls(no[0], no[1], none[0], none[1], none[2], none[3], none[4], no[2])


def _snapshot_state(
    rng: np.random.Generator,
    snapshot: int,
    member: Bools,
    group: Ints,
    uasc: Bools,
    need: Ints,
    life: Lives,
    mother_from: Ints,
    dirt: DirtRates,
    disabilities: Bools,
) -> State:
    """Deal out what is recorded on a snapshot's day, exactly as the evaluation report counts it."""
    n = len(member)
    day = BASELINE if snapshot == FIRST else FOLLOW_UP
    age = (snapshot - life.born) / YEAR
    state = State.blank(n)

    kept = need == NEED["N2"]
    team = disabilities & member
    team |= deal(rng, member & kept & ~uasc & ~team, DISABILITIES[snapshot] - int(team.sum()))
    open_uasc = target("EET", day, "open UASC"), target("NEET", day, "open UASC")
    measured_count = target("EET", day, "open"), target("NEET", day, "open")

    may_close = member & ~team & ((group == FIRST_ONLY) if snapshot == FIRST else ~life.returned)
    older = np.where(group == BOTH, 8.0, 0.7) * np.where(age >= 20, 3.0, 1.0)
    closed = deal(rng, may_close & uasc, CLOSED_UASC[snapshot], older)
    closed |= deal(rng, may_close & ~uasc, CLOSED[snapshot] - CLOSED_UASC[snapshot], older)
    contradictory = deal(rng, member & ~team & ~closed & ~uasc, dirt.contradictory_eet_count // (
        2 if snapshot == FIRST else 1
    ))  # fmt: skip
    left = member & ~team & ~closed & ~contradictory
    unrecorded = deal(rng, left & uasc, int((left & uasc).sum()) - sum(open_uasc))
    unrecorded |= deal(
        rng,
        left & ~uasc,
        int((left & ~uasc).sum()) - (sum(measured_count) - sum(open_uasc)),
        np.where(age >= 18, 3.0, 0.3),
    )
    measured = left & ~unrecorded
    eet = deal(rng, measured & uasc, open_uasc[0])
    mother = mother_from <= snapshot
    eet |= deal(rng, measured & ~uasc, measured_count[0] - open_uasc[0], np.where(mother, 0.2, 1.0))

    known = measured | contradictory | team
    status = np.where(known, np.where(eet, EET, NEET), -1)
    status[contradictory | team] = rng.integers(0, 2, int((contradictory | team).sum()))
    suitable = deal(rng, known, target("accommodation suitable", day), np.where(age < 18, 4.0, 1.0))
    putting = deal(
        rng,
        known & suitable & (age >= 18.02) & ~mother & ~uasc & ~contradictory,
        target("staying put", day),
        np.where(age < 21, 20.0, 1.0),
    )
    state.is_open = member & ~closed
    state.disabilities_team = team
    state.status = status.astype(np.int32)
    state.in_touch = _in_touch(rng, known, unrecorded, closed, n)
    state.activity = _activities(rng, snapshot, status, age, mother, contradictory, dirt)
    state.accommodation = _letters(rng, known, suitable, putting, age, state.activity)
    state.suitability = np.where(known, np.where(suitable, 0, 1), -1).astype(np.int32)
    state.has_plan = deal(
        rng,
        member,
        target("pathway plan recorded", day),
        np.select([closed, unrecorded], [0.10, 0.15], 1.0) * np.where(age < 18, 1.5, 1.0),
    )
    return state


def _in_touch(
    rng: np.random.Generator, known: Bools, unrecorded: Bools, closed: Bools, n: int
) -> Ints:
    away = np.array([NO, REFU, NREQ])[rng.choice(3, n, p=[0.5, 0.3, 0.2])]
    ended = np.array([NREQ, NO, RHOM, -1])[rng.choice(4, n, p=[0.45, 0.15, 0.1, 0.3])]
    return np.select([known, unrecorded, closed], [YES, away, ended], -1).astype(np.int32)


def _activities(
    rng: np.random.Generator,
    snapshot: int,
    status: npt.NDArray[Any],
    age: Floats,
    mother: Bools,
    contradictory: Bools,
    dirt: DirtRates,
) -> Ints:
    """Choose activities that agree with the status, but for the contradictory ones."""
    n = len(status)
    training = {"F3": 0.22, "P3": 0.06}
    adult = draw(rng, {"F1": 0.10, "P1": 0.02, "F2": 0.42, "P2": 0.08, **training}, ACTIVITY, n)
    minor = draw(rng, {"F2": 0.75, "P2": 0.10, **training}, ACTIVITY, n)
    in_eet = np.where(age >= 18.4, adult, minor)
    if snapshot > FIRST:
        untimely = deal(rng, (status == EET) & ~contradictory, dirt.untimely_activity_count)
        in_eet = np.where(untimely, draw(rng, {"F4": 0.5, "F5": 0.5}, ACTIVITY, n), in_eet)
    neet = draw(rng, {"G4": 0.18, "G5": 0.82}, ACTIVITY, n)
    neet = np.where(mother & (rng.random(n) < 0.85), ACTIVITY["G6"], neet)
    says_eet = (status == EET) ^ contradictory
    return np.where(status < 0, -1, np.where(says_eet, in_eet, neet)).astype(np.int32)


def _letters(
    rng: np.random.Generator,
    known: Bools,
    suitable: Bools,
    putting: Bools,
    age: Floats,
    activity: Ints,
) -> Ints:
    n = len(known)
    grown = draw(rng, {"U": 40, "D": 24, "E": 12, "B": 13, "K": 4, "T": 4, "Y": 3}, LETTER, n)
    young = draw(rng, {"D": 45, "C": 15, "E": 30, "B": 6, "Y": 4}, LETTER, n)
    unfit = draw(rng, {"S": 16, "X": 18, "W": 14, "V": 10, "K": 12, "U": 20, "B": 10}, LETTER, n)
    in_work = activity < ACTIVITY["G4"]
    # a young person in custody does not study or work
    unfit = np.where((unfit == LETTER["X"]) & in_work, LETTER["W"], unfit)
    letter = np.where(suitable, np.where(age < 18, young, grown), unfit)
    letter = np.where(putting, LETTER["Z"], letter)
    return np.where(known, letter, -1).astype(np.int32)


def _ordinary_state(
    rng: np.random.Generator, like: State, day: int, life: Lives, mother: Bools
) -> State:
    """Return a state a while before or after another: some move, study or stop studying."""
    n = len(like.status)
    age = (day - life.born) / YEAR
    status = like.status.copy()
    known = status >= 0
    turned = known & (rng.random(n) < 0.3)
    status[turned] = 1 - status[turned]
    none = np.zeros(n, dtype=np.bool_)
    state = State.blank(n)
    state.is_open, state.disabilities_team = like.is_open.copy(), like.disabilities_team.copy()
    state.in_touch, state.has_plan = like.in_touch.copy(), like.has_plan.copy()
    state.status = status
    state.activity = _activities(rng, day, status, age, mother, none, DirtRates(
        untimely_activity_count=0
    ))  # fmt: skip
    suitable = known & (rng.random(n) < 0.8)
    state.suitability = np.where(known, np.where(suitable, 0, 1), -1).astype(np.int32)
    state.accommodation = _letters(rng, known, suitable, none, age, state.activity)
    return state


def make_states(
    rng: np.random.Generator,
    group: Ints,
    uasc: Bools,
    need: Ints,
    life: Lives,
    mother_from: Ints,
    dirt: DirtRates,
    horizon: int,
) -> tuple[tuple[State, ...], tuple[Ints, ...]]:
    """Make the four states: before the first snapshot, on it, on the second, after it."""
    n = len(group)
    dealt = (group, uasc, need, life, mother_from, dirt)
    no_one = np.zeros(n, dtype=np.bool_)
    in_first, in_second = group <= FIRST_ONLY, np.isin(group, [BOTH, SECOND_ONLY])
    first = _snapshot_state(rng, FIRST, in_first, *dealt, no_one)
    second = _snapshot_state(
        rng, SECOND, in_second, *dealt, first.disabilities_team & (group == BOTH)
    )
    before = _ordinary_state(rng, first, FIRST - 300, life, mother_from <= FIRST - 300)
    # those who come of age later are open and in touch from the start
    later = group == LATER
    second.is_open |= later
    second.in_touch[later] = YES
    second.status[later] = rng.integers(0, 2, int(later.sum()))
    after = _ordinary_state(rng, second, SECOND + 90, life, mother_from <= SECOND)
    u = rng.random((3, n))
    change_first = FIRST - 15 - np.floor(u[0] * 380)
    change_second = np.where(
        group == BOTH, FIRST + 10 + np.floor(u[1] * (SECOND - FIRST - 55)), life.eligible_to
    )
    change_second = np.where(
        group == SECOND_ONLY, np.where(life.returned, life.eligible_from, FIRST), change_second
    )
    change_second = np.where(group >= LATER, FIRST, change_second)
    change_after = np.where(u[2] < 0.5, SECOND + 5 + np.floor(u[2] * 2 * (horizon - SECOND)), NEVER)
    change_after = np.where(later, SECOND, change_after)
    return (before, first, second, after), (
        change_first.astype(np.int32),
        change_second.astype(np.int32),
        change_after.astype(np.int32),
    )


def choose_muddled(
    rng: np.random.Generator, group: Ints, second: State, dirt: DirtRates
) -> tuple[Ints, Ints]:
    """Choose those with contradictory status and activity until 28 or 29 June 2019."""
    agreeing = (
        (group <= SECOND_ONLY)
        & second.is_open
        & ~second.disabilities_team
        & (second.status >= 0)
        & ((second.activity < ACTIVITY["G4"]) == (second.status == EET))
    )
    muddled = deal(rng, agreeing, dirt.muddled_eet_count)
    begin = SECOND - 5 - rng.integers(0, 33, len(group))
    finish = SECOND - 1 - rng.integers(0, 2, len(group))
    return (
        np.where(muddled, begin, NEVER).astype(np.int32),
        np.where(muddled, finish, NEVER).astype(np.int32),
    )
