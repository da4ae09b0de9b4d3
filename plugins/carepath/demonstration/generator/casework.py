"""Referrals and the spells that follow from them, one entry per referral."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.care import SHORT_BREAK_PATH, Periods, expand
from carepath.demonstration.generator.leavers import Leavers
from carepath.demonstration.generator.leavers.codes import NEED, NOT_RECORDED, YEAR
from carepath.demonstration.generator.people import People
from carepath.demonstration.generator.programmes import Programmes
from carepath.demonstration.generator.rows import NEVER, Bools, Ints, day_number
from carepath.errors import SourceError

# looked-after children whom the evaluation report counts in its own borough
LOOKED_AFTER: Final = {date(2014, 3, 31): 206, date(2018, 3, 31): 250}
SHORT_BREAK_CHILDREN: Final = 45
# of the children who leave care, those who come back within twelve months
RETURN_SHARE: Final = 0.1


@dataclass
class Contacts:
    """Contacts, ordered by person and day; `referral` is the referral it led to or -1."""

    person: Ints
    day: Ints
    outcome: Ints
    referral: Ints


@dataclass
class Referrals:
    """Referrals and what each led to; a day of NEVER means that it did not.

    The referrals of the programmes' children come last, one for each in their order. Days may lie
    after the last day of the demonstration.
    """

    person: Ints
    start: Ints
    close: Ints
    is_nfa: Bools
    need: Ints
    source: Ints
    is_leaver: Bools
    is_programme: Bools
    enquiry: Ints
    conference: Ints
    protection_start: Ints
    protection_end: Ints
    care_start: Ints
    care_end: Ints

    def __len__(self) -> int:
        return len(self.person)

    def take(self, rows: Ints | Bools) -> Referrals:
        """Return some of the referrals."""
        return Referrals(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def joined(self, other: Referrals) -> Referrals:
        """Return these referrals followed by others."""
        return Referrals(
            *(
                np.concatenate((getattr(self, name), getattr(other, name)))
                for name in self.__dataclass_fields__
            )
        )


def make(
    rng: np.random.Generator,
    people: People,
    leavers: Leavers,
    programmes: Programmes,
    horizon: int,
    *,
    is_report: bool,
) -> tuple[Contacts, Referrals]:
    """Make all contacts and referrals; in the report's borough 250 children are looked after
    on 31 March 2018 and 206 on 31 March 2014, as its text says."""
    person, day = _contact_days(rng, people, horizon)
    ordinary, contact = _ordinary(rng, people, person, day)
    given = (
        _returns(rng, people, ordinary, horizon)
        .joined(_of_leavers(rng, leavers))
        .joined(_of_programmes(rng, people, programmes))
    )
    if is_report:
        _trim_care(rng, ordinary, given)
    referrals = ordinary.joined(given)

    referral = np.full(len(day), -1, dtype=np.int32)
    referral[contact] = np.arange(len(contact))
    n = len(given)
    before = given.start - rng.integers(0, 3, n)
    person = np.concatenate((person, given.person))
    day = np.concatenate((day, before)).astype(np.int32)
    referral = np.concatenate((referral, len(ordinary) + np.arange(n))).astype(np.int32)
    outcome = np.where(referral >= 0, 0, rng.choice([1, 2, 3], len(day), p=[0.35, 0.4, 0.25]))
    return Contacts(person, day, outcome.astype(np.int32), referral), referrals


def _contact_days(rng: np.random.Generator, people: People, horizon: int) -> tuple[Ints, Ints]:
    others = people.others
    years = (horizon - people.known[others]) / YEAR
    index, number = expand((1 + rng.poisson(0.44 * years)).astype(np.int32))
    person = others[index]
    first = people.known[person]
    day = np.where(number == 0, first, first + 1 + rng.random(len(first)) * (horizon - first))
    kept = (number == 0) | (day < people.born[person] + 18 * YEAR)
    person, day = person[kept], day[kept].astype(np.int32)
    order = np.lexsort((day, person))
    return person[order], day[order]


def _ordinary(
    rng: np.random.Generator, people: People, contact_person: Ints, contact_day: Ints
) -> tuple[Referrals, Ints]:
    """Return everybody else's referrals, and the contact that each came from."""
    first_day = int(contact_day.min())
    contact = np.flatnonzero(rng.random(len(contact_day)) < 0.70).astype(np.int32)
    person = contact_person[contact]
    n = len(person)
    start = contact_day[contact] + rng.integers(0, 2, n)
    is_nfa = rng.random(n) < 0.13
    need = rng.choice(len(say.NEEDS), n, p=np.array(say.NEED_SHARES) / sum(say.NEED_SHARES))
    close = start + np.where(is_nfa, rng.integers(1, 12, n), 45 + rng.gamma(1.3, 95, n))

    enquiry = np.where(~is_nfa & (rng.random(n) < 0.11), start + rng.integers(1, 22, n), NEVER)
    is_conference = (enquiry < NEVER) & (rng.random(n) < 0.78)
    conference = np.where(is_conference, enquiry + rng.integers(11, 26, n), NEVER)
    is_plan = is_conference & (rng.random(n) < 0.88)
    protection_start = np.where(is_plan, conference, NEVER)
    protection_end = np.where(is_plan, conference + 60 + rng.gamma(2.0, 85, n), NEVER)

    age = (start - people.born[person]) / YEAR
    # more at first, to include children who were looked after before the history begins
    rate = np.where(start < first_day + 270, 0.085, 0.036)
    is_care = ~is_nfa & (age < 14.6) & (rng.random(n) < rate)
    care_start = start + rng.integers(5, 160, n)
    length = np.maximum(np.exp(rng.normal(5.1, 1.1, n)), 9)
    # only the leavers are still looked after at 16
    sixteen = people.born[person] + np.floor(15.93 * YEAR)
    care_end = np.minimum(care_start + length, sixteen)
    is_care &= care_end > care_start + 7
    close = np.maximum(close, np.where(is_plan, protection_end + 40, 0))
    close = np.maximum(close, np.where(is_care, care_end + 45, 0))

    whole = Referrals(
        person=person,
        start=start.astype(np.int32),
        close=close.astype(np.int32),
        is_nfa=is_nfa,
        need=need.astype(np.int32),
        source=rng.integers(0, len(say.SOURCE_CODES), n).astype(np.int32),
        is_leaver=np.zeros(n, dtype=np.bool_),
        is_programme=np.zeros(n, dtype=np.bool_),
        enquiry=enquiry.astype(np.int32),
        conference=conference.astype(np.int32),
        protection_start=protection_start.astype(np.int32),
        protection_end=protection_end.astype(np.int32),
        care_start=np.where(is_care, care_start, NEVER).astype(np.int32),
        care_end=np.where(is_care, care_end, NEVER).astype(np.int32),
    )
    # a contact while a case is open does not lead to a new referral
    new = np.append(True, np.diff(person) != 0)
    offset = np.cumsum(new).astype(np.int64) << 32
    latest = np.maximum.accumulate(whole.close + offset)
    kept = new | (whole.start + offset > np.append(0, latest[:-1]))
    return whole.take(kept), contact[kept]


