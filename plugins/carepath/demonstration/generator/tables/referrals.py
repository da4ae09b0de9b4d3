"""Contacts, referrals, assessments, child in need plans, involvements, case status."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from carepath.demonstration.generator import people
from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.care import expand
from carepath.demonstration.generator.leavers.codes import NEED
from carepath.demonstration.generator.programmes import FTT
from carepath.demonstration.generator.rows import (
    NEVER,
    Column,
    Ints,
    Rows,
    coded,
    dates,
    numbered,
    refers,
    vocabulary,
)
from carepath.demonstration.generator.tables.recording import (
    ADVISER_TENURE,
    ALWAYS,
    HORIZON,
    Numbers,
    Recording,
)


class ReferralTables(Recording):
    """Tables about referrals and what follows from them."""

    def _referrals(self) -> Iterator[Rows]:
        rng, cases = self.rng, self.referrals
        calls = self.contacts
        n = len(calls.person)
        source = np.where(
            calls.referral >= 0,
            cases.source[np.maximum(calls.referral, 0)],
            rng.integers(0, len(say.SOURCES), n),
        )
        recorded = self._typed(calls.day)
        yield self._rows("ssd_contacts", {
            "cont_contact_id": refers(np.arange(n), numbered("C", 600_001, n)),
            "cont_person_id": self._person(calls.person),
            "cont_contact_date": dates(calls.day),
            "cont_contact_source_code": coded(source, say.SOURCE_CODES),
            "cont_contact_source_desc": coded(source, say.SOURCES),
            "cont_contact_outcome_json": self._corrected(
                calls.outcome, say.CONTACT_OUTCOMES, recorded
            ),
        }, recorded, key="cont_contact_id", may_vanish=True)  # fmt: skip

        n = len(cases)
        recorded = self.referral_recorded
        team = np.where(
            cases.need == NEED["N2"], say.DISABILITIES_TEAM, rng.choice(say.CASEWORK_TEAMS, n)
        )
        outcome = np.select(
            [cases.is_nfa, cases.care_start < NEVER, cases.enquiry < NEVER], [1, 3, 2], 0
        )
        reason = np.where(cases.is_nfa, 6, rng.choice(8, n, p=[
            0.01, 0.02, 0.02, 0.05, 0.03, 0.62, 0.15, 0.1
        ]))  # fmt: skip
        reason = np.where(cases.is_programme, say.CLOSE_REASONS.index("RC7"), reason)
        closed = self._typed(cases.close, cases.is_programme)
        late = rng.random(n) < self.dirt.late_correction
        late &= ~cases.is_leaver
        yield self._rows("ssd_cin_episodes", {
            "cine_referral_id": refers(np.arange(n), self.referral_ids),
            "cine_person_id": self._person(cases.person),
            "cine_referral_date": dates(cases.start),
            "cine_cin_primary_need_code": Column(
                cases.need, vocabulary(say.NEEDS),
                np.where(late, recorded + rng.integers(9, 60, n), ALWAYS).astype(np.int32),
                np.full(n, NEED["N0"], dtype=np.int32),
            ),
            "cine_referral_source_code": coded(cases.source, say.SOURCE_CODES),
            "cine_referral_source_desc": coded(cases.source, say.SOURCES),
            "cine_referral_outcome_json": coded(outcome, say.REFERRAL_OUTCOMES),
            "cine_referral_nfa": coded(cases.is_nfa, ("N", "Y")),
            "cine_close_reason": coded(reason, say.CLOSE_REASONS, since=closed),
            "cine_close_date": dates(cases.close, since=closed),
            "cine_referral_team": self._team(team),
            "cine_referral_worker_id": self._worker(team),
        }, recorded, key="cine_referral_id")  # fmt: skip

        yield from self._assessments(team)
        yield from self._plans_in_need(team)
        yield from self._involvements(team)
        yield self._case_status(team)

    def _assessments(self, team: Numbers) -> Iterator[Rows]:
        rng, cases = self.rng, self.referrals
        counts = np.where(cases.is_nfa, 0, 1 + rng.poisson(1.62, len(cases))).astype(np.int32)
        index, number = expand(counts)
        n = len(index)
        span = np.minimum(cases.close, HORIZON)[index] - cases.start[index]
        later = 1 + rng.random(n) * np.maximum(span - 30, 1)
        later = np.where(number == 0, rng.integers(0, 4, n), later)
        start = (cases.start[index] + later).astype(np.int32)
        in_time = rng.random(n) < 0.82
        signed = start + np.where(in_time, rng.integers(8, 62, n), rng.integers(62, 99, n))
        recorded = np.maximum(self._typed(start), self.referral_recorded[index])
        shown = np.maximum(self._typed(signed), recorded)
        outcome = rng.choice(4, n, p=[0.3, 0.45, 0.1, 0.15])
        ids = numbered("A", 800_001, n)
        yield self._rows("ssd_cin_assessments", {
            "cina_assessment_id": refers(np.arange(n), ids),
            "cina_person_id": self._person(cases.person[index]),
            "cina_referral_id": refers(index, self.referral_ids),
            "cina_assessment_start_date": dates(start),
            "cina_assessment_child_seen": self._flag(n, 0.93, recorded),
            "cina_assessment_auth_date": dates(signed, since=shown),
            "cina_assessment_outcome_json": coded(outcome, say.ASSESSMENT_OUTCOMES, since=shown),
            "cina_assessment_outcome_nfa": coded(outcome == 0, ("N", "Y"), since=shown),
            "cina_assessment_team": self._team(team[index]),
            "cina_assessment_worker_id": self._worker(team[index]),
        }, recorded, key="cina_assessment_id", may_vanish=True)  # fmt: skip

        sets = [
            sorted(rng.choice(len(say.FACTORS), size, False)) for size in rng.integers(1, 6, 500)
        ]
        no_factors = say.FACTORS.index("21")  # never beside others
        found = [
            json.dumps(
                [say.FACTORS[each] for each in chosen if each != no_factors or len(chosen) == 1]
            )
            for chosen in sets
        ]
        has_factors = rng.random(n) < 0.9
        with_factors = np.flatnonzero(has_factors)
        kinds = rng.integers(0, len(found), len(with_factors))
        without = np.flatnonzero(~has_factors)
        without = without[without % 10 > 0]  # a few assessments have no list at all
        listed = np.concatenate((with_factors, without))
        yield self._rows("ssd_assessment_factors", {
            "cinf_assessment_id": refers(listed, ids),
            "cinf_assessment_factors_json": coded(
                np.concatenate((kinds, np.full(len(without), len(found)))),
                (*found, json.dumps(["21"])),
            ),
        }, shown[listed], row_id="cinf_table_id")  # fmt: skip

    def _plans_in_need(self, team: Numbers) -> Iterator[Rows]:
        rng, cases = self.rng, self.referrals
        chance = (rng.random(len(cases)) < 0.78) & ~cases.is_programme
        planned = np.flatnonzero(~cases.is_nfa & chance)
        start = cases.start[planned] + rng.integers(25, 60, len(planned))
        close = cases.close[planned]
        end = np.minimum(start + rng.integers(50, 420, len(planned)), close - 3)
        again = (end + 25 < close) & (rng.random(len(planned)) < 0.55)
        given = self.programmes.in_need
        index = np.concatenate((planned, planned[again], self.programme_referral[given.child]))
        start = np.concatenate((start, end[again] + 10, given.start))
        end = np.concatenate((end, close[again] - 2, given.end))
        kept = (end > start + 5) & (start <= HORIZON)
        index, start, end = index[kept], start[kept], end[kept]
        person, watched = cases.person[index], cases.is_programme[index]
        n = len(index)
        recorded = np.maximum(self._typed(start, watched), self.referral_recorded[index])
        ended = np.maximum(self._typed(end, watched), recorded)
        yield self._rows("ssd_cin_plans", {
            "cinp_cin_plan_id": refers(np.arange(n), numbered("CINP", 1, n)),
            "cinp_referral_id": refers(index, self.referral_ids),
            "cinp_person_id": self._person(person),
            "cinp_cin_plan_start_date": dates(start),
            "cinp_cin_plan_end_date": dates(end, since=ended),
            "cinp_cin_plan_team": self._team(team[index]),
            "cinp_cin_plan_worker_id": self._worker(team[index]),
        }, recorded, key="cinp_cin_plan_id")  # fmt: skip
        yield self._visits(
            "ssd_cin_visits", "cinv_cin_visit", "cinv_person_id", person, start, end, 40.0,
            bedroom=True,
        )  # fmt: skip

    def _involvements(self, team: Numbers) -> Iterator[Rows]:
        rng, cases = self.rng, self.referrals
        span = np.minimum(cases.close, HORIZON) - cases.start
        index, number = expand(1 + np.minimum(span // 170, 12).astype(np.int32))
        n = len(index)
        start = cases.start[index] + 170 * number
        last = np.append(np.diff(index) != 0, True)
        end = np.where(last, cases.close[index], np.append(start[1:], 0))
        recorded = np.maximum(self._typed(start), self.referral_recorded[index])
        worker = team[index] * people.WORKERS_PER_TEAM + rng.integers(0, people.WORKERS_PER_TEAM, n)
        change = np.where(number == 0, 1, rng.integers(0, len(say.WORKER_CHANGES), n))

        # personal advisers follow one another as the care-leaver records say
        young = self.leavers
        until = np.minimum(young.eligible_to, HORIZON)
        terms = 1 + (until - young.recorded).clip(0) // ADVISER_TENURE
        who, term = expand(terms.astype(np.int32))
        m = len(who)
        begun = young.recorded[who] + ADVISER_TENURE * term
        over = np.append(np.where(np.diff(who) != 0, NEVER, begun[1:]), NEVER)
        over = np.minimum(over, young.eligible_to[who])
        # a practitioner of the Families Together Team works with the family as well
        made = self.programmes
        joined = np.flatnonzero(made.programme == FTT)
        k = len(joined)
        family = np.full(k, say.FAMILIES_TOGETHER_TEAM)
        practitioner = family * people.WORKERS_PER_TEAM + rng.integers(
            0, people.WORKERS_PER_TEAM, k
        )
        total = n + m + k

        def three(first: Numbers, second: Numbers, third: Numbers) -> Numbers:
            return np.concatenate((first, second, third))

        watched = three(np.zeros(n + m), np.zeros(0), np.ones(k)).astype(np.bool_)

        yield self._rows("ssd_involvements", {
            "invo_involvements_id": refers(np.arange(total), numbered("I", 1, total)),
            "invo_professional_id": refers(
                three(worker, self._adviser(who, term), practitioner), self.people.workers
            ),
            "invo_professional_role_id": coded(
                three(np.where(cases.is_nfa[index], 1, 0), np.full(m, 2), np.full(k, 3)),
                ("Allocated Social Worker", "Duty Worker", "Personal Adviser",
                 "Family Practitioner"),
            ),
            "invo_professional_team": self._team(three(team[index], self.care_team[who], family)),
            "invo_involvement_start_date": dates(three(start, begun, made.start[joined])),
            "invo_involvement_end_date": self._ended(three(end, over, made.end[joined]), watched),
            "invo_worker_change_reason": coded(
                three(change, np.where(term == 0, 1, 0), np.ones(k)), say.WORKER_CHANGES
            ),
            "invo_person_id": self._person(
                three(cases.person[index], who, self.people.programme[joined])
            ),
            "invo_referral_id": refers(
                three(index, np.full(m, -1), self.programme_referral[joined]), self.referral_ids
            ),
        }, three(recorded, begun, made.start[joined] + 2), key="invo_involvements_id")  # fmt: skip

    def _case_status(self, team: Numbers) -> Rows:
        """Whether a case is open: the leaving-care team's word for leavers, else any referral."""
        cases, n_leavers = self.referrals, len(self.leavers)
        known = np.full(len(self.people), NEVER, dtype=np.int32)
        others = ~cases.is_leaver
        np.minimum.at(known, cases.person[others], self.referral_recorded[others])
        known[:n_leavers] = self.leavers.recorded
        person = np.flatnonzero(known < NEVER)
        of_person = np.zeros(len(self.people), dtype=np.int32)
        of_person[cases.person] = team
        closed = self._typed(cases.close)
        recorded = self.referral_recorded

        def is_closed(day: int) -> Ints:
            running = others & (recorded <= day) & (day < closed)
            opened = np.zeros(len(self.people), dtype=np.bool_)
            opened[cases.person[running]] = True
            opened[:n_leavers] = self.leavers.now("is_open", day)
            return np.where(opened[person], 0, 1).astype(np.int32)

        def team_now(day: int) -> Ints:
            now = of_person.copy()
            disabled = self.leavers.now("disabilities_team", day).astype(bool)
            now[:n_leavers] = np.where(disabled, say.DISABILITIES_TEAM, self.care_team)
            found: Ints = now[person]
            return found

        def is_disabilities_team(day: int) -> Ints:
            return np.where(team_now(day) == say.DISABILITIES_TEAM, 1, 0).astype(np.int32)

        return self._rows("local_case_status", {
            "cass_person_id": self._person(person),
            "cass_case_status": Column(is_closed, vocabulary(("open", "closed"))),
            "cass_team_id": Column(team_now, self.teams),
            "cass_children_with_disabilities_team": Column(
                is_disabilities_team, vocabulary(("N", "Y"))
            ),
        }, known[person], key="cass_person_id")  # fmt: skip
