"""Special educational needs and plans for them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.rows import (
    DATE_WORDS,
    NEVER,
    Column,
    Ints,
    Rows,
    coded,
    date_positions,
    dates,
    numbered,
    refers,
    vocabulary,
)
from carepath.demonstration.generator.tables.recording import Recording


class EducationTables(Recording):
    """Tables about special educational needs."""

    def _education(self) -> Iterator[Rows]:
        rng, folk = self.rng, self.people
        pupils = np.flatnonzero(rng.random(len(folk)) < 0.3)
        n = len(pupils)
        recorded = self._typed(folk.known[pupils] + 20)
        # a pupil whose number social care does not know has one at school
        at_school = np.array(say.invalid_upns(rng, n), dtype=np.object_)
        known = self.upn_of_person[pupils]
        upns = vocabulary(list(np.where(known == "", at_school, known)))
        send_ids = numbered("SEND", 1, n)
        yield self._rows("ssd_send", {
            "send_table_id": refers(np.arange(n), send_ids),
            "send_upn": refers(np.arange(n), upns),
            "send_person_id": self._person(pupils),
        }, recorded, key="send_table_id")  # fmt: skip
        asked = np.flatnonzero(rng.random(n) < 0.3)
        m = len(asked)
        day = recorded[asked] + rng.integers(10, 500, m)
        agreed = rng.random(m) < 0.75
        request_ids = numbered("EHR", 1, m)
        yield self._rows("ssd_ehcp_requests", {
            "ehcr_ehcp_request_id": refers(np.arange(m), request_ids),
            "ehcr_send_table_id": refers(asked, send_ids),
            "ehcr_ehcp_req_date": dates(day),
            "ehcr_ehcp_req_outcome_date": dates(day + 40, since=day.astype(np.int32) + 42),
            "ehcr_ehcp_req_outcome": Column(
                np.where(agreed, 0, 1).astype(np.int32), vocabulary(("Y", "N", "A")),
                day.astype(np.int32) + 42, np.full(m, 2, dtype=np.int32),
            ),
        }, self._typed(day), key="ehcr_ehcp_request_id")  # fmt: skip
        went = np.flatnonzero(agreed)
        k = len(went)
        decided = day[went] + rng.integers(90, 190, k)
        issued = rng.random(k) < 0.9
        assessment_ids = numbered("EHA", 1, k)
        yield self._rows("ssd_ehcp_assessment", {
            "ehca_ehcp_assessment_id": refers(np.arange(k), assessment_ids),
            "ehca_ehcp_request_id": refers(went, request_ids),
            "ehca_ehcp_assessment_outcome_date": dates(decided),
            "ehca_ehcp_assessment_outcome": coded(np.where(issued, 0, 1), ("Y", "N")),
            "ehca_ehcp_assessment_exceptions": self._pick(k, ("0", "1"), (0.9, 0.1)),
        }, self._typed(decided), key="ehca_ehcp_assessment_id")  # fmt: skip
        plan = np.flatnonzero(issued)
        k = len(plan)
        start = decided[plan] + rng.integers(5, 40, k)
        recorded = self._typed(start)
        ceased = rng.random(k) < 0.1
        yield self._rows("ssd_ehcp_named_plan", {
            "ehcn_named_plan_id": refers(np.arange(k), numbered("EHN", 1, k)),
            "ehcn_ehcp_asmt_id": refers(plan, assessment_ids),
            "ehcn_named_plan_start_date": dates(start),
            "ehcn_named_plan_ceased_date": self._ended(np.where(ceased, start + 500, NEVER)),
            "ehcn_named_plan_ceased_reason": coded(
                np.where(ceased, rng.integers(0, 3, k), -1), ("2", "5", "7"),
                since=np.where(ceased, start + 505, NEVER).astype(np.int32),
            ),
        }, recorded, key="ehcn_named_plan_id")  # fmt: skip
        active_ids = numbered("EHP", 1, k)

        def reviewed(day: int) -> Ints:
            return date_positions(np.where(day - start >= 365, day - (day - start) % 365, NEVER))

        yield self._rows("ssd_ehcp_active_plans", {
            "ehcp_active_ehcp_id": refers(np.arange(k), active_ids),
            "ehcp_ehcp_request_id": refers(went[plan], request_ids),
            "ehcp_active_ehcp_last_review_date": Column(reviewed, DATE_WORDS),
        }, recorded, key="ehcp_active_ehcp_id")  # fmt: skip
        yield self._rows("ssd_sen_need", {
            "senn_active_ehcp_id": refers(np.arange(k), active_ids),
            "senn_active_ehcp_need_type": self._pick(
                k, ("SPLD", "MLD", "SLD", "SEMH", "SLCN", "HI", "PD", "ASD"),
                (1, 2, 1, 4, 3, 0.5, 0.5, 4),
            ),
            "senn_active_ehcp_need_rank": self._pick(k, ("1",)),
        }, recorded, row_id="senn_table_id")  # fmt: skip