def _returns(
    rng: np.random.Generator, people: People, ordinary: Referrals, horizon: int
) -> Referrals:
    """Return the referrals that led children back into care within a year of leaving it.

    Only of children who have no other referral before they leave care again.
    """
    n = len(ordinary)
    follows = np.append(ordinary.person[1:] == ordinary.person[:-1], False)
    following = np.where(follows, np.append(ordinary.start[1:], NEVER), NEVER)
    start = ordinary.close + rng.integers(5, 150, n)
    care_start = start + rng.integers(2, 40, n)
    sixteen = people.born[ordinary.person] + np.floor(15.93 * YEAR)
    care_end = np.minimum(care_start + rng.integers(60, 500, n), sixteen).astype(np.int32)
    close = care_end + 45
    comes_back = (ordinary.care_end < NEVER) & (care_start < ordinary.care_end + YEAR)
    comes_back &= (care_end > care_start + 7) & (close < following) & (start <= horizon)
    wanted = RETURN_SHARE * (ordinary.care_end < NEVER).sum()
    chosen = comes_back & (rng.random(n) < wanted / comes_back.sum())
    never = np.full(n, NEVER, dtype=np.int32)
    return Referrals(
        person=ordinary.person,
        start=start.astype(np.int32),
        close=close.astype(np.int32),
        is_nfa=np.zeros(n, dtype=np.bool_),
        need=ordinary.need,
        source=rng.integers(0, len(say.SOURCE_CODES), n).astype(np.int32),
        is_leaver=np.zeros(n, dtype=np.bool_),
        is_programme=np.zeros(n, dtype=np.bool_),
        enquiry=never,
        conference=never,
        protection_start=never,
        protection_end=never,
        care_start=care_start.astype(np.int32),
        care_end=care_end,
    ).take(chosen)


def _of_leavers(rng: np.random.Generator, leavers: Leavers) -> Referrals:
    """Return the referrals that led the leavers into care, and some before them."""
    n = len(leavers)
    # leavers with need N9, or without a recorded need, left care before the system's history begins
    has_care = (leavers.need != NEED["N9"]) & (leavers.need != NOT_RECORDED)
    unstated = (leavers.need == NOT_RECORDED) & (np.cumsum(leavers.need == NOT_RECORDED) > 1)
    person = np.arange(n, dtype=np.int32)
    start = leavers.care_start - rng.integers(3, 60, n)
    close = leavers.care_end + rng.integers(10, 90, n)
    need = np.where(leavers.need == NOT_RECORDED, NEED["N0"], leavers.need)
    never = np.full(n, NEVER, dtype=np.int32)

    def referrals(rows: Bools, start: Ints, close: Ints, need: Ints, *, care: bool) -> Referrals:
        return Referrals(
            person=person,
            start=start,
            close=close,
            is_nfa=np.full(n, not care),
            need=need.astype(np.int32),
            source=rng.integers(0, len(say.SOURCE_CODES), n).astype(np.int32),
            is_leaver=np.ones(n, dtype=np.bool_),
            is_programme=np.zeros(n, dtype=np.bool_),
            enquiry=never,
            conference=never,
            protection_start=never,
            protection_end=never,
            care_start=np.where(has_care, leavers.care_start, NEVER) if care else never,
            care_end=np.where(has_care, leavers.care_end, NEVER) if care else never,
        ).take(rows)

    earlier = start - rng.integers(300, 1400, n)
    told_before = has_care & ~leavers.uasc & (rng.random(n) < 0.35)
    told_before &= earlier > leavers.born + 100
    some_need = rng.choice([NEED["N1"], NEED["N4"], NEED["N5"]], n)
    return referrals(
        told_before, earlier, earlier + rng.integers(2, 12, n), some_need, care=False
    ).joined(referrals(has_care | (leavers.need == NEED["N9"]) | unstated, start, close, need,
                       care=True))  # fmt: skip


