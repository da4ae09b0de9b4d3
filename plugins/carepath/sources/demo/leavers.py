"""The care leavers, made so that the report's distributions come out of their records.

Three groups carry the report's two snapshots: those in both, those in the first only and those
in the second only. Attributes that don't change (sex, ethnicity, need, asylum) are split over
the groups first; then each snapshot's states are dealt out. Every deal takes exactly the number
asked for from a pool that is large enough, so that all marginals hold jointly; `check` counts
them again. Two more groups surround them: those who come of age later and those with no current
eligibility throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from carepath.errors import SourceError
from carepath.sources.demo import vocabulary as say
from carepath.sources.demo.dirt import DirtRates
from carepath.sources.demo.report import BASELINE, FOLLOW_UP, report_figures, target
from carepath.sources.demo.rows import NEVER, Bools, Ints, day_number

Floats = npt.NDArray[np.float64]

YEAR: Final = 365.25
FIRST: Final = day_number(BASELINE)
SECOND: Final = day_number(FOLLOW_UP)
# Children and Social Work Act 2017, section 3: support to 25 for whoever asks
EXTENDED_DUTY: Final = day_number(date(2018, 4, 3))
BOTH, FIRST_ONLY, SECOND_ONLY, LATER, NEVER_ELIGIBLE = range(5)
LATER_COUNT: Final = 24
NEVER_ELIGIBLE_COUNT: Final = 46

# what the report does not print: those of the cohort who are left out of its table 15
CLOSED: Final = {FIRST: 5, SECOND: 66}
CLOSED_UASC: Final = {FIRST: 0, SECOND: 20}
DISABILITIES: Final = {FIRST: 4, SECOND: 9}

EET, NEET = 0, 1
YES, NO, DIED, REFU, NREQ, RHOM = range(6)
RELEVANT, FORMER_RELEVANT, ELIGIBLE, QUALIFYING, NONE = range(5)
ACTIVITY: Final = {code: position for position, code in enumerate(say.ACTIVITIES)}
LETTER: Final = {code: position for position, code in enumerate(say.ACCOMMODATION)}
NEED: Final = {code: position for position, code in enumerate(say.NEEDS)}
NOT_RECORDED: Final = -1
NEED_MEASURES: Final = {
    "N1 abuse or neglect": NEED["N1"],
    "N2 child's disability": NEED["N2"],
    "N3 parental illness or disability": NEED["N3"],
    "N4 family in acute stress": NEED["N4"],
    "N5 family dysfunction": NEED["N5"],
    "N6 socially unacceptable behaviour": NEED["N6"],
    "N7 low income": NEED["N7"],
    "N8 absent parenting": NEED["N8"],
    "N9 cases other than children in need": NEED["N9"],
    "not recorded": NOT_RECORDED,
}


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


@dataclass
class Leavers:
    """The care leavers of one authority; every array has one entry per person.

    Attributes:
        states: what is recorded in turn; `changes[k]` is the day on which state k gives way to
            state k + 1.
        recorded: the day on which the care-leaver record was made.
        eligible_from, eligible_to: the days between which eligibility is current.
        mother_from: the day on which a daughter of the authority had her first child.
        muddled_from, muddled_to: the days between which EET status and activity contradict.
    """

    group: Ints
    female: Bools
    uasc: Bools
    white_british: Bools
    need: Ints
    born: Ints
    care_start: Ints
    care_end: Ints
    recorded: Ints
    eligible_from: Ints
    eligible_to: Ints
    mother_from: Ints
    states: tuple[State, ...]
    changes: tuple[Ints, ...]
    muddled_from: Ints
    muddled_to: Ints

    def __len__(self) -> int:
        return len(self.group)

    def state_at(self, day: int) -> Ints:
        """Return the number of the state that each holds at the close of `day`."""
        return sum((change <= day).astype(np.int32) for change in self.changes)  # type: ignore[return-value]

    def now(self, name: str, day: int) -> npt.NDArray[Any]:
        """Return one field of the state that each holds at the close of `day`."""
        values = np.stack([getattr(state, name) for state in self.states])
        chosen: npt.NDArray[Any] = values[self.state_at(day), np.arange(len(self))]
        return chosen

    def is_muddled(self, day: int) -> Bools:
        """Say whose EET status and activity contradict each other for a while."""
        return (self.muddled_from <= day) & (day < self.muddled_to)

    def eligibility(self, day: int) -> Ints:
        """Return each one's eligibility at the close of `day`, by the standard's definitions."""
        adult = self.born + 18 * YEAR <= day
        since_14 = np.minimum(self.care_end, day) - np.maximum(
            self.care_start, self.born + 14 * YEAR
        )
        long_enough = since_14 >= 91
        looked_after = (self.care_start <= day) & (day < self.care_end)
        kind = np.select(
            [~long_enough & ~looked_after, adult, looked_after],
            [QUALIFYING, FORMER_RELEVANT, ELIGIBLE],
            RELEVANT,
        )
        current = (self.eligible_from <= day) & (day < self.eligible_to)
        return np.where(current, kind, NONE).astype(np.int32)


def deal(rng: np.random.Generator, pool: Bools, count: int, weight: Floats | None = None) -> Bools:
    """Choose exactly `count` of `pool`, likelier those of larger weight.

    Raises:
        SourceError: the pool is too small, so the figures contradict each other.
    """
    if pool.sum() < count or count < 0:
        raise SourceError(
            f"{count} young people are wanted from a pool of {int(pool.sum())}",
            where="demonstration",
            todo="correct sources/demo/report.csv; its figures cannot hold together.",
        )
    score = rng.gumbel(size=len(pool))
    if weight is not None:
        score = score + np.log(np.maximum(weight, 1e-9))
    score[~pool] = -np.inf
    chosen = np.zeros(len(pool), dtype=np.bool_)
    chosen[np.argsort(-score)[:count]] = True
    return chosen


def draw(rng: np.random.Generator, shares: dict[str, float], names: dict[str, int], n: int) -> Ints:
    """Draw `n` codes with these shares and return their positions."""
    codes = np.array([names[code] for code in shares], dtype=np.int32)
    weight = np.array(list(shares.values()))
    return codes[rng.choice(len(codes), n, p=weight / weight.sum())]


def split(first: int, second: int, both: int, sizes: tuple[int, int]) -> int:
    """Return how many of those in both snapshots have an attribute that never changes.

    `first` and `second` have it in the two snapshots of `sizes` people, of whom `both` are the
    same.
    """
    likely = round(both * (first / sizes[0] + second / sizes[1]) / 2)
    least = max(0, first - (sizes[0] - both), second - (sizes[1] - both))
    return min(max(likely, least), first, second, both)


def split_needs(first: dict[int, int], second: dict[int, int], both: int) -> dict[int, int]:
    """Return the needs of those in both snapshots: in proportion, and never above either count."""
    most = {need: min(first[need], second[need]) for need in first}
    total = sum(most.values())
    exact = {need: most[need] * both / total for need in most}
    shared = {need: int(exact[need]) for need in most}
    for need in sorted(most, key=lambda each: shared[each] - exact[each])[
        : both - sum(shared.values())
    ]:
        shared[need] += 1
    return shared


def make(rng: np.random.Generator, dirt: DirtRates, horizon: int) -> Leavers:
    """Make the care leavers whose records carry the report's figures on its two dates."""
    size = (target("care leavers", BASELINE), target("care leavers", FOLLOW_UP))
    both = target("in both snapshots", FOLLOW_UP)
    counts = (both, size[0] - both, size[1] - both, LATER_COUNT, NEVER_ELIGIBLE_COUNT)
    group = np.repeat(np.arange(5, dtype=np.int32), counts)
    n = len(group)

    def fixed(first: int, second: int) -> list[int]:
        same = split(first, second, both, size)
        return [same, first - same, second - same]

    def fixed_measure(measure: str) -> list[int]:
        return fixed(target(measure, BASELINE), target(measure, FOLLOW_UP))

    def deal_fixed(wanted: list[int], pool: Bools, weight: Floats | None = None) -> Bools:
        chosen = np.zeros(n, dtype=np.bool_)
        for each, count in enumerate(wanted):
            chosen |= deal(rng, pool & (group == each), count, weight)
        return chosen

    everyone = np.ones(n, dtype=np.bool_)
    in_report = group <= SECOND_ONLY
    uasc = deal_fixed(fixed_measure("UASC"), everyone)
    white_british = deal_fixed(fixed_measure("White British"), ~uasc)
    female = deal_fixed(
        fixed(_females(BASELINE), _females(FOLLOW_UP)),
        everyone,
        np.where(uasc, 0.15, 1.0).astype(np.float64),
    )
    others = ~in_report
    white_british[others] = rng.random(int(others.sum())) < 0.55
    female[others] = rng.random(int(others.sum())) < 0.42
    uasc[others] = ~white_british[others] & (rng.random(int(others.sum())) < 0.3)

    need = _needs(rng, group, uasc, both)
    life = _lives(rng, group, uasc, need, horizon)
    mother_from = _mothers(rng, group, female, life)
    states, changes = _states(rng, group, uasc, need, life, mother_from, dirt, horizon)
    muddled_from, muddled_to = _muddles(rng, group, states[2], dirt)
    leavers = Leavers(
        group, female, uasc, white_british, need, life.born, life.care_start, life.care_end,
        life.recorded, life.eligible_from, life.eligible_to, mother_from, states, changes,
        muddled_from, muddled_to,
    )  # fmt: skip
    check(leavers)
    return leavers


