"""How workers practise, as an evaluation observed it and asked people about it, in two phases.

The evaluation saw meetings from April to September 2018 (early) and 2019 (post), in three services
(its table 9). The figures that it prints come from these rows: the scores of its table 2, its
working-alliance inventories and goals (appendix 7), plans reported and services used (its text).

The report codes 43 observations on five skills. Its table 2 is impossible if each
observation has a score of each skill. It is possible if empathy was not coded in eight of them and
clarity of issues not in three others, and the total is that of observations with every skill:

- empathy: 20 whole scores cannot have a mean of 2.38, nor 23 a mean of 2.36. 31 in 13 and 52 in 22
  give both, 2.37 over all and 0.73 (38 in 16 would give the means, but not 0.73);
- clarity of issues: 51 in 20 and 54 in 20 (or 62 in 23: then the total's 2.60 is out of reach);
- total: 168 in 13 and 247 in 19 observations of five scores each: 2.58, 2.60, 2.59 and 0.70.

One figure stays out of reach: no 43 whole scores with purposefulness's means have a standard
deviation of 0.58. These have 0.59 (0.58 if divided by 43 instead of 42).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from carepath.demonstration.generator import people, programmes
from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.care import expand
from carepath.demonstration.generator.leavers import codes
from carepath.demonstration.generator.leavers.codes import YEAR
from carepath.demonstration.generator.rows import (
    Bools,
    Ints,
    Rows,
    coded,
    dates,
    day_number,
    numbered,
    refers,
)
from carepath.demonstration.generator.tables.recording import ADVISER_TENURE, Numbers, Recording

EARLY, POST = 0, 1
PHASES: Final = ("Early implementation", "Post-implementation")
FIRST_DAYS: Final = tuple(day_number(date(year, 4, 3)) for year in (2018, 2019))
LAST_DAYS: Final = tuple(day_number(date(year, 9, 20)) for year in (2018, 2019))
EAGERNESS: Final = (1.1, 3.5)
RECORDED_WITHIN: Final = 6

LEAVING_CARE, IN_NEED, EDGE_OF_CARE = range(3)
# the children of a cohort are with the team for some weeks before they are met
SETTLED: Final = 45
AGES: Final = (11, 17)

# the report's table 9, by phase and service. Its 51 first interviews are of 50 people; what it
# says of plans and goals it says of all 55 who took part, so here all 55 are interviewed once
GROUPS: Final = tuple((phase, service) for phase in (EARLY, POST) for service in range(3))
INTERVIEWED: Final = (13, 10, 2, 18, 9, 3)
QUESTIONED: Final = (4, 8, 2, 11, 3, 3)

SKILLS: Final = (
    "Collaboration", "Empathy", "Purposefulness", "Clarity of issues", "Child focus",
)  # fmt: skip
# one word per coded observation, in the order of SKILLS; "-" is not coded. The figures that they
# carry are above; the services' sizes are those of table 9, and the edge of care scores highest
SCORES: Final[Mapping[tuple[int, int], tuple[str, ...]]] = {
    (EARLY, LEAVING_CARE): (
        "11322", "2-332", "22222", "22322", "3-323", "3-332", "3-335", "3-422", "33432", "4-432",
    ),
    (EARLY, IN_NEED): (
        "11222", "12322", "2-432", "22322", "34323", "43322", "43333", "44444",
    ),
    (EARLY, EDGE_OF_CARE): ("32233", "42334"),
    (POST, LEAVING_CARE): (
        "22212", "22221", "22311", "22312", "22321", "22322", "22332", "22333", "23333", "32333",
        "32343", "333-3", "333-4",
    ),
    (POST, IN_NEED): ("22311", "22322", "22333", "3-343", "32343", "32432", "534-3"),
    (POST, EDGE_OF_CARE): ("43445", "44443", "53444"),
}  # fmt: skip

WITH_PLAN: Final = 30
# of young people and families (55) and of workers (31): goal, task and bond
ALLIANCE: Final = {"Y": (5.73, 5.82, 6.08), "W": (5.52, 5.40, 6.10)}
ALLIANCE_SPREAD: Final = 0.7
GOALS: Final = (
    "Education and employment", "Success and happiness", "Housing and independence",
    "Improved family relationships", "Independent living skills", "Reunification with children",
    "Residency and safety", "Emotional wellbeing and mental health", "Other",
)  # fmt: skip
WELLBEING: Final = GOALS.index("Emotional wellbeing and mental health")
# 31 of 55 is 56 %; no other goal has more than 11 %; wellbeing is named by workers only
GOAL_COUNTS: Final = (31, 6, 5, 4, 3, 2, 2, 0, 2)
BOTH_SIDES, AGREEING, OF_WELLBEING = 22, 15, 4
SERVICES: Final = (
    "Social care", "Housing", "Health", "Mental health", "Education", "Employment support",
    "Welfare benefits advice", "Youth justice or probation", "Substance misuse",
    "Voluntary organisation", "Immigration advice",
)  # fmt: skip
# how many care leavers use one service, two, ...: means of 2 (range 1 to 4) and 3 (1 to 7)
USERS: Final = ((5, 5, 1, 2), (4, 4, 4, 3, 1, 1, 1))
# in another authority so many of the evaluation report's observations, interviews and so on
ELSEWHERE: Final = 0.4


@dataclass(frozen=True)
class Meetings:
    """Those who took part, one entry per person, group after group of `GROUPS`.

    Attributes:
        number: position within the group.
        day: the day of the meeting, the interview and the inventory.
        team, worker: who works with the person then.
    """

    phase: Ints
    service: Ints
    number: Ints
    person: Ints
    day: Ints
    team: Ints
    worker: Ints

    def __len__(self) -> int:
        return len(self.person)

    def first(self, counts: tuple[int, ...]) -> Bools:
        """Choose the first so many of each group."""
        wanted = np.array(counts)[self.phase * 3 + self.service]
        return np.asarray(self.number < wanted)


def alliance_scores(rng: np.random.Generator, count: int, mean: float) -> Ints:
    """Return `count` scores from 1 to 7, in tenths, with a mean as close to `mean` as possible."""
    scores = np.clip(rng.normal(10 * mean, 10 * ALLIANCE_SPREAD, count).round(), 10, 70)
    short = round(10 * mean * count) - int(scores.sum())
    while short:
        step = 1 if short > 0 else -1
        movable = np.flatnonzero((scores + step >= 10) & (scores + step <= 70))
        chosen = rng.permutation(movable)[: abs(short)]
        scores[chosen] += step
        short -= step * len(chosen)
    return scores.astype(np.int32)


class PracticeTables(Recording):
    """Tables about how workers practise."""

    def _practice(self) -> Iterator[Rows]:
        met = self._meetings()
        is_kept = self.rng.random(len(met)) < (1 if self.is_report else ELSEWHERE)
        yield self._observations(met, is_kept)
        yield self._inventories(met, is_kept)
        yield self._goals(met, is_kept)
        yield from self._interviews(met, is_kept)

    def _meetings(self) -> Meetings:
        """Return the people that the evaluation met, each of them once, and when."""
        rng, young = self.rng, self.leavers
        group, number = expand(np.array(INTERVIEWED, dtype=np.int32))
        phase, service = np.array(GROUPS, dtype=np.int32)[group].T
        first = np.array(FIRST_DAYS)[phase] + np.where(service == EDGE_OF_CARE, SETTLED, 0)
        # most at once, because gate 2 holds a night if the sample grew by a third since the last
        length = np.array(LAST_DAYS)[phase] + 1 - first
        day = first + (rng.beta(*EAGERNESS, len(group)) * length).astype(np.int32)
        pools = (self._leavers_in_touch, self._children_in_need, self._on_edge_of_care)
        person = np.full(len(group), -1, dtype=np.int32)
        for position, pool in enumerate(pools[each] for each in service):
            person[position] = rng.choice(np.setdiff1d(pool(day[position]), person))

        leaves = service == LEAVING_CARE
        leaver = np.where(leaves, person, 0)
        team = np.select(
            [leaves, service == IN_NEED],
            [self.care_team[leaver], rng.choice(say.COURT_TEAMS, len(group))],
            say.FAMILIES_TOGETHER_TEAM,
        )
        term = (day - young.recorded[leaver]) // ADVISER_TENURE
        within = rng.integers(0, people.WORKERS_PER_TEAM, len(group))
        worker = np.where(
            leaves, self._adviser(leaver, term), team * people.WORKERS_PER_TEAM + within
        )
        return Meetings(phase, service, number, person, day, team, worker)

    def _leavers_in_touch(self, day: int) -> Ints:
        young = self.leavers
        current = (young.eligibility(day) != codes.NONE) & young.now("is_open", day)
        in_touch = young.now("in_touch", day) == codes.YES
        return np.flatnonzero(current & in_touch).astype(np.int32)

    def _children_in_need(self, day: int) -> Ints:
        open_ones = (self.referrals.start < day) & (day < self.referrals.close)
        open_ones &= ~self.referrals.is_nfa & ~self.referrals.is_leaver
        open_ones &= ~self.referrals.is_programme
        person = self.referrals.person[open_ones]
        age = (day - self.people.born[person]) // YEAR
        return np.unique(person[(age >= AGES[0]) & (age <= AGES[1])])

    def _on_edge_of_care(self, day: int) -> Ints:
        made = self.programmes
        there = (made.programme == programmes.FTT) & (made.start <= day) & (day < made.end)
        children: Ints = self.people.programme[there]
        return children

    def _soon(self, day: Numbers) -> Ints:
        """Return the days on which the evaluation's records are typed in: none of them late."""
        return (day + self.rng.integers(0, RECORDED_WITHIN, len(day))).astype(np.int32)

    def _observations(self, met: Meetings, is_kept: Bools) -> Rows:
        rng = self.rng
        is_observed = met.first(tuple(len(SCORES[group]) for group in GROUPS))
        words = [word for group in GROUPS for word in rng.permutation(SCORES[group])]
        scores = np.array([[int(each) for each in word.replace("-", "0")] for word in words])
        scores, meeting = scores[is_kept[is_observed]], np.flatnonzero(is_observed & is_kept)
        observation, skill = np.nonzero(scores)
        of = meeting[observation]
        return self._rows("local_practice_observations", {
            "lpob_observation_id": refers(observation, numbered("OBS", 1, len(scores))),
            "lpob_skill": coded(skill, SKILLS),
            "lpob_score": coded(scores[observation, skill], tuple("012345")),
            "lpob_observed_date": dates(met.day[of]),
            "lpob_phase": coded(met.phase[of], PHASES),
            "lpob_person_id": self._person(met.person[of]),
            "lpob_worker_id": refers(met.worker[of], self.people.workers),
            "lpob_team_id": self._team(met.team[of]),
        }, self._soon(met.day[meeting])[observation])  # fmt: skip

    def _inventories(self, met: Meetings, is_kept: Bools) -> Rows:
        """Return the inventories of the young people and families, then those of the workers."""
        rng = self.rng
        sides = (np.flatnonzero(is_kept), np.flatnonzero(met.first(QUESTIONED) & is_kept))
        of = np.concatenate(sides)
        is_worker = np.repeat((0, 1), [len(side) for side in sides])
        # a worker returns the questionnaire within days
        day = met.day[of] + is_worker * rng.integers(0, RECORDED_WITHIN, len(of))
        means = zip(ALLIANCE["Y"], ALLIANCE["W"], strict=True)
        apart = 0 if self.is_report else rng.normal(0, 0.2)
        goal, task, bond = (
            np.concatenate([
                alliance_scores(rng, len(side), mean + apart)
                for side, mean in zip(sides, each, strict=True)
            ])
            for each in means
        )  # fmt: skip
        respondent = np.where(is_worker, 2, (met.service[of] == EDGE_OF_CARE).astype(np.int32))
        tenths = tuple(f"{tenth / 10:.1f}" for tenth in range(71))
        return self._rows("local_alliance_inventories", {
            "lwai_person_id": self._person(met.person[of]),
            "lwai_respondent": coded(respondent, ("Young person", "Family", "Worker")),
            "lwai_completed_date": dates(day),
            "lwai_goal_score": coded(goal, tenths),
            "lwai_task_score": coded(task, tenths),
            "lwai_bond_score": coded(bond, tenths),
            "lwai_worker_id": refers(met.worker[of], self.people.workers),
        }, self._soon(day))  # fmt: skip

    def _goals(self, met: Meetings, is_kept: Bools) -> Rows:
        """Return each young person's goal, and the worker's where the worker was asked too."""
        rng = self.rng
        named = rng.permutation(np.repeat(np.arange(len(GOALS)), GOAL_COUNTS))
        asked = rng.permutation(np.flatnonzero(met.first(QUESTIONED)))[:BOTH_SIDES]
        # the next goal of the list, but no young person names wellbeing
        meant = np.where(named[asked] == len(GOALS) - 1, 0, (named[asked] + 1) % WELLBEING)
        meant[:AGREEING] = named[asked[:AGREEING]]
        meant[AGREEING : AGREEING + OF_WELLBEING] = WELLBEING
        kept = np.flatnonzero(is_kept)
        of = np.concatenate((kept, asked[is_kept[asked]]))
        theme = np.concatenate((named[kept], meant[is_kept[asked]]))
        is_worker = (np.arange(len(of)) >= len(kept)).astype(np.int32)
        return self._rows("local_goals", {
            "lgoa_person_id": self._person(met.person[of]),
            "lgoa_respondent": coded(is_worker, ("Young person or family", "Worker")),
            "lgoa_recorded_date": dates(met.day[of]),
            "lgoa_theme": coded(theme, GOALS),
            "lgoa_is_achieved": self._flag(len(of), 0.2),
        }, self._soon(met.day[of]))  # fmt: skip

    def _interviews(self, met: Meetings, is_kept: Bools) -> Iterator[Rows]:
        rng = self.rng
        has_plan = rng.permutation(np.arange(len(met)) < WITH_PLAN)
        of = np.flatnonzero(is_kept)
        recorded = self._soon(met.day[of])
        leaves = met.service == LEAVING_CARE
        yield self._rows("local_interviews", {
            "lint_person_id": self._person(met.person[of]),
            "lint_interview_date": dates(met.day[of]),
            "lint_phase": coded(met.phase[of], PHASES),
            "lint_team_id": self._team(met.team[of]),
            "lint_is_care_leaver": coded(leaves[of], ("N", "Y")),
            "lint_has_plan": coded(has_plan[of], ("N", "Y")),
            # who has no plan is not asked; all others feel involved
            "lint_is_involved_in_plan": coded(np.where(has_plan[of], 0, -1), ("Y",)),
        }, recorded)  # fmt: skip

        used = rng.integers(1, 4, len(met)).astype(np.int32)
        for phase, users in enumerate(USERS):
            used[leaves & (met.phase == phase)] = rng.permutation(
                np.repeat(np.arange(1, len(users) + 1), users)
            )
        # everybody names social care first
        others = rng.permuted(np.tile(np.arange(1, len(SERVICES)), (len(met), 1)), axis=1)
        interview, number = expand(used[of])
        service = np.where(number == 0, 0, others[of[interview], number - 1])
        yield self._rows("local_services_used", {
            "lsvu_person_id": self._person(met.person[of][interview]),
            "lsvu_interview_date": dates(met.day[of][interview]),
            "lsvu_service": coded(service, SERVICES),
        }, recorded[interview])  # fmt: skip