def _of_programmes(rng: np.random.Generator, people: People, programmes: Programmes) -> Referrals:
    """Return the referral of each child of a programme."""
    n = len(programmes)
    return Referrals(
        person=people.programme,
        start=programmes.referral,
        close=programmes.close,
        is_nfa=np.zeros(n, dtype=np.bool_),
        need=programmes.need,
        source=rng.integers(0, len(say.SOURCE_CODES), n).astype(np.int32),
        is_leaver=np.zeros(n, dtype=np.bool_),
        is_programme=np.ones(n, dtype=np.bool_),
        enquiry=programmes.enquiry,
        conference=programmes.conference,
        protection_start=programmes.conference,
        protection_end=programmes.protection_end,
        care_start=programmes.care_start,
        care_end=programmes.care_end,
    )


def _trim_care(rng: np.random.Generator, ordinary: Referrals, given: Referrals) -> None:
    """Take children out of care until as many are looked after as the evaluation report says."""
    days = {day_number(day): count for day, count in LOOKED_AFTER.items()}

    def inside(of: Referrals, day: int) -> Bools:
        there: Bools = (of.care_start <= day) & (day < of.care_end)
        return there

    for day, count in days.items():
        others = [other for other in days if other != day]
        surplus = int(inside(ordinary, day).sum() + inside(given, day).sum()) - count
        if surplus < 0:
            raise SourceError(
                f"The demonstration lacks {-surplus} of {count} looked-after children.",
                where="demonstration",
                todo="raise the rate of entries to care in demonstration/generator/casework.py.",
            )
        movable = inside(ordinary, day)
        for other in others:
            movable &= ~inside(ordinary, other)
        chosen = rng.permutation(np.flatnonzero(movable))[:surplus]
        ordinary.care_start[chosen] = ordinary.care_end[chosen] = NEVER


def periods(
    rng: np.random.Generator,
    people: People,
    leavers: Leavers,
    programmes: Programmes,
    referrals: Referrals,
    first: int,
    horizon: int,
    short_break_children: int,
) -> Periods:
    """Return all periods of care: those that referrals led to, and series of short breaks."""
    led = np.flatnonzero(referrals.care_start <= horizon).astype(np.int32)
    person = referrals.person[led]
    path = rng.choice([0, 1, 2, 3], len(led), p=[0.4, 0.3, 0.25, 0.05])
    is_leaver = referrals.is_leaver[led]
    uasc = is_leaver & leavers.uasc[np.minimum(person, len(leavers) - 1)]
    is_programme = referrals.is_programme[led]
    path = np.where(uasc, 0, np.where((is_leaver | is_programme) & (path == 3), 1, path))
    # the placements of the programmes' children follow one another as laid down
    period_of = np.full(len(programmes), -1, dtype=np.int32)
    period_of[programmes.care_start <= horizon] = np.flatnonzero(is_programme)
    stays = programmes.stays
    moves = np.flatnonzero(np.append(False, np.diff(stays.child) == 0))

    young = people.others[people.born[people.others] > first - 4 * YEAR]
    disabled = rng.choice(young, short_break_children, replace=False)
    begin = np.maximum(people.known[disabled], people.born[disabled] + 3 * YEAR) + 60
    index, number = expand(rng.integers(10, 46, len(disabled)).astype(np.int32))
    start = begin[index] + 28 * number + rng.integers(0, 9, len(index))
    index, start = index[start <= horizon], start[start <= horizon]
    n = len(index)
    return Periods(
        person=np.concatenate((person, disabled[index])).astype(np.int32),
        referral=np.concatenate((led, np.full(n, -1))).astype(np.int32),
        start=np.concatenate((referrals.care_start[led], start)).astype(np.int32),
        end=np.concatenate((referrals.care_end[led], start + rng.integers(1, 4, n))).astype(
            np.int32
        ),
        need=np.concatenate((referrals.need[led], np.full(n, NEED["N2"]))).astype(np.int32),
        path=np.concatenate((path, np.full(n, SHORT_BREAK_PATH))).astype(np.int32),
        is_short_break=np.concatenate((np.zeros(len(led)), np.ones(n))).astype(np.bool_),
        is_programme=np.concatenate((is_programme, np.zeros(n, dtype=np.bool_))),
        move_period=period_of[stays.child[moves]],
        move_day=stays.start[moves],
    )