def _females(snapshot: date) -> int:
    """Return the denominator of the report's table 14."""
    (count,) = (
        each.denominator
        for each in report_figures()
        if (each.table, each.snapshot) == ("T14", snapshot)
    )
    return count or 0


def _needs(rng: np.random.Generator, group: Ints, uasc: Bools, both: int) -> Ints:
    """Deal out the categories of need; who came alone to the country has N8 where it lasts."""
    first = {need: target(name, BASELINE) for name, need in NEED_MEASURES.items()}
    second = {need: target(name, FOLLOW_UP) for name, need in NEED_MEASURES.items()}
    shared = split_needs(first, second, both)
    need = np.full(len(group), NEED["N1"], dtype=np.int32)
    wanted = (
        shared,
        {each: first[each] - shared[each] for each in first},
        {each: second[each] - shared[each] for each in second},
    )
    for number, counts in enumerate(wanted):
        left = group == number
        absent = deal(rng, left, counts[NEED["N8"]], np.where(uasc, 1e6, 1.0).astype(np.float64))
        need[absent] = NEED["N8"]
        left = left & ~absent
        # children's disability and unrecorded needs go to children born here
        for each in sorted(counts, key=lambda code: code not in (NEED["N2"], NOT_RECORDED)):
            if each != NEED["N8"]:
                chosen = deal(rng, left, counts[each], np.where(uasc, 1e-6, 1.0).astype(np.float64))
                need[chosen] = each
                left = left & ~chosen
    others = group > SECOND_ONLY
    need[others] = rng.choice([NEED["N1"], NEED["N5"], NEED["N6"]], int(others.sum()))
    need[others & uasc] = NEED["N8"]
    return need


