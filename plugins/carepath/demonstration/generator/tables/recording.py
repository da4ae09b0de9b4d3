"""What one authority records, and what all tables have in common: late entries, untidy ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from carepath.demonstration.generator import care, casework, leavers, people, programmes
from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.care import expand
from carepath.demonstration.generator.dirt import DirtRates
from carepath.demonstration.generator.rows import (
    NEVER,
    Bools,
    Column,
    Ints,
    Rows,
    Words,
    coded,
    dates,
    day_number,
    numbered,
    refers,
    vocabulary,
)

FIRST_DAY: Final = day_number(date(2013, 7, 1))
HORIZON: Final = day_number(date(2019, 12, 31))
ALWAYS: Final = -NEVER
DAYS_PER_PLACEMENT: Final = 370.0
SGO_SPLIT: Final = day_number(date(2018, 4, 1))
CONTACT_CYCLE: Final = 56
PLAN_CYCLE: Final = 182
ADVISER_TENURE: Final = 430
PROMPT: Final = 20
PLACES_STREAM: Final = 1
FOUR_YEARS: Final = 1461  # days

Numbers = npt.NDArray[Any]
Columns = Mapping[str, Column]


@dataclass(frozen=True)
class Placements:
    """Placements as they were recorded, for what else is recorded of them.

    Attributes:
        recorded, finished: the days on which their start and their end were typed in.
        carer, pence: of those with a pathway carer, the carer and the cost of a week; else -1.
    """

    ids: Words
    kind: Numbers
    provider: Numbers
    start: Ints
    end: Ints
    recorded: Ints
    finished: Ints
    is_short_break: Bools
    is_programme: Bools
    carer: Numbers
    pence: Numbers


class Recording:
    """One authority: its people, staff and casework, and how tables record them."""

    placements: Placements

    def __init__(self, number: int, seed: int, dirt: DirtRates, size: int = people.PEOPLE) -> None:
        self.rng = rng = np.random.default_rng([seed, number])
        self.upn_of_person: npt.NDArray[Any] = np.array([], dtype=np.str_)  # filled with the people
        self.dirt = dirt
        self.is_report = number == 1
        size = people.PEOPLE if self.is_report else size
        self.share = size / people.PEOPLE  # of the events that a borough of the usual size has
        self.town = say.authority_name(number).removeprefix("London Borough of ")
        made = leavers.make(rng, dirt, HORIZON)
        self.leavers = made if self.is_report else leavers.thinned(rng, made)
        children = programmes.make(rng)
        self.programmes = children if self.is_report else programmes.thinned(rng, children)
        self.people = people.make(rng, self.leavers, self.programmes, FIRST_DAY, HORIZON, size)
        self.contacts, self.referrals = casework.make(
            rng, self.people, self.leavers, self.programmes, HORIZON, is_report=self.is_report
        )
        # a person is known from the first contact on
        np.minimum.at(self.people.known, self.contacts.person, self.contacts.day)
        self.periods = casework.periods(
            rng, self.people, self.leavers, self.programmes, self.referrals, FIRST_DAY, HORIZON,
            int(self.share * casework.SHORT_BREAK_CHILDREN),
        )  # fmt: skip
        self.episodes = care.make_episodes(rng, self.periods, DAYS_PER_PLACEMENT)
        self.referral_ids = numbered("R", 400_001, len(self.referrals))
        self.referral_recorded = self._typed(self.referrals.start, self.referrals.is_programme)
        self.programme_referral = np.flatnonzero(self.referrals.is_programme)
        self.period_ids = numbered("CLA", 70_001, len(self.periods))
        self.period_recorded = self._typed(self.periods.start, self.periods.is_programme)
        self.care_team = np.array(say.LEAVING_CARE_TEAMS)[np.arange(len(self.leavers)) % 2]
        self.first_adviser = rng.integers(0, people.ADVISERS_PER_TEAM, len(self.leavers))
        self.postcodes = vocabulary(say.postcodes())
        # a separate random stream, so that adding it did not change other rows
        self.rng_of_places = np.random.default_rng([seed, number, PLACES_STREAM])
        self.teams = numbered("T", 101, len(say.TEAMS))

    def _typed(self, days: Numbers, watched: Bools | None = None) -> Ints:
        """Return the days on which events of `days` are typed in: soon, some of them late.

        Those that are `watched`, because a programme reports on them, are late by
        `PROMPT` days at most.
        """
        n = len(days)
        soon = self.rng.geometric(0.55, n) - 1
        late = self.rng.integers(10, 70, n)
        delay = np.where(self.rng.random(n) < self.dirt.late_entry, late, soon)
        if watched is not None:
            delay = np.where(watched, np.minimum(delay, PROMPT - delay % 10), delay)
        return (days + delay).astype(np.int32)

    def _rows(
        self,
        table: str,
        columns: Columns,
        recorded: Numbers,
        *,
        key: str | None = None,
        row_id: str | None = None,
        may_vanish: bool = False,
    ) -> Rows:
        """Return a table's rows, some of them deleted after a while, some of those to return."""
        rows = Rows(table, columns, recorded.astype(np.int32), key=key, row_id=row_id)
        if may_vanish:
            n = len(recorded)
            chance = self.rng.random(n)
            gone = chance < self.dirt.deletion + self.dirt.reappearance
            back = chance < self.dirt.reappearance
            since = recorded + self.rng.integers(5, 400, n)
            rows.hidden_from = np.where(gone, since, NEVER).astype(np.int32)
            rows.hidden_to = np.where(back, since + 25, NEVER).astype(np.int32)
        return rows

    def _person(self, person: Numbers, *, untidy: bool = True) -> Column:
        """Return a column of person ids, some as an untidy hand types them."""
        hand = self.rng.random(len(person)) < (self.dirt.untidy_id if untidy else 0)
        return refers(person + np.where(hand, len(self.people), 0), self.people.ids)

    def _corrected(self, codes: Numbers, words: Sequence[str], recorded: Numbers) -> Column:
        """Return a coded column of which some entries are put right after a while."""
        n = len(codes)
        wrong = self.rng.random(n) < self.dirt.late_correction
        since = np.where(wrong, recorded + self.rng.integers(4, 90, n), ALWAYS)
        before = self.rng.integers(0, len(words), n)
        return Column(
            codes.astype(np.int32), vocabulary(words), since.astype(np.int32),
            before.astype(np.int32),
        )  # fmt: skip

    def _flag(self, n: int, share: float, recorded: Numbers | None = None) -> Column:
        codes = (self.rng.random(n) >= share).astype(np.int32)
        return coded(codes, ("Y", "N")) if recorded is None else self._corrected(
            codes, ("Y", "N"), recorded
        )  # fmt: skip

    def _seen_alone(self, seen: Column) -> Column:
        """Return whether children were seen alone: never one who was at any time not seen."""
        alone = self._flag(len(np.asarray(seen.codes)), 0.7)
        unseen = np.maximum(np.asarray(seen.codes), np.asarray(seen.before))
        return replace(alone, codes=np.maximum(np.asarray(alone.codes), unseen))

    def _took_part(self, person: Numbers, held: Numbers) -> Column:
        """Return how children took part in reviews: PN0 for those under 4, and only for them."""
        codes = np.asarray(self._pick(len(held), say.PARTICIPATION).codes)
        is_young = held - self.people.born[person] < FOUR_YEARS
        return coded(np.where(is_young, 0, np.maximum(codes, 1)), say.PARTICIPATION)

    def _pick(self, n: int, words: Sequence[str], shares: Sequence[float] | None = None) -> Column:
        weight = None if shares is None else np.array(shares) / sum(shares)
        return coded(self.rng.choice(len(words), n, p=weight), words)

    def _worker(self, team: Numbers) -> Column:
        """Return a column of workers of the teams."""
        within = self.rng.integers(0, people.WORKERS_PER_TEAM, len(team))
        return refers(team * people.WORKERS_PER_TEAM + within, self.people.workers)

    def _team(self, codes: Numbers) -> Column:
        return refers(codes, self.teams)

    def _ended(self, days: Numbers, watched: Bools | None = None) -> Column:
        """Return a column of end dates, which show once they are typed in."""
        return dates(days, since=self._typed(np.minimum(days, NEVER), watched))

    def _visits(
        self,
        table: str,
        prefix: str,
        person_column: str,
        person: Numbers,
        start: Numbers,
        end: Numbers,
        every: float,
        *,
        bedroom: bool,
        extra: Callable[[Ints], Columns] | None = None,
    ) -> Rows:
        """Return visits about every so many days between `start` and `end`."""
        rng = self.rng
        until = np.minimum(end, HORIZON)
        counts = np.maximum((until - start) / every, 0).astype(np.int32)
        index, number = expand(counts)
        n = len(index)
        day = (start[index] + every * (number + rng.random(n))).astype(np.int32)
        recorded = self._typed(day)
        child = self._person(person[index])
        seen = self._flag(n, 0.93, recorded)
        columns = {
            f"{prefix}_id": refers(np.arange(n), numbered(f"{prefix[:4].upper()}", 1, n)),
            person_column: child,
            f"{prefix}_date": dates(day),
            f"{prefix}_seen": seen,
            f"{prefix}_seen_alone": self._seen_alone(seen),
            **({f"{prefix}_bedroom": self._flag(n, 0.6)} if bedroom else {}),
            **(extra(index) if extra else {}),
        }
        return self._rows(table, columns, recorded, key=f"{prefix}_id", may_vanish=True)

    def _adviser(self, leaver: Numbers, term: Numbers) -> Numbers:
        """Return the worker who is a leaver's personal adviser in a term of office."""
        within = (self.first_adviser[leaver] + term) % people.ADVISERS_PER_TEAM
        return np.asarray(self.care_team[leaver] * people.WORKERS_PER_TEAM + within)
