"""Care leavers and their education, employment and training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import numpy as np

from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.leavers import codes
from carepath.demonstration.generator.leavers.codes import ACTIVITY
from carepath.demonstration.generator.rows import (
    DATE_WORDS,
    NEVER,
    SENTINEL_POSITION,
    Bools,
    Column,
    Ints,
    Rows,
    date_positions,
    day_number,
    vocabulary,
)
from carepath.demonstration.generator.tables.recording import (
    ADVISER_TENURE,
    CONTACT_CYCLE,
    PLAN_CYCLE,
    Recording,
)


class LeavingCareTables(Recording):
    """Tables about care leavers."""

    def _leaving_care(self) -> Iterator[Rows]:
        rng, young, dirt = self.rng, self.leavers, self.dirt
        n = len(young)
        everyone = np.arange(n)
        phase = rng.integers(0, CONTACT_CYCLE, n)
        plan_phase = rng.integers(0, PLAN_CYCLE, n)
        sentinel = rng.random(n) < dirt.sentinel_date
        with_code = rng.random(n) < dirt.code_and_description
        kind = everyone % 4

        def last_change(day: int) -> Ints:
            """Return the day on which the present state began."""
            began = young.recorded.copy()
            for change in young.changes:
                began = np.where((change <= day) & (change > began), change, began)
            return began.astype(np.int32)

        def is_current(day: int) -> Bools:
            return np.asarray(young.eligibility(day) != codes.NONE)

        def in_touch(day: int) -> Ints:
            return young.now("in_touch", day).astype(np.int32)

        def contacted(day: int) -> Ints:
            latest = np.maximum(day - (day - phase) % CONTACT_CYCLE, young.recorded)
            return date_positions(np.where(in_touch(day) == codes.YES, latest, NEVER))

        def described(name: str, count: int) -> Callable[[int], Ints]:
            def codes(day: int) -> Ints:
                code = young.now(name, day)
                return np.where((code >= 0) & with_code, code + count, code).astype(np.int32)

            return codes

        def activity(day: int) -> Ints:
            code = young.now("activity", day)
            muddled = young.is_muddled(day)
            opposite = np.where(code < ACTIVITY["G4"], ACTIVITY["G5"], ACTIVITY["F2"])
            code = np.where(muddled & (kind == 0), opposite, code)
            code = np.where(muddled & (kind == 2), -1, code)
            return np.where((code >= 0) & with_code, code + len(ACTIVITY), code).astype(np.int32)

        def status(day: int) -> Ints:
            code = young.now("status", day)
            muddled = young.is_muddled(day)
            code = np.where(muddled & (kind == 1), 1 - code, code)
            return np.where(muddled & (kind == 3), -1, code).astype(np.int32)

        def planned(day: int) -> Ints:
            # the plan of a closed case stays as it was
            until = np.where(young.now("is_open", day), day, last_change(day))
            latest = np.maximum(until - (until - plan_phase) % PLAN_CYCLE, young.recorded)
            none = np.where(sentinel, SENTINEL_POSITION, -1)
            return np.where(young.now("has_plan", day), date_positions(latest), none).astype(
                np.int32
            )

        def adviser_now(day: int) -> Ints:
            term = (day - young.recorded) // ADVISER_TENURE
            worker = self._adviser(everyone, term)
            return np.where(young.now("is_open", day), worker, -1).astype(np.int32)

        def team_now(day: int) -> Ints:
            disabled = young.now("disabilities_team", day).astype(bool)
            return np.where(disabled, say.DISABILITIES_TEAM, self.care_team).astype(np.int32)

        rows = self._rows("ssd_care_leavers", {
            "clea_person_id": self._person(everyone),
            "clea_care_leaver_eligibility": Column(
                young.eligibility, vocabulary(say.ELIGIBILITIES)
            ),
            "clea_care_leaver_in_touch": Column(in_touch, vocabulary(say.IN_TOUCH)),
            "clea_care_leaver_latest_contact": Column(contacted, DATE_WORDS),
            "clea_care_leaver_accommodation": Column(
                described("accommodation", len(say.ACCOMMODATION)),
                vocabulary(say.described(say.ACCOMMODATION)),
            ),
            "clea_care_leaver_accom_suitable": Column(
                lambda day: young.now("suitability", day).astype(np.int32),
                vocabulary(say.SUITABILITY),
            ),
            "clea_care_leaver_activity": Column(
                activity, vocabulary(say.described(say.ACTIVITIES))
            ),
            "clea_pathway_plan_review_date": Column(planned, DATE_WORDS),
            "clea_care_leaver_personal_advisor": Column(adviser_now, self.people.workers),
            "clea_care_leaver_allocated_team": Column(team_now, self.teams),
            "clea_care_leaver_worker_id": Column(adviser_now, self.people.workers),
        }, young.recorded, row_id="clea_table_id")  # fmt: skip
        multiplied = rng.random(n) < dirt.multiplied_care_leaver
        rows.copies = np.where(multiplied, rng.integers(2, 4, n), 1).astype(np.int32)
        # two records vanish in spring 2018 and come back; some of those who left are deleted
        back = day_number(date(2018, 4, 16))
        vanishing = np.flatnonzero((young.group == codes.BOTH) & (young.recorded < back - 60))[:2]
        gone = (young.group == codes.FIRST_ONLY) & (rng.random(n) < 0.4)
        rows.hidden_from = np.where(gone, young.eligible_to + 30, NEVER).astype(np.int32)
        rows.hidden_to = np.full(n, NEVER, dtype=np.int32)
        rows.hidden_from[vanishing] = back - 45
        rows.hidden_to[vanishing] = back
        yield rows

        def recorded_on(day: int) -> Ints:
            began = last_change(day)
            turned = (kind == 1) | (kind == 3)
            corrected = turned & (young.muddled_to <= day)
            began = np.where(young.is_muddled(day) & turned, young.muddled_from, began)
            return date_positions(np.where(corrected, young.muddled_to, began))

        statuses = self._rows("local_eet_status", {
            "eets_person_id": self._person(everyone),
            "eets_status": Column(status, vocabulary(("EET", "NEET"))),
            "eets_recorded_date": Column(recorded_on, DATE_WORDS),
            "eets_recorded_by": Column(adviser_now, self.people.workers),
        }, young.recorded, key="eets_person_id")  # fmt: skip
        statuses.there = lambda day: np.asarray((status(day) >= 0) & is_current(day))
        yield statuses