@dataclass
class _Lives:
    born: Ints
    care_start: Ints
    care_end: Ints
    recorded: Ints
    eligible_from: Ints
    eligible_to: Ints
    returned: Bools


def _lives(rng: np.random.Generator, group: Ints, uasc: Bools, need: Ints, horizon: int) -> _Lives:
    """Give each an age, a period of care and the days of eligibility that the group asks for."""
    n = len(group)
    u = rng.random((8, n))
    # second snapshot only: came of age (0), came to the country or into care at 16 (1), returned
    # for support after the duty was extended to 25 in April 2018 (2)
    way = np.where(uasc, 1, np.select([u[0] < 0.52, u[0] < 0.66], [0, 1], 2))
    old = np.isin(need, [NOT_RECORDED, NEED["N9"]])
    age_first = np.select(
        [group == BOTH, group == FIRST_ONLY],
        [
            np.where(uasc, 16.6 + 3.2 * u[1], 16.2 + 5.8 * u[1]),
            np.where(old, 23.6 + 1.2 * u[1], 19.4 + 5.2 * u[1]),
        ],
        24.0,
    )
    born = np.select(
        [group <= FIRST_ONLY, (group == SECOND_ONLY) & (way == 0)],
        [FIRST - age_first * YEAR, SECOND - 30 - (16.05 + 1.35 * u[1]) * YEAR],
        0.0,
    )
    # arrivals: looked after from September 2017 on, so that 13 weeks end after the first snapshot
    arrival = FIRST - 80 + u[2] * (SECOND - 115 - (FIRST - 80))
    arrives = (group == SECOND_ONLY) & (way == 1)
    born = np.where(arrives, arrival - (16.0 + 1.6 * u[1]) * YEAR, born)
    returned = (group == SECOND_ONLY) & (way == 2)
    born = np.where(returned, SECOND - (21.3 + 3.4 * u[1]) * YEAR, born)
    born = np.where(group == LATER, SECOND + 5 + u[2] * 170 - 16 * YEAR, born)
    born = np.where(group == NEVER_ELIGIBLE, FIRST - (21.5 + 3.5 * u[1]) * YEAR, born)
    born = np.floor(born)

    adult = np.ceil(born + 18 * YEAR)
    sixteen = np.ceil(born + 16 * YEAR)
    start = born + np.where(uasc, 14.8 + 1.1 * u[3], 3 + 12 * u[3] ** 0.6) * YEAR
    start = np.where(arrives, arrival, start)
    early = (u[4] < 0.10) & ~uasc & (group != LATER) & ~arrives
    latest = np.where((group == SECOND_ONLY) & (way == 0), np.minimum(adult, SECOND - 5), adult)
    end = np.where(early, sixteen + 12 + np.maximum(latest - sixteen - 14, 0) * u[5], adult)
    # a short stay at 16 makes a qualifying young person
    brief = (u[4] > 0.96) & ~uasc & (group != LATER) & ~arrives & (born + 17 * YEAR < FIRST)
    start = np.where(brief, sixteen + 40 * u[5], start)
    end = np.where(brief, start + 20 + 60 * u[6], end)
    start, end = np.floor(start), np.floor(end)

    due = np.maximum(sixteen, start + 91)
    recorded = due + 2 + np.floor(8 * u[6])
    recorded = np.where(brief, end + 5, recorded)
    eligible_from = recorded.copy()
    back = EXTENDED_DUTY + np.floor(u[7] * (SECOND - 60 - EXTENDED_DUTY))
    eligible_from = np.where(returned, back, eligible_from)
    eligible_from = np.where(group == NEVER_ELIGIBLE, NEVER, eligible_from)
    eligible_to = np.where(
        group == FIRST_ONLY, FIRST + 25 + np.floor(u[7] * (SECOND - FIRST - 40)), NEVER
    )
    # nobody stays in the cohort beyond 25
    eligible_to = np.where(
        np.isin(group, [BOTH, SECOND_ONLY]),
        np.maximum(np.ceil(born + 25 * YEAR), SECOND + 9),
        eligible_to,
    )
    if horizon <= SECOND:
        raise ValueError("the horizon must lie after the second snapshot")
    return _Lives(
        born=born.astype(np.int32),
        care_start=start.astype(np.int32),
        care_end=end.astype(np.int32),
        recorded=recorded.astype(np.int32),
        eligible_from=eligible_from.astype(np.int32),
        eligible_to=eligible_to.astype(np.int32),
        returned=returned,
    )


