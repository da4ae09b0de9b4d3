"""The payload of the Department's daily data flow, written as files. Carepath sends nothing.

The Department's API takes an array of at most 100 children in a request. Each file is one.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from carepath.returns.children_in_need import factor_codes, is_conference_not_required
from carepath.returns.records import Records, open_records
from carepath.returns.remarks import Remarks, Row, iso
from carepath.returns.written import Written, write_files

MOST_CHILDREN: Final = 100
CLOSED_SINCE_DAYS: Final = 365  # an episode that was closed longer ago is not sent
HAS_LEFT_CARE: Final = ("R", "F", "Q")  # an eligible child is still looked after
_CHILD_ID: Final = re.compile(r"[A-Za-z0-9]{1,20}", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,36}", re.ASCII)
_WORKER_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,12}", re.ASCII)


def write_daily(authority: str | None, folder: Path) -> Written:
    """Write the children with an episode that is open, or was closed in the last 365 days.

    Args:
        authority: ONS code; None if there is only one.
        folder: where the files go; none of them may exist.

    Raises:
        CarepathError: there are no records, or a file exists.
    """
    remarks = Remarks()
    with open_records(authority) as records:
        children = list(_Payload(records, remarks).children())
        code = records.authority
    contents = {}
    for number, start in enumerate(range(0, len(children), MOST_CHILDREN), 1):
        part = children[start : start + MOST_CHILDREN]
        data = json.dumps(part, ensure_ascii=False, indent=1).encode() + b"\n"
        contents[folder / f"children_{number:04}.json"] = (data, len(part))
    files = write_files("daily", code, None, contents)
    return Written(files, remarks.all())


def _filled(**values: Any) -> dict[str, Any]:
    """Return the values that are known; a day as text."""
    return {
        name: iso(value) if isinstance(value, dt.date) else value
        for name, value in values.items()
        if value is not None and value != []
    }


class _Payload:
    """The records of an authority, and the object of each child."""

    def __init__(self, records: Records, remarks: Remarks) -> None:
        self.remarks, self.night = remarks, records.night
        self.since = records.night - dt.timedelta(days=CLOSED_SINCE_DAYS)
        self.ids = records.sent_ids()
        self.people = {
            row["person_id"]: row for row in records.of("stg_person", "person_id known_from")
        }

        def by(column: str, view: str, order: str) -> dict[str, list[Row]]:
            found = defaultdict(list)
            for row in records.of(f"stg_{view}", order):
                if row[column]:
                    found[row[column]].append(row)
            return found

        self.episodes = by("person_id", "cin_episodes", "person_id referral_date referral_id")
        self.disabilities = by("person_id", "disability", "person_id disability_code")
        self.uasc = by("person_id", "immigration_status", "person_id start_date record_key")
        self.addresses = by("person_id", "address", "person_id start_date record_key")
        self.scores = by("person_id", "sdq_scores", "person_id completed_date record_key")
        self.workers = by("referral_id", "involvements", "referral_id start_date record_key")
        self.numbers = {
            row["professional_id"]: row["registration_number"]
            for row in records.of("stg_professionals", "professional_id known_from")
        }
        self.assessments = by("referral_id", "cin_assessments", "start_date assessment_id")
        self.factors = {
            row["assessment_id"]: row["assessment_factors_json"]
            for row in records.of("stg_assessment_factors", "record_key")
        }
        self.plans = by("referral_id", "cin_plans", "start_date cin_plan_id")
        self.enquiries = by("referral_id", "s47_enquiry", "start_date s47_enquiry_id")
        self.conferences = by("s47_enquiry_id", "initial_cp_conference", "conference_date")
        self.protection = by("referral_id", "cp_plans", "start_date cp_plan_id")

        self.care = by("referral_id", "cla_episodes", "person_id start_date record_key")
        self.placements = {
            row["placement_id"]: row
            for row in records.of("stg_cla_placement", "placement_id start_date record_key")
        }
        self.permanence = by("person_id", "permanence", "person_id record_key")
        self.leavers = by("person_id", "care_leavers", "person_id record_key")
        # the referrals that the episodes of a period of care name, by child and period
        self.referrals: dict[tuple[str, str], set[str]] = defaultdict(set)
        for referral, rows in self.care.items():
            for row in rows:
                self.referrals[row["person_id"], row["cla_id"]].add(referral)

    def children(self) -> Iterator[dict[str, Any]]:
        """Yield each child whose id the API takes, in order of id."""
        for person_id in sorted(self.episodes):
            episodes = [row for row in self.episodes[person_id] if self._is_recent(row)]
            person = self.people.get(person_id)
            if not episodes:
                continue
            sent = self.ids.get(person_id, person_id)
            if person is None or not _CHILD_ID.fullmatch(sent):
                self.remarks.add(
                    "la_child_id",
                    "The child is left out: the API takes ids of up to 20 letters and digits, of"
                    " children who are delivered.",
                )
                continue
            adoptions = self._adoptions(person_id)
            left_care = self._left_care(person_id, episodes)
            found = [
                each | _filled(adoption=adoptions.get(name), care_leavers=left_care.get(name))
                for row in episodes
                for name in [row["referral_id"]]
                if (each := self._episode(row))
            ]
            yield _filled(
                la_child_id=sent,
                child_details=self._details(person),
                health_and_wellbeing=self._health(person_id),
                social_care_episodes=found,
            )

    def _is_recent(self, row: Row) -> bool:
        closed = row["close_date"]
        if row["is_no_further_action"] and closed is None:
            closed = row["referral_date"]
        return closed is None or closed >= self.since

    def _details(self, person: Row) -> dict[str, Any]:
        person_id = person["person_id"]
        disabilities = [
            self._code(row, "disability", "disabilities")
            for row in self.disabilities.get(person_id, ())
        ]
        uasc = [
            row for row in self.uasc.get(person_id, ()) if row["immigration_status_code"] == "UASC"
        ]
        upn = person["upn"]
        if upn is not None and len(upn) != 13:
            self.remarks.add("unique_pupil_number", "It does not have 13 characters: left out.")
            upn = None
        addresses = [
            row
            for row in self.addresses.get(person_id, ())
            if row["postcode"] and (row["end_date"] is None or row["end_date"] >= self.night)
        ]
        postcode = str(addresses[-1]["postcode"]) if addresses else None
        return _filled(
            unique_pupil_number=upn,
            unique_pupil_number_unknown_reason=self._code(person, "upn_unknown", "upn_unknown"),
            first_name=person["forename"],
            surname=person["surname"],
            date_of_birth=person["birth_date"],
            expected_date_of_birth=person["expected_birth_date"],
            sex=self._code(person, "sex", "sex"),
            ethnicity=self._code(person, "ethnicity", "ethnicity"),
            disabilities=list(dict.fromkeys(filter(None, disabilities)))[:12],
            postcode=postcode if postcode and len(postcode) <= 8 else None,
            uasc_flag=True if uasc else None,
            uasc_end_date=uasc[-1]["end_date"] if uasc else None,
        )

    def _health(self, person_id: str) -> dict[str, Any] | None:
        scores = [
            _filled(date=row["completed_date"], score=row["sdq_score"])
            for row in self.scores.get(person_id, ())
            if row["sdq_score"] is not None
        ]
        return {"sdq_assessments": scores} if scores else None

    def _episode(self, row: Row) -> dict[str, Any] | None:
        referral = row["referral_id"]
        if not self._has_id(referral, "social_care_episode_id"):
            return None
        return _filled(
            social_care_episode_id=referral,
            referral_date=row["referral_date"],
            referral_source=self._code(row, "referral_source", "referral_source"),
            referral_no_further_action_flag=row["is_no_further_action"],
            closure_date=row["close_date"],
            closure_reason=self._code(row, "close_reason", "closure_reason"),
            care_worker_details=list(self._workers(referral)),
            child_and_family_assessments=[
                _filled(
                    child_and_family_assessment_id=each["assessment_id"],
                    start_date=each["start_date"],
                    authorisation_date=each["authorised_date"],
                    factors=self._factors(each["assessment_id"]),
                )
                for each in self._with_id(self.assessments, referral, "assessment_id")
            ],
            child_in_need_plans=[
                _filled(
                    child_in_need_plan_id=each["cin_plan_id"],
                    start_date=each["start_date"],
                    end_date=each["end_date"],
                )
                for each in self._with_id(self.plans, referral, "cin_plan_id")
            ],
            section_47_assessments=[
                self._enquiry(each)
                for each in self._with_id(self.enquiries, referral, "s47_enquiry_id")
            ],
            child_protection_plans=[
                _filled(
                    child_protection_plan_id=each["cp_plan_id"],
                    start_date=each["start_date"],
                    end_date=each["end_date"],
                )
                for each in self._with_id(self.protection, referral, "cp_plan_id")
            ],
            child_looked_after_placements=list(self._placements(referral)),
        )

    def _enquiry(self, row: Row) -> dict[str, Any]:
        conferences = self.conferences.get(row["s47_enquiry_id"], [])
        days = [each["conference_date"] for each in conferences if each["conference_date"]]
        is_decided = bool(conferences) or row["end_date"] or row["outcome_json"]
        is_required = not is_conference_not_required(row, bool(conferences))
        return _filled(
            section_47_assessment_id=row["s47_enquiry_id"],
            start_date=row["start_date"],
            icpc_required_flag=is_required if is_decided else None,
            icpc_date=days[0] if days else None,
            end_date=row["end_date"],
        )

    def _placements(self, referral: str) -> Iterator[dict[str, Any]]:
        for row in self.care.get(referral, ()):
            number = f"{row['person_id']}-{iso(row['start_date'])}"
            if not row["start_date"] or not self._has_id(number, "child_looked_after_placement_id"):
                continue
            placement = self.placements.get(row["placement_id"])
            postcode = placement["postcode"] if placement else None
            yield _filled(
                child_looked_after_placement_id=number,
                start_date=row["start_date"],
                start_reason=self._code(row, "start_reason", "start_reason"),
                placement_type=self._code(placement, "placement_type", "placement_type")
                if placement
                else None,
                postcode=postcode if postcode and len(postcode) <= 8 else None,
                end_date=row["end_date"],
                end_reason=self._code(row, "end_reason", "end_reason"),
                change_reason=self._code(placement, "change_reason", "change_reason")
                if placement and row["end_date"] and placement["end_date"] == row["end_date"]
                else None,
            )

    def _adoptions(self, person_id: str) -> dict[str, dict[str, Any]]:
        """Return the adoption of each referral; the API takes one, so the latest."""
        found: dict[str, dict[str, Any]] = {}
        for row in self.permanence.get(person_id, ()):
            dates = _filled(
                initial_decision_date=row["adm_decision_date"],
                matched_date=row["matched_date"],
                placed_date=row["placed_for_adoption_date"],
            )
            ended = iso(row["decision_reversed_date"])
            if not dates:
                continue
            referrals = self.referrals.get((person_id, row["cla_id"]), set())
            if ended and ended >= max(dates.values()):
                what = "The decision was reversed, which the API cannot say: left out."
            elif len(referrals) != 1:
                what = "The episodes of this period of care do not name one referral: left out."
            elif referrals & found.keys():
                what = "The referral has several adoptions: only the latest is written."
                found |= {
                    name: dates
                    for name in referrals
                    if max(found[name].values()) < max(dates.values())
                }
            else:
                found |= dict.fromkeys(referrals, dates)
                continue
            self.remarks.add("adoption", what)
        return found

    def _left_care(self, person_id: str, episodes: Sequence[Row]) -> dict[str, dict[str, Any]]:
        """Return what is known of a care leaver, by the referral that lasts on the latest contact.

        Without a date of contact it is the referral that lasts on the night.
        """
        rows = [
            row
            for row in self.leavers.get(person_id, ())
            if self._code(row, "eligibility", "care_leavers") in HAS_LEFT_CARE
        ]
        if not rows:
            return {}
        row = max(rows, key=lambda each: each["latest_contact_date"] or dt.date.min)
        self.remarks.add(
            "care_leavers", "The person is delivered twice: only one is written.", len(rows) - 1
        )
        day = row["latest_contact_date"] or self.night
        lasting = [
            each["referral_id"]
            for each in episodes
            if not each["is_no_further_action"]
            and (each["referral_date"] or day) <= day <= (each["close_date"] or day)
        ]
        if not lasting:
            self.remarks.add(
                "care_leavers",
                "No referral that is sent lasted on the date of the latest contact: left out.",
            )
            return {}
        known = _filled(
            contact_date=row["latest_contact_date"],
            activity=self._code(row, "activity", "activity"),
            accommodation=self._code(row, "accommodation", "accommodation"),
        )
        return {lasting[-1]: known} if known else {}

    def _workers(self, referral: str) -> Iterator[dict[str, Any]]:
        for row in self.workers.get(referral, ()):
            number = self.numbers.get(row["professional_id"]) or row["professional_id"]
            if number and _WORKER_ID.fullmatch(number):
                yield _filled(
                    worker_id=number, start_date=row["start_date"], end_date=row["end_date"]
                )
            else:
                self.remarks.add(
                    "care_worker_details",
                    "The worker is left out: the API takes ids of up to 12 letters and digits.",
                )

    def _factors(self, assessment: str) -> list[str]:
        found = factor_codes(self.factors.get(assessment))
        short = [factor for factor in dict.fromkeys(found) if len(factor) <= 3][:41]
        self.remarks.add(
            "factors",
            "A factor is left out: it is twice or is not a code.",
            len(found) - len(short),
        )
        return short

    def _with_id(
        self, rows: Mapping[str, Sequence[Row]], referral: str, column: str
    ) -> Iterable[Row]:
        return [row for row in rows.get(referral, ()) if self._has_id(row[column], column)]

    def _has_id(self, value: str | None, place: str) -> bool:
        if value is not None and _ID.fullmatch(value):
            return True
        self.remarks.add(
            place,
            "The record is left out: the API takes ids of up to 36 letters, digits, _ and -.",
        )
        return False

    def _code(self, row: Row, name: str, place: str) -> str | None:
        return self.remarks.code(row, name, place)
