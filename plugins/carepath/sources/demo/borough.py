"""All tables of one authority's recording system, with everything that ever stands in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from carepath.sources.demo import care, casework, leavers, people
from carepath.sources.demo import vocabulary as say
from carepath.sources.demo.care import END, expand
from carepath.sources.demo.dirt import DirtRates
from carepath.sources.demo.leavers import ACTIVITY, NEED, YEAR
from carepath.sources.demo.rows import (
    DATE_WORDS,
    NEVER,
    SENTINEL_POSITION,
    Bools,
    Column,
    Ints,
    Rows,
    Words,
    coded,
    date_positions,
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

Numbers = npt.NDArray[Any]
Columns = Mapping[str, Column]


def tables(number: int, seed: int, dirt: DirtRates) -> Iterator[Rows]:
    """Yield every table of the authority with this number (1 is the report's borough)."""
    yield from Borough(number, seed, dirt).tables()


class Borough:
    """One authority: its people, staff and casework, and the tables that record them."""

    def __init__(self, number: int, seed: int, dirt: DirtRates) -> None:
        self.rng = rng = np.random.default_rng([seed, number])
        self.dirt = dirt
        self.town = say.authority_name(number).removeprefix("London Borough of ")
        made = leavers.make(rng, dirt, HORIZON)
        self.leavers = made if number == 1 else leavers.thinned(rng, made)
        self.people = people.make(rng, self.leavers, FIRST_DAY, HORIZON)
        self.contacts, self.referrals = casework.make(
            rng, self.people, self.leavers, HORIZON, is_report=number == 1
        )
        # nobody has a contact before the person is known
        np.minimum.at(self.people.known, self.contacts.person, self.contacts.day)
        self.periods = casework.periods(
            rng, self.people, self.leavers, self.referrals, FIRST_DAY, HORIZON
        )
        self.episodes = care.make_episodes(rng, self.periods, DAYS_PER_PLACEMENT)
        self.referral_ids = numbered("R", 400_001, len(self.referrals))
        self.referral_recorded = self._typed(self.referrals.start)
        self.period_ids = numbered("CLA", 70_001, len(self.periods))
        self.period_recorded = self._typed(self.periods.start)
        self.care_team = np.array(say.LEAVING_CARE_TEAMS)[np.arange(len(self.leavers)) % 2]
        self.first_adviser = rng.integers(0, people.WORKERS_PER_TEAM, len(self.leavers))
        self.postcodes = vocabulary(say.postcodes())
        self.teams = numbered("T", 101, len(say.TEAMS))

    # what tables have in common

    def _typed(self, days: Numbers) -> Ints:
        """Return the days on which events of `days` are typed in: soon, some of them late."""
        n = len(days)
        soon = self.rng.geometric(0.55, n) - 1
        late = self.rng.integers(10, 70, n)
        return (days + np.where(self.rng.random(n) < self.dirt.late_entry, late, soon)).astype(
            np.int32
        )

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

    def _pick(self, n: int, words: Sequence[str], shares: Sequence[float] | None = None) -> Column:
        weight = None if shares is None else np.array(shares) / sum(shares)
        return coded(self.rng.choice(len(words), n, p=weight), words)

    def _worker(self, team: Numbers) -> Column:
        """Return a column of workers of the teams."""
        within = self.rng.integers(0, people.WORKERS_PER_TEAM, len(team))
        return refers(team * people.WORKERS_PER_TEAM + within, self.people.workers)

    def _team(self, codes: Numbers) -> Column:
        return refers(codes, self.teams)

    def _ended(self, days: Numbers) -> Column:
        """Return a column of end dates, which show once they are typed in."""
        return dates(days, since=self._typed(np.minimum(days, NEVER)))

    # the tables

    def tables(self) -> Iterator[Rows]:
        """Yield all tables; the order is of no importance."""
        yield from self._people()
        yield from self._staff()
        yield from self._referrals()
        yield from self._protection()
        yield from self._looked_after()
        yield from self._health_of_looked_after()
        yield from self._education()
        yield from self._leaving_care()

    def _people(self) -> Iterator[Rows]:
        rng, folk = self.rng, self.people
        n = len(folk)
        everyone = np.arange(n)
        first, last = say.forenames(), say.surnames()
        mother = np.full(n, NEVER, dtype=np.int32)
        mother[folk.mothers] = self.leavers.mother_from[folk.mothers] + 5
        unborn = folk.born > folk.known
        has_upn = rng.random(n) < 0.7
        upn = vocabulary(say.invalid_upns(rng, n))
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
            "pers_upn_unknown": coded(np.where(uasc, 1, np.where(has_upn, -1, 0)), ("UN1", "UN2")),
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
        yield self._rows("ssd_disability", {
            "disa_person_id": self._person(had),
            "disa_disability_code": coded(kind, say.DISABILITIES),
        }, self._typed(folk.known[had] + 30), row_id="disa_table_id")  # fmt: skip

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

        asked = rng.choice(folk.others, 1800, replace=False)
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

        helped = rng.choice(folk.others, 8300, replace=False)
        start = folk.known[helped] - rng.integers(0, 200, len(helped))
        team = say.TEAMS.index("Early Help North") + rng.integers(0, 2, len(helped))
        recorded = np.maximum(self._typed(start), folk.known[helped])
        yield self._rows("ssd_early_help_episodes", {
            "earl_episode_id": refers(np.arange(len(helped)), numbered("EH", 1, len(helped))),
            "earl_person_id": self._person(helped),
            "earl_episode_start_date": dates(start),
            "earl_episode_end_date": self._ended(
                np.maximum(recorded, start + rng.integers(40, 400, len(helped)))
            ),
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
        settled = rng.choice(folk.others, 500, replace=False)
        person = np.concatenate((alone, alone[granted], settled))
        status = np.concatenate((
            np.zeros(len(alone)), np.ones(int(granted.sum())),
            rng.integers(1, len(say.IMMIGRATION), len(settled)),
        ))  # fmt: skip
        start = np.concatenate((begin, decided[granted], folk.known[settled] - 100))
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
        team = np.where(cases.need == NEED["N2"], say.DISABILITIES_TEAM, rng.integers(0, 4, n))
        outcome = np.select(
            [cases.is_nfa, cases.care_start < NEVER, cases.enquiry < NEVER], [1, 3, 2], 0
        )
        reason = np.where(cases.is_nfa, 6, rng.choice(8, n, p=[
            0.01, 0.02, 0.02, 0.05, 0.03, 0.62, 0.15, 0.1
        ]))  # fmt: skip
        closed = self._typed(cases.close)
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
        found = [json.dumps([say.FACTORS[each] for each in chosen]) for chosen in sets]
        with_factors = np.flatnonzero(rng.random(n) < 0.9)
        yield self._rows("ssd_assessment_factors", {
            "cinf_assessment_id": refers(with_factors, ids),
            "cinf_assessment_factors_json": coded(
                rng.integers(0, len(found), len(with_factors)), found
            ),
        }, shown[with_factors], row_id="cinf_table_id")  # fmt: skip

    def _plans_in_need(self, team: Numbers) -> Iterator[Rows]:
        rng, cases = self.rng, self.referrals
        planned = np.flatnonzero(~cases.is_nfa & (rng.random(len(cases)) < 0.74))
        start = cases.start[planned] + rng.integers(25, 60, len(planned))
        close = cases.close[planned]
        end = np.minimum(start + rng.integers(50, 420, len(planned)), close - 3)
        again = (end + 25 < close) & (rng.random(len(planned)) < 0.55)
        person, index = cases.person[planned], planned
        index = np.concatenate((index, planned[again]))
        person = cases.person[index]
        start = np.concatenate((start, end[again] + 10))
        end = np.concatenate((end, close[again] - 2))
        kept = (end > start + 5) & (start <= HORIZON)
        index, person, start, end = index[kept], person[kept], start[kept], end[kept]
        n = len(index)
        recorded = np.maximum(self._typed(start), self.referral_recorded[index])
        yield self._rows("ssd_cin_plans", {
            "cinp_cin_plan_id": refers(np.arange(n), numbered("CINP", 1, n)),
            "cinp_referral_id": refers(index, self.referral_ids),
            "cinp_person_id": self._person(person),
            "cinp_cin_plan_start_date": dates(start),
            "cinp_cin_plan_end_date": dates(end, since=np.maximum(self._typed(end), recorded)),
            "cinp_cin_plan_team": self._team(team[index]),
            "cinp_cin_plan_worker_id": self._worker(team[index]),
        }, recorded, key="cinp_cin_plan_id")  # fmt: skip
        yield self._visits(
            "ssd_cin_visits", "cinv_cin_visit", "cinv_person_id", person, start, end, 62.0,
            bedroom=True,
        )  # fmt: skip

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
        columns = {
            f"{prefix}_id": refers(np.arange(n), numbered(f"{prefix[:4].upper()}", 1, n)),
            person_column: self._person(person[index]),
            f"{prefix}_date": dates(day),
            f"{prefix}_seen": self._flag(n, 0.93, recorded),
            f"{prefix}_seen_alone": self._flag(n, 0.7),
            **({f"{prefix}_bedroom": self._flag(n, 0.6)} if bedroom else {}),
            **(extra(index) if extra else {}),
        }
        return self._rows(table, columns, recorded, key=f"{prefix}_id", may_vanish=True)

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
        total = n + m

        def both(first: Numbers, second: Numbers) -> Numbers:
            return np.concatenate((first, second))

        yield self._rows("ssd_involvements", {
            "invo_involvements_id": refers(np.arange(total), numbered("I", 1, total)),
            "invo_professional_id": refers(
                both(worker, self._adviser(who, term)), self.people.workers
            ),
            "invo_professional_role_id": coded(
                both(np.where(cases.is_nfa[index], 1, 0), np.full(m, 2)),
                ("Allocated Social Worker", "Duty Worker", "Personal Adviser"),
            ),
            "invo_professional_team": self._team(both(team[index], self.care_team[who])),
            "invo_involvement_start_date": dates(both(start, begun)),
            "invo_involvement_end_date": self._ended(both(end, over)),
            "invo_worker_change_reason": coded(
                both(change, np.where(term == 0, 1, 0)), say.WORKER_CHANGES
            ),
            "invo_person_id": self._person(both(cases.person[index], who)),
            "invo_referral_id": refers(both(index, np.full(m, -1)), self.referral_ids),
        }, both(recorded, begun), key="invo_involvements_id")  # fmt: skip

    def _adviser(self, leaver: Numbers, term: Numbers) -> Numbers:
        """Return the worker who is a leaver's personal adviser in a term of office."""
        within = (self.first_adviser[leaver] + term) % people.WORKERS_PER_TEAM
        return np.asarray(self.care_team[leaver] * people.WORKERS_PER_TEAM + within)

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

    def _protection(self) -> Iterator[Rows]:
        rng, cases = self.rng, self.referrals
        team = 4 + rng.integers(0, 3, len(cases))
        asked = np.flatnonzero(cases.enquiry <= HORIZON)
        n = len(asked)
        begin = cases.enquiry[asked]
        done = begin + rng.integers(5, 14, n)
        recorded = np.maximum(self._typed(begin), self.referral_recorded[asked])
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
        recorded = self._typed(day)
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
            "cppl_cp_plan_end_date": self._ended(end),
            "cppl_cp_plan_initial_category": coded(category, say.ABUSE_CATEGORIES),
            "cppl_cp_plan_ola": self._flag(n, 0.02),
            "cppl_cp_plan_latest_category": Column(
                latest.astype(np.int32), vocabulary(say.ABUSE_CATEGORIES),
                (start + 95).astype(np.int32), category.astype(np.int32),
            ),
        }, recorded, key="cppl_cp_plan_id")  # fmt: skip
        yield self._visits(
            "ssd_cp_visits", "cppv_cp_visit", "cppv_person_id", person, start, end, 40.0,
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
            "cppr_cp_review_participation": self._pick(m, say.PARTICIPATION),
        }, self._typed(held), key="cppr_cp_review_id")  # fmt: skip
        warned = np.flatnonzero(rng.random(n) < 0.09)
        m = len(warned)
        day = start[warned] + rng.integers(30, 200, m)
        words = ("Y", "N", "U")
        yield self._rows("ssd_pre_proceedings", {
            "prep_person_id": self._person(person[warned]),
            "prep_plo_family_id": refers(np.arange(m), numbered("PLO", 1, m)),
            "prep_pre_pro_decision_date": dates(day),
            "prep_initial_pre_pro_meeting_date": dates(day + 14),
            "prep_pre_pro_outcome": coded(
                rng.integers(0, 2, m),
                ("Decision to issue care proceedings", "Decision to step down"),
                since=(day + 120).astype(np.int32),
            ),
            "prep_agree_stepdown_issue_date": dates(day + 118, since=(day + 120).astype(np.int32)),
            "prep_cp_plans_referral_period": self._pick(m, ("1", "2", "3"), (0.8, 0.15, 0.05)),
            "prep_legal_gateway_outcome": self._pick(m, ("A", "B", "C", "D"), (1, 5, 3, 1)),
            "prep_prev_pre_proc_child": self._pick(m, ("0", "1"), (0.9, 0.1)),
            "prep_prev_care_proc_child": self._pick(m, ("0", "1"), (0.92, 0.08)),
            "prep_pre_pro_letter_date": dates(day + 5),
            "prep_pre_pro_meetings_num": self._pick(m, ("1", "2", "3")),
            "prep_pre_pro_parents_legal_rep": self._pick(m, words, (0.8, 0.15, 0.05)),
            "prep_parents_legal_rep_point_of_issue": self._pick(m, words, (0.8, 0.15, 0.05)),
            "prep_court_reference": refers(np.arange(m), numbered("ZZ19C", 10_000, m)),
            "prep_care_proc_court_hearings": self._pick(m, ("0", "1", "2", "3")),
            "prep_care_proc_short_notice": self._pick(m, ("Y", "N"), (0.1, 0.9)),
            "prep_proc_short_notice_reason": self._pick(m, ("No short notice applications",)),
            "prep_la_inital_plan_approved": self._pick(m, words),
            "prep_la_initial_care_plan": self._pick(m, ("A", "B", "D", "E", "G")),
            "prep_la_final_plan_approved": self._pick(m, words),
            "prep_la_final_care_plan": self._pick(m, ("A", "B", "D", "E", "H")),
        }, self._typed(day), row_id="prep_table_id")  # fmt: skip

    def _looked_after(self) -> Iterator[Rows]:
        spans, parts = self.periods, self.episodes
        of = parts.period
        n = len(of)
        person = spans.person[of]
        recorded = self._typed(parts.start)
        # an episode is not typed in before the one that it follows
        offset = of.astype(np.int64) << 32
        recorded = (np.maximum.accumulate(recorded + offset) - offset).astype(np.int32)
        following = np.append(recorded[1:], 0)
        finished = np.where(parts.is_last, self._typed(parts.end), following).astype(np.int32)
        finished = np.maximum(finished, recorded)
        reason = np.where(parts.is_last, self._end_reasons(), END["X1"])
        self.episode_recorded, self.end_reason = recorded, reason
        seen = np.minimum(parts.end, HORIZON)
        visit = np.minimum(60, np.maximum(seen - parts.start, 1))
        iro_since = (parts.start + visit).astype(np.int32)
        yield self._rows("ssd_cla_episodes", {
            "clae_cla_episode_id": refers(np.arange(n), numbered("E", 90_001, n)),
            "clae_person_id": self._person(person),
            "clae_cla_episode_start_date": dates(parts.start),
            "clae_cla_episode_start_reason": coded(parts.reason, say.EPISODE_STARTS),
            "clae_cla_primary_need_code": coded(spans.need[of], say.NEEDS),
            "clae_cla_episode_ceased_date": dates(parts.end, since=finished),
            "clae_cla_episode_ceased_reason": coded(reason, say.EPISODE_ENDS, since=finished),
            "clae_cla_id": refers(of, self.period_ids),
            "clae_referral_id": refers(spans.referral[of], self.referral_ids),
            "clae_cla_placement_id": refers(
                parts.placement, numbered("P", 30_001, len(parts.placement_first))
            ),
            "clae_entered_care_date": dates(spans.start[of]),
            "clae_cla_last_iro_contact_date": dates(
                iro_since, since=np.maximum(iro_since + 1, recorded)
            ),
        }, recorded, key="clae_cla_episode_id")  # fmt: skip
        yield from self._placements(recorded, finished)

        first = parts.legal_first
        legal = care.legal_codes(spans, parts)
        m = len(first)
        yield self._rows("ssd_legal_status", {
            "lega_legal_status_id": refers(np.arange(m), numbered("L", 1, m)),
            "lega_person_id": self._person(person[first]),
            "lega_legal_status": coded(legal, say.LEGAL_STATUSES),
            "lega_legal_status_start_date": dates(parts.start[first]),
            "lega_legal_status_end_date": self._ended(parts.legal_end),
        }, recorded[first], key="lega_legal_status_id")  # fmt: skip
        yield from self._contact_with_looked_after()

    def _end_reasons(self) -> Ints:
        """Return why each period of care ends, at each of its episodes."""
        rng, spans, parts = self.rng, self.periods, self.episodes
        of = parts.period
        n_leavers, n = len(self.leavers), len(spans)
        person = spans.person
        is_leaver = person < n_leavers
        born = self.people.born[person]
        adult = spans.end >= born + 18 * YEAR - 2
        stay = np.zeros(n, dtype=np.bool_)
        for day in (leavers.FIRST, leavers.SECOND):
            letters = self.leavers.now("accommodation", day) == leavers.LETTER["Z"]
            stay |= is_leaver & letters[np.minimum(person, n_leavers - 1)]
        names = ("E4A", "E4B", "E13", "E48", "E12", "E41", "E8", "E3")
        child = np.array([END[name] for name in names])[
            rng.choice(len(names), n, p=[0.45, 0.1, 0.11, 0.1, 0.06, 0.06, 0.08, 0.04])
        ]
        child = np.where((child == END["E48"]) & (spans.end < SGO_SPLIT), END["E44"], child)
        grown = np.array([END["E5"], END["E6"], END["E8"]])[rng.choice(3, n, p=[0.55, 0.3, 0.15])]
        grown = np.where(stay, END["E17"], grown)
        reason = np.select(
            [spans.is_short_break, is_leaver & adult, is_leaver],
            [END["E8"], grown, END["E4A"]],
            child,
        )
        return reason[of].astype(np.int32)

    def _placements(self, recorded: Ints, finished: Ints) -> Iterator[Rows]:
        rng, spans, parts = self.rng, self.periods, self.episodes
        first = parts.placement_first
        of = parts.period[first]
        n = len(first)
        person = spans.person[of]
        start, end = parts.start[first], parts.placement_end
        age = (start - self.people.born[person]) / YEAR

        def choose(shares: dict[str, float]) -> Numbers:
            codes = np.array([say.PLACEMENTS.index(code) for code in shares])
            weight = np.array(list(shares.values()))
            return codes[rng.choice(len(codes), n, p=weight / weight.sum())]

        kind = np.select(
            [spans.is_short_break[of], age >= 16, age >= 11],
            [
                choose({"U6": 0.6, "K2": 0.4}),
                choose({"H5": 30, "U4": 14, "U6": 18, "K2": 16, "R1": 5, "P2": 10, "K1": 1,
                        "R5": 2, "U1": 4}),
                choose({"U6": 38, "U4": 18, "U1": 8, "K2": 26, "S1": 3, "P1": 5, "K1": 1, "T0": 1}),
            ],
            choose({"U6": 50, "U4": 14, "U1": 14, "U3": 6, "P1": 7, "R3": 3, "A5": 3, "U5": 3}),
        )  # fmt: skip
        named = np.array(say.PLACEMENTS, dtype=object)[kind]
        provider = np.select(
            [named == "P1", np.isin(named, ["U1", "U3"]), np.isin(named, ["K1", "R5"])],
            [0, 1, 3],
            np.array([1, 4, 5])[rng.choice(3, n, p=[0.45, 0.48, 0.07])],
        )
        moves_on = np.append(np.diff(of) == 0, False)
        overlaps = moves_on & (rng.random(n) < self.dirt.overlapping_placement)
        end = end + np.where(overlaps, rng.integers(2, 20, n), 0)
        last_episode = np.append(first[1:], len(parts.period)) - 1
        ids = numbered("P", 30_001, n)
        yield self._rows("ssd_cla_placement", {
            "clap_cla_placement_id": refers(np.arange(n), ids),
            "clap_cla_placement_start_date": dates(start),
            "clap_cla_placement_type": coded(kind, say.PLACEMENTS),
            "clap_cla_placement_urn": refers(
                np.where(provider == 0, -1, rng.integers(0, 400, n)), numbered("ZZ", 1000, 400)
            ),
            "clap_cla_placement_distance": coded(
                np.minimum(rng.gamma(1.2, 90, n), 1499).astype(int),
                [f"{tenths / 10:g}" for tenths in range(1500)],
            ),
            "clap_cla_id": refers(of, self.period_ids),
            "clap_cla_placement_provider": coded(provider, say.PROVIDERS),
            "clap_cla_placement_postcode": refers(
                rng.integers(0, len(self.postcodes) - 1, n), self.postcodes
            ),
            "clap_cla_placement_end_date": dates(
                end, since=np.maximum(finished[last_episode], recorded[first])
            ),
            "clap_cla_placement_change_reason": coded(
                np.where(moves_on, rng.integers(0, len(say.PLACEMENT_CHANGES), n), -1),
                say.PLACEMENT_CHANGES, since=finished[last_episode],
            ),
            "clap_person_id": self._person(person),
        }, recorded[first], key="clap_cla_placement_id")  # fmt: skip
        yield self._rows(
            "ssd_s251_finance", {"s251_cla_placement_id": refers(np.arange(n), ids)},
            recorded[first] + 20, row_id="s251_table_id",
        )  # fmt: skip

    def _contact_with_looked_after(self) -> Iterator[Rows]:
        rng, spans = self.rng, self.periods
        long = np.flatnonzero(~spans.is_short_break)
        person = spans.person[long]
        begin = np.maximum(spans.start[long], FIRST_DAY)
        end = np.maximum(spans.end[long], begin)
        yield self._visits(
            "ssd_cla_visits", "clav_cla_visit", "clav_person_id", person, begin, end, 45.0,
            bedroom=False,
            extra=lambda which: {"clav_cla_id": refers(long[which], self.period_ids)},
        )  # fmt: skip
        until = np.minimum(end, HORIZON)
        index, number = expand((1 + (until - begin) // 175).astype(np.int32))
        due = begin[index] + 20 + 172 * number
        held = due + rng.integers(-9, 12, len(due))
        kept = held <= end[index]
        index, due, held = index[kept], due[kept], held[kept]
        n = len(index)
        yield self._rows("ssd_cla_reviews", {
            "clar_cla_review_id": refers(np.arange(n), numbered("CLAR", 1, n)),
            "clar_cla_id": refers(long[index], self.period_ids),
            "clar_cla_review_due_date": dates(due),
            "clar_cla_review_date": dates(held),
            "clar_cla_review_cancelled": self._flag(n, 0.02),
            "clar_cla_review_participation": self._pick(n, say.PARTICIPATION),
        }, self._typed(held), key="clar_cla_review_id")  # fmt: skip

        index, number = expand((1 + (until - begin) // 110).astype(np.int32))
        start = begin[index] + 9 + 110 * number
        next_start = np.append(start[1:], NEVER)
        last = np.append(np.diff(index) != 0, True)
        yield self._rows("ssd_cla_care_plan", {
            "lacp_person_id": self._person(person[index]),
            "lacp_cla_care_plan_start_date": dates(start),
            "lacp_cla_care_plan_end_date": self._ended(
                np.where(last, np.maximum(end[index], start + 1), next_start)
            ),
            "lacp_cla_care_plan_json": coded(
                rng.integers(0, len(say.CARE_PLANS), len(index)), say.CARE_PLANS
            ),
        }, self._typed(start), row_id="lacp_table_id")  # fmt: skip
        yield from self._permanence(long)

    def _permanence(self, long: Numbers) -> Iterator[Rows]:
        rng, spans = self.rng, self.periods
        _, first = np.unique(spans.person[long], return_index=True)
        once = long[first]
        n = len(once)
        before = rng.random(n) < 0.05
        start = spans.start[once]
        known = np.char.add("01/06/", (2004 + rng.integers(0, 8, n)).astype(str))
        words, code = np.unique(np.where(before, known, "zz/zz/zzzz"), return_inverse=True)
        yield self._rows("ssd_cla_previous_permanence", {
            "lapp_person_id": self._person(spans.person[once]),
            "lapp_previous_permanence_order_date": coded(
                np.where(before, code, -1), [str(word) for word in words]
            ),
            "lapp_previous_permanence_option": coded(
                np.where(before, rng.integers(0, 3, n), 3), ("P1", "P2", "P3", "Z1")
            ),
            "lapp_previous_permanence_la": coded(np.where(before, 0, -1), ("Other authority",)),
        }, self._typed(start + 5), row_id="lapp_table_id")  # fmt: skip

        reason = np.zeros(len(spans), dtype=np.int32)
        reason[self.episodes.period] = self.end_reason
        order = np.flatnonzero(
            np.isin(reason, [END["E12"], END["E44"], END["E48"], END["E41"]])
            & ~spans.is_short_break
        )
        n = len(order)
        start, end = spans.start[order], spans.end[order]
        middle = (start + end) // 2
        shown = self._typed(end)
        adopted = reason[order] == END["E12"]
        kind = np.select([adopted, reason[order] == END["E41"]], [0, 2], 1)

        def if_adopted(days: Numbers) -> Column:
            return dates(np.where(adopted, days, NEVER), since=days.astype(np.int32) + 4)

        yield self._rows("ssd_permanence", {
            "perm_person_id": self._person(spans.person[order]),
            "perm_cla_id": refers(order, self.period_ids),
            "perm_adm_decision_date": if_adopted(middle),
            "perm_placement_order_date": if_adopted(middle + (end - middle) // 4),
            "perm_matched_date": if_adopted(middle + (end - middle) // 3),
            "perm_placed_for_adoption_date": if_adopted(middle + (end - middle) // 2),
            "perm_adopted_by_carer_flag": coded(
                np.where(adopted, rng.random(n) < 0.15, -1), ("N", "Y"), since=shown
            ),
            "perm_part_of_sibling_group": self._pick(n, ("0", "1"), (0.6, 0.4)),
            "perm_siblings_placed_together": self._pick(n, ("0", "1", "2"), (0.7, 0.2, 0.1)),
            "perm_siblings_placed_apart": self._pick(n, ("0", "1", "2"), (0.8, 0.15, 0.05)),
            "perm_permanence_order_date": dates(end, since=shown),
            "perm_permanence_order_type": coded(
                kind, ("Adoption", "Special Guardianship",
                       "Child Arrangements Order/ Residence Order"), since=shown,
            ),
            "perm_adoption_worker_id": self._worker(
                np.full(n, say.TEAMS.index("Adoption and Permanence Team"))
            ),
            "perm_adopter_sex": coded(
                np.where(adopted, rng.integers(0, 3, n), -1), ("F1", "MF", "FF"), since=shown
            ),
            "perm_adopter_legal_status": coded(
                np.where(adopted, rng.integers(0, 3, n), -1), ("L0", "L11", "L3"), since=shown
            ),
            "perm_number_of_adopters": coded(
                np.where(adopted, rng.integers(0, 2, n), -1), ("1", "2"), since=shown
            ),
        }, self._typed(middle), row_id="perm_table_id")  # fmt: skip

    def _health_of_looked_after(self) -> Iterator[Rows]:
        rng, spans = self.rng, self.periods
        long = np.flatnonzero(~spans.is_short_break)
        person = spans.person[long]
        begin = np.maximum(spans.start[long], FIRST_DAY)
        until = np.minimum(np.maximum(spans.end[long], begin), HORIZON)
        age_15 = self.people.born[person] + np.int32(16 * YEAR)

        def yearly(every: int, offset: int) -> tuple[Numbers, Ints]:
            counts = ((until - begin + every - offset) // every).clip(0)
            index, number = expand(counts.astype(np.int32))
            day = begin[index] + offset + every * number + rng.integers(0, 20, len(index))
            kept = day <= until[index]
            return day[kept], index[kept]

        check_day, check = yearly(355, 20)
        tooth_day, tooth = yearly(350, 60)
        index = np.concatenate((check, tooth))
        day = np.concatenate((check_day, tooth_day))
        kind = np.repeat([0, 1], [len(check), len(tooth)])
        n = len(day)
        yield self._rows("ssd_cla_health", {
            "clah_health_check_id": refers(np.arange(n), numbered("H", 1, n)),
            "clah_person_id": self._person(person[index]),
            "clah_health_check_type": coded(kind, ("Health Assessment", "Dental Check")),
            "clah_health_check_date": dates(day),
            "clah_health_check_status": self._pick(n, ("Completed", "Refused"), (0.93, 0.07)),
        }, self._typed(day), key="clah_health_check_id")  # fmt: skip

        who, first = np.unique(person, return_index=True)
        since, phase = begin[first] + 25, rng.integers(0, 365, len(who))

        def updated(day: int) -> Ints:
            latest = day - (day - phase) % 365
            return date_positions(np.maximum(np.minimum(latest, until[first]), since))

        yield self._rows("ssd_cla_immunisations", {
            "clai_person_id": self._person(who),
            "clai_immunisations_status": self._flag(len(who), 0.88),
            "clai_immunisations_status_date": Column(updated, DATE_WORDS),
        }, since, key="clai_person_id")  # fmt: skip

        day, index = yearly(365, 90)
        old = (day - self.people.born[person[index]]) / YEAR
        day, index = day[(old >= 4) & (old < 17)], index[(old >= 4) & (old < 17)]
        n = len(day)
        missing = rng.random(n) < 0.08
        yield self._rows("ssd_sdq_scores", {
            "csdq_person_id": self._person(person[index]),
            "csdq_sdq_completed_date": dates(day),
            "csdq_sdq_reason": coded(
                np.where(missing, rng.integers(0, 2, n), -1), ("SDQ2", "SDQ4")
            ),
            "csdq_sdq_score": coded(
                np.where(missing, -1, rng.integers(0, 36, n)), [str(score) for score in range(41)]
            ),
        }, self._typed(day), row_id="csdq_table_id")  # fmt: skip

        day, index = yearly(120, 40)
        teen = day > age_15[index] - 4 * YEAR
        ran = teen & (rng.random(len(day)) < 0.35)
        day, index = day[ran], index[ran]
        n = len(day)
        offered = rng.random(n) < 0.9
        yield self._rows("ssd_missing", {
            "miss_person_id": self._person(person[index]),
            "miss_missing_episode_start_date": dates(day),
            "miss_missing_episode_type": self._pick(n, ("Missing", "Away"), (0.8, 0.2)),
            "miss_missing_episode_end_date": self._ended(day + rng.geometric(0.5, n)),
            "miss_missing_rhi_offered": coded(offered, ("N", "Y")),
            "miss_missing_rhi_accepted": coded(
                np.where(offered, rng.random(n) < 0.6, -1), ("N", "Y")
            ),
        }, self._typed(day), row_id="miss_table_id")  # fmt: skip

        for table, prefix, share in (("ssd_cla_convictions", "clac", 0.05),
                                     ("ssd_cla_substance_misuse", "clas", 0.06)):  # fmt: skip
            day, index = yearly(300, 100)
            chosen = (day > age_15[index] - 3 * YEAR) & (rng.random(len(day)) < share)
            day, index = day[chosen], index[chosen]
            n = len(day)
            if prefix == "clac":
                yield self._rows(table, {
                    "clac_cla_conviction_id": refers(np.arange(n), numbered("V", 1, n)),
                    "clac_person_id": self._person(person[index]),
                    "clac_cla_conviction_date": dates(day),
                    "clac_cla_conviction_offence": self._pick(
                        n, ("Theft", "Criminal damage", "Common assault", "Public order")
                    ),
                }, self._typed(day + 40), key="clac_cla_conviction_id")  # fmt: skip
            else:
                yield self._rows(table, {
                    "clas_substance_misuse_id": refers(np.arange(n), numbered("SM", 1, n)),
                    "clas_person_id": self._person(person[index]),
                    "clas_substance_misuse_date": dates(day),
                    "clas_substance_misused": self._pick(n, ("Cannabis", "Alcohol", "Other")),
                    "clas_intervention_received": self._flag(n, 0.7),
                }, self._typed(day), key="clas_substance_misuse_id")  # fmt: skip

    def _education(self) -> Iterator[Rows]:
        rng, folk = self.rng, self.people
        pupils = np.flatnonzero(rng.random(len(folk)) < 0.3)
        n = len(pupils)
        recorded = self._typed(folk.known[pupils] + 20)
        upns = vocabulary(say.invalid_upns(rng, n))
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
            return np.asarray(young.eligibility(day) != leavers.NONE)

        def in_touch(day: int) -> Ints:
            return young.now("in_touch", day).astype(np.int32)

        def contacted(day: int) -> Ints:
            latest = np.maximum(day - (day - phase) % CONTACT_CYCLE, young.recorded)
            return date_positions(np.where(in_touch(day) == leavers.YES, latest, NEVER))

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
        vanishing = np.flatnonzero((young.group == leavers.BOTH) & (young.recorded < back - 60))[:2]
        gone = (young.group == leavers.FIRST_ONLY) & (rng.random(n) < 0.4)
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