def _mothers(rng: np.random.Generator, group: Ints, female: Bools, life: _Lives) -> Ints:
    """Deal out the mothers of the two snapshots and the days on which they became mothers."""
    n = len(group)
    mother_from = np.full(n, NEVER, dtype=np.int32)
    count_first = target("mothers", BASELINE, "female")
    count_second = target("mothers", FOLLOW_UP, "female")

    def age(day: int) -> Floats:
        return np.asarray((day - life.born) / YEAR, dtype=np.float64)

    first = deal(
        rng, female & (group <= FIRST_ONLY) & (age(FIRST) > 17.2), count_first,
        np.where(group == BOTH, 3.0, 1.0),
    )  # fmt: skip
    already = first & (group == BOTH)
    later = deal(
        rng,
        female & ~first & np.isin(group, [BOTH, SECOND_ONLY]) & (age(SECOND) > 17.0),
        count_second - int(already.sum()),
        np.maximum(age(SECOND) - 16.5, 0.1),
    )
    since_17 = np.maximum(life.born + 17 * YEAR, FIRST - 900)
    mother_from[first] = (since_17 + rng.random(n) * np.maximum(FIRST - 10 - since_17, 1))[first]
    since = np.maximum(life.born + 16.9 * YEAR, FIRST + 5)
    mother_from[later] = (since + rng.random(n) * np.maximum(SECOND - 12 - since, 1))[later]
    return mother_from


def _snapshot_state(
    rng: np.random.Generator,
    snapshot: int,
    member: Bools,
    group: Ints,
    uasc: Bools,
    need: Ints,
    life: _Lives,
    mother_from: Ints,
    dirt: DirtRates,
    disabilities: Bools,
) -> State:
    """Deal out what is recorded on a snapshot's day, exactly as the report counts it."""
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
    # nobody studies full time in custody
    unfit = np.where((unfit == LETTER["X"]) & in_work, LETTER["W"], unfit)
    letter = np.where(suitable, np.where(age < 18, young, grown), unfit)
    letter = np.where(putting, LETTER["Z"], letter)
    return np.where(known, letter, -1).astype(np.int32)


