"""The care leavers, made so that the evaluation report's distributions come out of their records.

Three groups carry the report's two snapshots: those in both, those in the first only and those
in the second only. Attributes that do not change (sex, ethnicity, need, asylum) are split over
the groups first; then each snapshot's states are dealt out. Every deal takes exactly the number
asked for from a pool that is large enough, so that all marginals hold jointly; `check` counts
them again. Two more groups surround them: those who come of age later and those with no current
eligibility throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from carepath.demonstration.evaluation_report import BASELINE, FOLLOW_UP, report_figures, target
from carepath.demonstration.generator.dirt import DirtRates
from carepath.demonstration.generator.leavers.codes import (
    ACTIVITY,
    EET,
    ELIGIBLE,
    FIRST,
    FORMER_RELEVANT,
    LATER_COUNT,
    LETTER,
    NEED_MEASURES,
    NEET,
    NEVER_ELIGIBLE_COUNT,
    NONE,
    QUALIFYING,
    RELEVANT,
    SECOND,
    SECOND_ONLY,
    YEAR,
    Floats,
)
from carepath.demonstration.generator.leavers.deals import deal, split
from carepath.demonstration.generator.leavers.lives import deal_mothers, deal_needs, make_lives
from carepath.demonstration.generator.leavers.states import State, choose_muddled, make_states
from carepath.demonstration.generator.rows import NEVER, Bools, Ints
from carepath.errors import SourceError


@dataclass
class Leavers:
    """The care leavers of one authority; every array has one entry per person.

    Attributes:
        states: what is recorded, one after the other; on day `changes[k]`, state k + 1 replaces
            state k.
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
        """Return which leavers have contradictory EET status and activity for a while."""
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


def make(rng: np.random.Generator, dirt: DirtRates, horizon: int) -> Leavers:
    """Make the care leavers with records that give the figures of the report's two dates."""
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

    need = deal_needs(rng, group, uasc, both)
    life = make_lives(rng, group, uasc, need, horizon)
    mother_from = deal_mothers(rng, group, female, life)
    states, changes = make_states(rng, group, uasc, need, life, mother_from, dirt, horizon)
    muddled_from, muddled_to = choose_muddled(rng, group, states[2], dirt)
    leavers = Leavers(
        group, female, uasc, white_british, need, life.born, life.care_start, life.care_end,
        life.recorded, life.eligible_from, life.eligible_to, mother_from, states, changes,
        muddled_from, muddled_to,
    )  # fmt: skip
    check(leavers)
    return leavers


def _females(snapshot: date) -> int:
    """Return the denominator of the evaluation report's table 14."""
    (count,) = (
        each.denominator
        for each in report_figures()
        if (each.table, each.snapshot) == ("T14", snapshot)
    )
    return count or 0


def check(leavers: Leavers) -> None:
    """Count the evaluation report's figures again.

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
                    todo="correct demonstration/generator/leavers/.",
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
