"""Section 47 enquiries, conferences, child protection plans, pre-proceedings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.care import expand
from carepath.demonstration.generator.rows import (
    NEVER,
    Column,
    Ints,
    Rows,
    Words,
    coded,
    dates,
    numbered,
    refers,
    vocabulary,
)
from carepath.demonstration.generator.tables.recording import HORIZON, Numbers, Recording


class ProtectionTables(Recording):
    """Tables about child protection."""

    def _protection(self) -> Iterator[Rows]:
        rng, cases = self.rng, self.referrals
        team = rng.choice(say.COURT_TEAMS, len(cases))
        asked = np.flatnonzero(cases.enquiry <= HORIZON)
        n = len(asked)
        begin = cases.enquiry[asked]
        done = begin + rng.integers(5, 14, n)
        watched = cases.is_programme[asked]
        recorded = np.maximum(self._typed(begin, watched), self.referral_recorded[asked])
        finished = np.maximum(self._typed(done), recorded)
        to_conference = cases.conference[asked] < NEVER
        outcome = np.where(to_conference, 0, rng.integers(1, 3, n))
        enquiry_ids = numbered("S47", 1, n)
        yield self._rows("ssd_s47_enquiry", {
            "s47e_s47_enquiry_id": refers(np.arange(n), enquiry_ids),
            "s47e_referral_id": refers(asked, self.referral_ids),
            "s47e_person_id": self._person(cases.person[asked]),
            "s47e_s47_start_date": dates(begin),
            "s47e_s47_end_date": dates(done, since=finished),
            "s47e_s47_nfa": coded(outcome == 1, ("N", "Y"), since=finished),
            "s47e_s47_outcome_json": coded(outcome, say.ENQUIRY_OUTCOMES, since=finished),
            "s47e_s47_completed_by_worker_id": self._worker(team[asked]),
            "s47e_s47_completed_by_team": self._team(team[asked]),
        }, recorded, key="s47e_s47_enquiry_id")  # fmt: skip

        held = np.flatnonzero(to_conference & (cases.conference[asked] <= HORIZON))
        case = asked[held]
        n = len(case)
        day = cases.conference[case]
        is_plan = cases.protection_start[case] < NEVER
        plan_of = np.cumsum(is_plan) - 1
        plan_ids = numbered("CPP", 1, int(is_plan.sum()))
        conference_ids = numbered("ICPC", 1, n)
        recorded = self._typed(day, cases.is_programme[case])
        yield self._rows("ssd_initial_cp_conference", {
            "icpc_icpc_id": refers(np.arange(n), conference_ids),
            "icpc_icpc_meeting_id": refers(np.arange(n), numbered("M", 1, n)),
            "icpc_s47_enquiry_id": refers(held, enquiry_ids),
            "icpc_person_id": self._person(cases.person[case]),
            "icpc_cp_plan_id": refers(np.where(is_plan, plan_of, -1), plan_ids),
            "icpc_referral_id": refers(case, self.referral_ids),
            "icpc_icpc_transfer_in": self._flag(n, 0.03),
            "icpc_icpc_target_date": dates(cases.enquiry[case] + 21),
            "icpc_icpc_date": dates(day),
            "icpc_icpc_outcome_cp_flag": coded(is_plan, ("N", "Y")),
            "icpc_icpc_outcome_json": coded(np.where(is_plan, 0, 1), say.CONFERENCE_OUTCOMES),
            "icpc_icpc_team": self._team(team[case]),
            "icpc_icpc_worker_id": self._worker(team[case]),
        }, recorded, key="icpc_icpc_id")  # fmt: skip
        yield from self._protection_plans(case[is_plan], np.flatnonzero(is_plan), plan_ids,
                                          conference_ids, recorded[is_plan])  # fmt: skip

    def _protection_plans(
        self, case: Numbers, conference: Numbers, ids: Words, conference_ids: Words, recorded: Ints
    ) -> Iterator[Rows]:
        rng, cases = self.rng, self.referrals
        n = len(case)
        person = cases.person[case]
        start, end = cases.protection_start[case], cases.protection_end[case]
        category = rng.choice(4, n, p=[0.47, 0.1, 0.06, 0.37])
        latest = np.where(rng.random(n) < 0.9, category, rng.integers(0, 4, n))
        yield self._rows("ssd_cp_plans", {
            "cppl_cp_plan_id": refers(np.arange(n), ids),
            "cppl_referral_id": refers(case, self.referral_ids),
            "cppl_icpc_id": refers(conference, conference_ids),
            "cppl_person_id": self._person(person),
            "cppl_cp_plan_start_date": dates(start),
            "cppl_cp_plan_end_date": self._ended(end, cases.is_programme[case]),
            "cppl_cp_plan_initial_category": coded(category, say.ABUSE_CATEGORIES),
            "cppl_cp_plan_ola": self._flag(n, 0.02),
            "cppl_cp_plan_latest_category": Column(
                latest.astype(np.int32), vocabulary(say.ABUSE_CATEGORIES),
                (start + 95).astype(np.int32), category.astype(np.int32),
            ),
        }, recorded, key="cppl_cp_plan_id")  # fmt: skip
        yield self._visits(
            "ssd_cp_visits", "cppv_cp_visit", "cppv_person_id", person, start, end, 12.5,
            bedroom=True, extra=lambda plan: {"cppv_cp_plan_id": refers(plan, ids)},
        )  # fmt: skip
        until = np.minimum(end, HORIZON)
        index, number = expand(((until - start + 90) // 180).clip(0).astype(np.int32))
        due = start[index] + 88 + 178 * number
        held = due + rng.integers(-12, 9, len(due))
        last = held + 178 > end[index]
        m = len(index)
        yield self._rows("ssd_cp_reviews", {
            "cppr_cp_review_id": refers(np.arange(m), numbered("CPR", 1, m)),
            "cppr_person_id": self._person(person[index]),
            "cppr_cp_plan_id": refers(index, ids),
            "cppr_cp_review_due": dates(due),
            "cppr_cp_review_date": dates(held),
            "cppr_cp_review_meeting_id": refers(np.arange(m), numbered("MR", 1, m)),
            "cppr_cp_review_outcome_continue_cp": coded(last, ("Y", "N")),
            "cppr_cp_review_quorate": self._flag(m, 0.95),
            "cppr_cp_review_participation": self._took_part(person[index], held),
        }, self._typed(held), key="cppr_cp_review_id")  # fmt: skip
        warned = np.flatnonzero(rng.random(n) < 0.09)
        m = len(warned)
        day = start[warned] + rng.integers(30, 200, m)
        words = ("Y", "N", "U")
        child = self._person(person[warned])
        outcome = rng.integers(0, 2, m)
        yield self._rows("ssd_pre_proceedings", {
            "prep_person_id": child,
            "prep_plo_family_id": refers(np.arange(m), numbered("PLO", 1, m)),
            "prep_pre_pro_decision_date": dates(day),
            "prep_initial_pre_pro_meeting_date": _held(day + 14),
            "prep_pre_pro_outcome": coded(
                outcome,
                ("Decision to issue care proceedings", "Decision to step down"),
                since=(day + 120).astype(np.int32),
            ),
            "prep_agree_stepdown_issue_date": dates(day + 118, since=(day + 120).astype(np.int32)),
            "prep_cp_plans_referral_period": self._pick(m, ("1", "2", "3"), (0.8, 0.15, 0.05)),
            "prep_legal_gateway_outcome": self._pick(m, ("A", "B", "C", "D"), (1, 5, 3, 1)),
            "prep_prev_pre_proc_child": self._pick(m, ("0", "1"), (0.9, 0.1)),
            "prep_prev_care_proc_child": self._pick(m, ("0", "1"), (0.92, 0.08)),
            "prep_pre_pro_letter_date": _held(day + 5),
            "prep_pre_pro_meetings_num": self._pick(m, ("1", "2", "3")),
            "prep_pre_pro_parents_legal_rep": self._pick(m, words, (0.8, 0.15, 0.05)),
            "prep_parents_legal_rep_point_of_issue": self._pick(m, words, (0.8, 0.15, 0.05)),
            "prep_court_reference": refers(np.arange(m), numbered("ZZ19C", 10_000, m)),
            "prep_care_proc_court_hearings": coded(
                np.where(outcome == 0, rng.choice(4, m), 0), ("0", "1", "2", "3")
            ),
            "prep_care_proc_short_notice": self._pick(m, ("Y", "N"), (0.1, 0.9)),
            "prep_proc_short_notice_reason": self._pick(m, ("No short notice applications",)),
            "prep_la_inital_plan_approved": self._pick(m, words),
            "prep_la_initial_care_plan": self._pick(m, ("A", "B", "D", "E", "G")),
            "prep_la_final_plan_approved": self._pick(m, words),
            "prep_la_final_care_plan": self._pick(m, ("A", "B", "D", "E", "H")),
        }, self._typed(day), row_id="prep_table_id")  # fmt: skip


def _held(days: Ints) -> Column:
    """Return a column of days, each of which is typed in once it has come."""
    return dates(days, since=days.astype(np.int32))