def _ordinary_state(
    rng: np.random.Generator, like: State, day: int, life: _Lives, mother: Bools
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


def _states(
    rng: np.random.Generator,
    group: Ints,
    uasc: Bools,
    need: Ints,
    life: _Lives,
    mother_from: Ints,
    dirt: DirtRates,
    horizon: int,
) -> tuple[tuple[State, ...], tuple[Ints, ...]]:
    """Make the four states: before the first snapshot, on it, on the second, after it."""
    n = len(group)
    dealt = (group, uasc, need, life, mother_from, dirt)
    nobody = np.zeros(n, dtype=np.bool_)
    in_first, in_second = group <= FIRST_ONLY, np.isin(group, [BOTH, SECOND_ONLY])
    first = _snapshot_state(rng, FIRST, in_first, *dealt, nobody)
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


def _muddles(
    rng: np.random.Generator, group: Ints, second: State, dirt: DirtRates
) -> tuple[Ints, Ints]:
    """Choose whose status and activity contradict each other until 28 or 29 June 2019."""
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


def check(leavers: Leavers) -> None:
    """Count the report's figures again.

    Raises:
        SourceError: a figure does not come out; the message names it.
    """
    for day, snapshot in ((FIRST, BASELINE), (SECOND, FOLLOW_UP)):
        member = (leavers.eligibility(day) != NONE) & (leavers.recorded <= day)

        def now(name: str, day: int = day) -> npt.NDArray[Any]:
            return leavers.now(name, day)

        agrees = (now("activity") < ACTIVITY["G4"]) == (now("status") == EET)
        measured = (
            member
            & now("is_open").astype(bool)
            & ~now("disabilities_team").astype(bool)
            & (now("status") >= 0)
            & agrees
        )
        age = (day - leavers.born) / YEAR
        counted = {
            ("care leavers", "all"): member,
            ("mothers", "female"): member & leavers.female & (leavers.mother_from <= day),
            ("EET", "open"): measured & (now("status") == EET),
            ("NEET", "open"): measured & (now("status") == NEET),
            ("EET", "open UASC"): measured & leavers.uasc & (now("status") == EET),
            ("NEET", "open UASC"): measured & leavers.uasc & (now("status") == NEET),
            ("UASC", "all"): member & leavers.uasc,
            ("White British", "all"): member & leavers.white_british,
            ("pathway plan recorded", "all"): member & now("has_plan"),
            ("accommodation suitable", "all"): member & (now("suitability") == 0),
            ("staying put", "all"): member & (now("accommodation") == LETTER["Z"]) & (age >= 18),
        }
        for name, need in NEED_MEASURES.items():
            counted[(name, "all")] = member & (leavers.need == need)
        for (measure, segment), found in counted.items():
            wanted = target(measure, snapshot, segment)
            if int(found.sum()) != wanted:
                raise SourceError(
                    f"{measure} ({segment}) is {int(found.sum())} on {snapshot}, not {wanted}",
                    where="demonstration",
                    todo="correct sources/demo/leavers.py.",
                )
        if int((member & leavers.female).sum()) != _females(snapshot):
            raise SourceError(f"the females of {snapshot} do not add up", where="demonstration")
    both = (leavers.eligibility(FIRST) != NONE) & (leavers.eligibility(SECOND) != NONE)
    both &= (leavers.recorded <= FIRST) & (leavers.recorded <= SECOND)
    if int(both.sum()) != target("in both snapshots", FOLLOW_UP):
        raise SourceError("the young people in both snapshots do not add up", where="demonstration")


def thinned(rng: np.random.Generator, leavers: Leavers) -> Leavers:
    """Return a part of the leavers: another borough's, of the same shape without the figures."""
    kept = np.sort(rng.permutation(len(leavers))[: int(len(leavers) * rng.uniform(0.75, 0.97))])

    def part(state: State) -> State:
        return State(*(getattr(state, name)[kept] for name in State.__dataclass_fields__))

    return Leavers(
        **{
            name: getattr(leavers, name)[kept]
            for name in Leavers.__dataclass_fields__
            if name not in ("states", "changes", "muddled_from", "muddled_to")
        },
        states=tuple(part(state) for state in leavers.states),
        changes=tuple(change[kept] for change in leavers.changes),
        muddled_from=np.full(len(kept), NEVER, dtype=np.int32),
        muddled_to=np.full(len(kept), NEVER, dtype=np.int32),
    )
