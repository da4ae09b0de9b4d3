"""What does not change from day to day: need, age, period of care, eligibility, motherhood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carepath.demonstration.evaluation_report import BASELINE, FOLLOW_UP, target
from carepath.demonstration.generator.leavers.codes import (
    BOTH,
    EXTENDED_DUTY,
    FIRST,
    FIRST_ONLY,
    LATER,
    NEED,
    NEED_MEASURES,
    NEVER_ELIGIBLE,
    NOT_RECORDED,
    SECOND,
    SECOND_ONLY,
    YEAR,
    Floats,
)
from carepath.demonstration.generator.leavers.deals import deal, split_needs
from carepath.demonstration.generator.rows import NEVER, Bools, Ints


def deal_needs(rng: np.random.Generator, group: Ints, uasc: Bools, both: int) -> Ints:
    """Deal out the categories of need: N8 first to those who came to the country alone."""
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
class Lives:
    born: Ints
    care_start: Ints
    care_end: Ints
    recorded: Ints
    eligible_from: Ints
    eligible_to: Ints
    returned: Bools


def make_lives(
    rng: np.random.Generator, group: Ints, uasc: Bools, need: Ints, horizon: int
) -> Lives:
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
    # the cohort ends at 25
    eligible_to = np.where(
        np.isin(group, [BOTH, SECOND_ONLY]),
        np.maximum(np.ceil(born + 25 * YEAR), SECOND + 9),
        eligible_to,
    )
    if horizon <= SECOND:
        raise ValueError("the horizon must lie after the second snapshot")
    return Lives(
        born=born.astype(np.int32),
        care_start=start.astype(np.int32),
        care_end=end.astype(np.int32),
        recorded=recorded.astype(np.int32),
        eligible_from=eligible_from.astype(np.int32),
        eligible_to=eligible_to.astype(np.int32),
        returned=returned,
    )


def deal_mothers(rng: np.random.Generator, group: Ints, female: Bools, life: Lives) -> Ints:
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
