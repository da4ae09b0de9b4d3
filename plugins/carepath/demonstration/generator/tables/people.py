"""People, their homes, families and identifiers, and the staff."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np

from carepath.demonstration.generator import people
from carepath.demonstration.generator import vocabulary as say
from carepath.demonstration.generator.care import expand
from carepath.demonstration.generator.rows import (
    NEVER,
    Column,
    Ints,
    Rows,
    coded,
    dates,
    day_number,
    numbered,
    refers,
    vocabulary,
)
from carepath.demonstration.generator.tables.recording import ALWAYS, FIRST_DAY, Recording

SCHOOL_AGE = 5 * 365 + 1  # days


class PeopleTables(Recording):
    """Tables about people and staff."""

    def _people(self) -> Iterator[Rows]:
        rng, folk = self.rng, self.people
        n = len(folk)
        everyone = np.arange(n)
        first, last = say.forenames(), say.surnames()
        mother = np.full(n, NEVER, dtype=np.int32)
        mother[folk.mothers] = self.leavers.mother_from[folk.mothers] + 5
        unborn = folk.born > folk.known
        has_upn = rng.random(n) < 0.7
        upns = say.invalid_upns(rng, n)
        upn = vocabulary(upns)
        self.upn_of_person = np.where(has_upn, upns, "")
        sen = (rng.random(n) < 0.05).astype(np.int32)
        is_other = everyone >= folk.leaver_count + len(folk.mothers)
        asked_later = is_other & (rng.random(n) < 0.04)
        asked_on = folk.known + rng.integers(5, 120, n)
        not_obtained = say.ETHNICITIES.index("NOBT")
        uasc = np.zeros(n, dtype=np.bool_)
        uasc[: folk.leaver_count] = self.leavers.uasc
        yield self._rows("ssd_person", {
            "pers_person_id": self._person(everyone, untidy=False),
            "pers_forename": coded(rng.integers(0, len(first), n), first),
            "pers_surname": coded(rng.integers(0, len(last), n), last),
            "pers_sex": coded(np.where(folk.female, 0, 1), ("F", "M")),
            "pers_gender": coded(np.where(folk.female, 2, 1), say.GENDERS),
            "pers_ethnicity": Column(
                folk.ethnicity, vocabulary(say.ETHNICITIES),
                np.where(asked_later, asked_on, ALWAYS).astype(np.int32),
                np.full(n, not_obtained, dtype=np.int32),
            ),
            "pers_dob": dates(folk.born, since=np.where(unborn, folk.born + 3, ALWAYS)),
            "pers_upn": refers(np.where(has_upn & ~uasc, everyone, -1), upn),
            "pers_upn_unknown": Column(
                np.where(uasc, 1, np.where(has_upn, -1, 2)), vocabulary(("UN1", "UN2", "UN6")),
                folk.born + SCHOOL_AGE, np.where(uasc, 1, np.where(has_upn, -1, 0)),
            ),
            "pers_send_flag": coded(sen, ("N", "Y")),
            "pers_expected_dob": dates(np.where(unborn, folk.born + 4, NEVER)),
            "pers_is_mother": Column(
                np.zeros(n, dtype=np.int32), vocabulary(("Y", "N")), mother,
                np.ones(n, dtype=np.int32),
            ),
            "pers_nationality": coded(
                np.where(uasc, rng.integers(0, len(say.NATIONALITIES), n), -1), say.NATIONALITIES
            ),
        }, folk.known, key="pers_person_id")  # fmt: skip

        yield from self._homes_and_families()
        had = np.flatnonzero(rng.random(n) < 0.09)
        some = rng.integers(1, len(say.DISABILITIES), len(had))
        kind = np.where(rng.random(len(had)) < 0.3, 0, some)
        disabled = np.asarray(self._person(had).codes)
        recorded = self._typed(folk.known[had] + 30)
        # the others are recorded as not disabled, but for one in fifty
        rest = np.setdiff1d(everyone, had)
        rest = rest[rest % 50 > 0]
        yield self._rows("ssd_disability", {
            "disa_person_id": refers(np.concatenate((disabled, rest)), folk.ids),
            "disa_disability_code": coded(
                np.concatenate((kind, np.zeros(len(rest)))), say.DISABILITIES
            ),
        }, np.concatenate((recorded, folk.known[rest] + 30)), row_id="disa_table_id")  # fmt: skip

        yield from self._immigration()
        mothers = folk.mothers
        yield self._rows("ssd_mother", {
            "moth_person_id": self._person(mothers, untidy=False),
            "moth_childs_person_id": self._person(folk.children, untidy=False),
            "moth_childs_dob": dates(folk.born[folk.children]),
        }, mother[mothers], row_id="moth_table_id")  # fmt: skip

    def _homes_and_families(self) -> Iterator[Rows]:
        rng, folk = self.rng, self.people
        n = len(folk)
        homes = vocabulary(say.addresses(rng, self.town, 4000))
        index, number = expand(1 + rng.poisson(0.45, n).astype(np.int32))
        gap = rng.integers(60, 900, len(index))
        start = folk.known[index] + np.where(number == 0, -30, gap * number)
        start = np.maximum(start, folk.born[index])
        order = np.lexsort((start, index))
        index, start = index[order], start[order]
        fresh = np.append(True, (np.diff(index) != 0) | (np.diff(start) != 0))
        index, start = index[fresh], start[fresh]
        recorded = np.maximum(self._typed(start), folk.known[index])
        moves = np.append(np.diff(index) == 0, False)
        end = np.where(moves, np.append(start[1:], NEVER), NEVER)
        kind = rng.choice(3, len(index), p=[0.86, 0.1, 0.04])
        yield self._rows("ssd_address", {
            "addr_person_id": self._person(index),
            "addr_address_json": refers(rng.integers(0, 4000, len(index)), homes),
            "addr_address_type": coded(kind, ("Home", "Placement", "Correspondence")),
            "addr_address_start_date": dates(start),
            "addr_address_end_date": dates(
                end, since=np.where(moves, np.append(recorded[1:], NEVER), NEVER).astype(np.int32)
            ),
            "addr_address_postcode": refers(
                rng.integers(0, len(self.postcodes) - 1, len(index)), self.postcodes
            ),
        }, recorded, row_id="addr_table_id")  # fmt: skip

        others = folk.others
        family = np.cumsum(rng.random(len(others)) < 0.45)
        yield self._rows("ssd_family", {
            "fami_family_id": refers(family, numbered("F", 80_000, int(family.max()) + 1)),
            "fami_person_id": self._person(others),
        }, folk.known[others], row_id="fami_table_id")  # fmt: skip

        has = np.flatnonzero(rng.random(n) < 0.6)
        nhs = vocabulary(say.invalid_nhs_numbers(rng, len(has)))
        yield self._rows("ssd_linked_identifiers", {
            "link_person_id": self._person(has),
            "link_identifier_type": coded(np.zeros(len(has)), ("NHS Number",)),
            "link_identifier_value": refers(np.arange(len(has)), nhs),
            "link_valid_from_date": dates(folk.born[has]),
        }, self._typed(folk.known[has] + 10), row_id="link_table_id")  # fmt: skip

        asked = rng.choice(folk.others, int(1800 * self.share), replace=False)
        answers = {
            f"voch_{name}": self._flag(len(asked), share)
            for name, share in (
                ("explained_worries", 0.7), ("story_help_understand", 0.6), ("agree_worker", 0.55),
                ("plan_safe", 0.65), ("tablet_help_explain", 0.5),
            )
        }  # fmt: skip
        yield self._rows(
            "ssd_voice_of_child", {"voch_person_id": self._person(asked), **answers},
            self._typed(folk.known[asked] + 90), row_id="voch_table_id",
        )  # fmt: skip

        given = self.programmes.early_help
        some = rng.choice(folk.others, int(8300 * self.share), replace=False)
        helped = np.concatenate((some, folk.programme[given.child]))
        watched = np.arange(len(helped)) >= len(some)
        start = np.concatenate((folk.known[some] - rng.integers(0, 200, len(some)), given.start))
        team = say.TEAMS.index("Early Help North") + rng.integers(0, 2, len(helped))
        recorded = np.maximum(self._typed(start, watched), folk.known[helped])
        end = np.maximum(recorded, start + rng.integers(40, 400, len(helped)))
        end[watched] = given.end
        yield self._rows("ssd_early_help_episodes", {
            "earl_episode_id": refers(np.arange(len(helped)), numbered("EH", 1, len(helped))),
            "earl_person_id": self._person(helped),
            "earl_episode_start_date": dates(start),
            "earl_episode_end_date": self._ended(end, watched),
            "earl_episode_reason": self._pick(
                len(helped), ("Parenting support", "School attendance", "Housing", "Behaviour")
            ),
            "earl_episode_organisation": self._pick(len(helped), ("Early Help", "School")),
            "earl_episode_worker_id": self._worker(team),
        }, recorded, key="earl_episode_id")  # fmt: skip

    def _immigration(self) -> Iterator[Rows]:
        rng, folk = self.rng, self.people
        alone = np.flatnonzero(self.leavers.uasc)
        begin = self.leavers.care_start[alone]
        decided = begin + rng.integers(200, 900, len(alone))
        granted = rng.random(len(alone)) < 0.5
        settled = rng.choice(folk.others, int(500 * self.share), replace=False)
        person = np.concatenate((alone, alone[granted], settled))
        status = np.concatenate((
            np.zeros(len(alone)), np.ones(int(granted.sum())),
            rng.integers(1, len(say.IMMIGRATION), len(settled)),
        ))  # fmt: skip
        settled_on = np.maximum(folk.known[settled] - 100, folk.born[settled])
        start = np.concatenate((begin, decided[granted], settled_on))
        end = np.concatenate((
            np.where(granted, decided, NEVER), np.full(int(granted.sum()) + len(settled), NEVER),
        ))  # fmt: skip
        recorded = np.concatenate((begin + 2, decided[granted] + 3, folk.known[settled] + 3))
        yield self._rows("ssd_immigration_status", {
            "immi_person_id": self._person(person),
            "immi_immigration_status": coded(status, say.IMMIGRATION),
            "immi_immigration_status_start_date": dates(start),
            "immi_immigration_status_end_date": self._ended(end),
        }, recorded, row_id="immi_immigration_status_id")  # fmt: skip

    def _staff(self) -> Iterator[Rows]:
        rng = self.rng
        teams, staff = len(say.TEAMS), people.STAFF
        always = np.full(teams, FIRST_DAY - 9000, dtype=np.int32)
        yield self._rows("ssd_department", {
            "dept_team_id": self._team(np.arange(teams)),
            "dept_team_name": coded(np.arange(teams), say.TEAMS),
            "dept_team_parent_id": coded(np.zeros(teams), ("T100",)),
            "dept_team_parent_name": coded(np.zeros(teams), ("Children's Services",)),
        }, always, key="dept_team_id")  # fmt: skip
        worker = np.arange(staff)
        team = worker // people.WORKERS_PER_TEAM
        first, last = say.forenames(), say.surnames()
        names = tuple(
            f"{first[a]} {last[b]}"
            for a, b in zip(
                rng.integers(0, len(first), staff), rng.integers(0, len(last), staff), strict=True
            )
        )
        load = rng.integers(4, 26, staff)

        def caseload(day: int) -> Ints:
            # counted on the 30 September before
            year = (day - day_number(date(2012, 9, 30))) // 365
            return ((load + 5 * year + worker) % 27).astype(np.int32)

        is_social_worker = rng.random(staff) < 0.8
        is_adviser = np.isin(team, say.LEAVING_CARE_TEAMS)
        yield self._rows("ssd_professionals", {
            "prof_professional_id": refers(worker, self.people.workers),
            "prof_staff_id": refers(worker, numbered("S", 9000, staff)),
            "prof_professional_name": coded(worker, names),
            "prof_social_worker_registration_no": refers(
                np.where(is_social_worker, worker, -1), numbered("XX", 70_000, staff)
            ),
            "prof_professional_job_title": coded(
                np.where(is_social_worker, 0, np.where(is_adviser, 1, 2)),
                ("Social Worker", "Personal Adviser", "Family Support Worker"),
            ),
            "prof_professional_caseload": Column(caseload, numbered("", 0, 60)),
            "prof_professional_department": coded(team, say.TEAMS),
            "prof_full_time_equivalency": self._pick(staff, ("1", "0.8", "0.6"), (0.7, 0.2, 0.1)),
            "prof_agency_worker_flag": self._flag(staff, 0.18),
        }, np.full(staff, FIRST_DAY - 9000), key="prof_professional_id")  # fmt: skip
