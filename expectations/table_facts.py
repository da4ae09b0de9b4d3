"""What rules for many tables know about each table, beyond the contract.

Which dates may be planned, which dates may come before a birth or after a death, what may not go on
twice at a time, how long a spell can last, and which records a record refers to. A date or an id
that the contract gains later is judged at once, unless it gets an exception here.
tests/no_database/test_rules_kinds.py compares these facts with the contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from carepath.contract.model import load_contract

# A record may be about an unborn child from the first weeks of the pregnancy.
DAYS_BEFORE_BIRTH: Final = 300

# Dates that may lie after the night, by entity and column in staging, with the reason.
PLANNED: Final[Mapping[str, Mapping[str, str]]] = {
    "address": {"end_date": "a tenancy can have a known last day"},
    "carers": {"left_date": "a carer gives notice"},
    "cla_care_plan": {"end_date": "a plan can have a planned last day"},
    "cla_reviews": {"due_date": "it is the day by which the review must happen"},
    "cp_reviews": {"review_due_date": "it is the day by which the review must happen"},
    "ehcp_named_plan": {
        "start_date": "a school place can start next term",
        "end_date": "a school place can have a planned last day",
    },
    "immigration_status": {"end_date": "leave to remain has a known last day"},
    "initial_cp_conference": {"target_date": "it is the day by which the conference must happen"},
    "legal_status": {"end_date": "an interim order has a known last day"},
    "linked_identifiers": {"valid_to_date": "an identifier can have a known last day"},
    "person": {"expected_birth_date": "the child is not born yet"},
    "placement_costs": {
        "from_date": "a price can be agreed in advance",
        "to_date": "a price can be agreed for a fixed time",
    },
    "programme_costs": {
        "period_start_date": "an amount can be for a period to come",
        "period_end_date": "an amount can be for a period to come",
    },
    "programme_membership": {"end_date": "a programme can have a planned last day"},
}

# Dates in the future that a rule of their own judges: DATE-20 to DATE-23.
FUTURE_JUDGED_ELSEWHERE: Final[Mapping[str, tuple[str, ...]]] = {
    "care_leavers": ("latest_contact_date", "pathway_plan_review_date"),
    "cla_episodes": ("start_date",),
    "eet_status": ("recorded_date",),
}

# Dates on which a worker finishes something. They may come after the person's death.
PAPERWORK: Final = frozenset(
    {
        "authorised_date", "close_date", "due_date", "end_date", "outcome_date", "review_due_date",
        "status_date", "stepdown_or_issue_date", "target_date", "to_date", "valid_to_date",
    }
)  # fmt: skip

# Dates that are about somebody else: a mother's record holds the birth of her child.
ABOUT_ANOTHER: Final[Mapping[str, tuple[str, ...]]] = {"mother": ("childs_birth_date",)}

# Tables that may be about an unborn child.
UNBORN: Final = (
    "address",
    "cin_assessments",
    "cin_episodes",
    "cin_plans",
    "cin_visits",
    "contacts",
    "cp_plans",
    "cp_reviews",
    "cp_visits",
    "early_help_episodes",
    "initial_cp_conference",
    "involvements",
    "linked_identifiers",
    "panel_cases",
    "pre_proceedings",
    "s47_enquiry",
)

# Tables that are only about children: nothing in them may begin after the 18th birthday.
ONLY_CHILDREN: Final = (
    "cla_episodes",
    "cla_placement",
    "cp_plans",
    "cp_reviews",
    "cp_visits",
    "initial_cp_conference",
    "legal_status",
    "missing",
    "pre_proceedings",
    "s47_enquiry",
)


@dataclass(frozen=True)
class Spell:
    """Something that lasts from one date to another.

    Attributes:
        start, end: columns of the first day and of the day after the last.
        alone_by: a person can have one at a time for each value of these columns; None where
            several may go on together, or where another rule judges it.
        most_days: a longer spell is not believable; None where there is no such limit.
        is_work: an open one means that somebody still works with the person.
    """

    start: str
    end: str
    alone_by: tuple[str, ...] | None = None
    most_days: int | None = None
    is_work: bool = False


YEAR: Final = 366

SPELLS: Final[Mapping[str, Spell]] = {
    "address": Spell("start_date", "end_date", ("address_type",)),
    "cin_assessments": Spell("start_date", "authorised_date", None, YEAR, is_work=True),
    "cin_episodes": Spell("referral_date", "close_date", None, 18 * YEAR, is_work=True),
    "cin_plans": Spell("start_date", "end_date", (), 10 * YEAR, is_work=True),
    "cla_care_plan": Spell("start_date", "end_date", (), 18 * YEAR, is_work=True),
    "cla_episodes": Spell("start_date", "end_date", None, 18 * YEAR, is_work=True),
    "cla_placement": Spell("start_date", "end_date", None, 18 * YEAR, is_work=True),
    "cp_plans": Spell("start_date", "end_date", (), 6 * YEAR, is_work=True),
    "early_help_episodes": Spell("start_date", "end_date", None, 5 * YEAR, is_work=True),
    "immigration_status": Spell("start_date", "end_date", ()),
    "involvements": Spell("start_date", "end_date", is_work=True),
    "legal_status": Spell("start_date", "end_date", None, 18 * YEAR, is_work=True),
    "missing": Spell("start_date", "end_date", (), YEAR, is_work=True),
    "programme_membership": Spell(
        "start_date", "end_date", ("programme_code",), 10 * YEAR, is_work=True
    ),
    "s47_enquiry": Spell("start_date", "end_date", None, YEAR // 2, is_work=True),
}

# The tables that a record refers to: what it is called, the entity, and the id that must be in it.
TARGETS: Final[Mapping[str, tuple[str, str]]] = {
    "referral": ("cin_episodes", "referral_id"),
    "cin_plan": ("cin_plans", "cin_plan_id"),
    "cp_plan": ("cp_plans", "cp_plan_id"),
    "conference": ("initial_cp_conference", "conference_id"),
    "enquiry": ("s47_enquiry", "s47_enquiry_id"),
    "assessment": ("cin_assessments", "assessment_id"),
    "placement": ("cla_placement", "placement_id"),
    "carer": ("carers", "carer_id"),
    "worker": ("professionals", "professional_id"),
    "team": ("department", "team_id"),
    "person": ("person", "person_id"),
    "request": ("ehcp_requests", "request_id"),
    "plan": ("ehcp_active_plans", "active_plan_id"),
    "ehc_assessment": ("ehcp_assessment", "assessment_id"),
}

# By entity: which of its columns refer to which target.
REFERENCES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "alliance_inventories": {"worker": ("worker_id",)},
    "assessment_factors": {"assessment": ("assessment_id",)},
    "care_leavers": {"worker": ("personal_adviser_id", "worker_id"), "team": ("team_id",)},
    "case_status": {"team": ("team_id",)},
    "cin_assessments": {
        "referral": ("referral_id",),
        "worker": ("worker_id",),
        "team": ("team_id",),
    },
    "cin_episodes": {"worker": ("worker_id",), "team": ("team_id",)},
    "cin_plans": {"referral": ("referral_id",), "worker": ("worker_id",), "team": ("team_id",)},
    "cin_visits": {"cin_plan": ("cin_plan_id",)},
    "cla_episodes": {"placement": ("placement_id",), "referral": ("referral_id",)},
    "cp_plans": {"referral": ("referral_id",), "conference": ("conference_id",)},
    "cp_reviews": {"cp_plan": ("cp_plan_id",)},
    "cp_visits": {"cp_plan": ("cp_plan_id",)},
    "early_help_episodes": {"worker": ("worker_id",)},
    "eet_status": {"worker": ("recorded_by",)},
    "ehcp_active_plans": {"request": ("request_id",)},
    "ehcp_assessment": {"request": ("request_id",)},
    "ehcp_named_plan": {"ehc_assessment": ("assessment_id",)},
    "initial_cp_conference": {
        "enquiry": ("s47_enquiry_id",),
        "cp_plan": ("cp_plan_id",),
        "referral": ("referral_id",),
        "worker": ("worker_id",),
        "team": ("team_id",),
    },
    "interviews": {"team": ("team_id",)},
    "involvements": {
        "worker": ("professional_id",),
        "team": ("team_id",),
        "referral": ("referral_id",),
    },
    "mother": {"person": ("childs_person_id",)},
    "placement_costs": {"carer": ("carer_id",)},
    "practice_observations": {"worker": ("worker_id",), "team": ("team_id",)},
    "programme_membership": {"team": ("team_id",)},
    "s251_finance": {"placement": ("placement_id",)},
    "s47_enquiry": {"referral": ("referral_id",), "worker": ("worker_id",), "team": ("team_id",)},
    "sen_need": {"plan": ("active_plan_id",)},
}


def dates_of(entity: str) -> tuple[str, ...]:
    """Return the dates of an entity, as staging calls them."""
    return tuple(
        column.as_name
        for column in load_contract().by_entity(entity).columns
        if column.type == "date"
    )


def own_dates(entity: str) -> tuple[str, ...]:
    """Return the dates that belong to the person's own life, without birth and death."""
    if entity == "person":
        return ()
    return tuple(name for name in dates_of(entity) if name not in ABOUT_ANOTHER.get(entity, ()))


def dates_of_events(entity: str) -> tuple[str, ...]:
    """Return the dates on which something happened with the person, who was alive then."""
    return tuple(name for name in own_dates(entity) if name not in PAPERWORK)


def dates_past(entity: str) -> tuple[str, ...]:
    """Return the dates that cannot lie after the night, and that no other rule judges."""
    excused = (*PLANNED.get(entity, ()), *FUTURE_JUDGED_ELSEWHERE.get(entity, ()))
    return tuple(name for name in dates_of(entity) if name not in excused)


def referring_to(target: str) -> tuple[str, ...]:
    """Return the entities with a column that refers to `target`."""
    return tuple(entity for entity, targets in REFERENCES.items() if target in targets)
