"""Rules for many tables at once: each compares every record with the person's life, the calendar,
the record before it and the records that it refers to.

expectations/table_facts.py says what each table allows. The rules are part of `every_table`.
"""

from __future__ import annotations

from expectations.kinds import contradiction
from expectations.rule import BI_TEAM, LOOKED_AFTER, SAFEGUARDING, STEWARD, Rule
from expectations.subjects import tables_about_people, tables_with_dates
from expectations.table_facts import (
    DAYS_BEFORE_BIRTH,
    ONLY_CHILDREN,
    SPELLS,
    TARGETS,
    UNBORN,
    dates_of_events,
    own_dates,
    referring_to,
)

ABOUT_PEOPLE = tuple(name for name in tables_about_people() if own_dates(name))
SSD = "Standard Safeguarding Dataset: every record belongs to a person's life"

# Targets that a record refers to, and what the rule calls them. A closed allocation may name a
# worker who has left, so JOB-02 judges allocations.
NAMED_TARGETS = {
    "referral": ("NEED-01", "a referral", "referrals"),
    "cin_plan": ("NEED-02", "a child in need plan", "child in need plans"),
    "cp_plan": ("NEED-03", "a child protection plan", "child protection plans"),
    "conference": ("NEED-04", "an initial child protection conference", "conferences"),
    "enquiry": ("NEED-05", "a section 47 enquiry", "section 47 enquiries"),
    "assessment": ("NEED-06", "an assessment", "assessments"),
    "placement": ("NEED-07", "a placement", "placements"),
    "carer": ("NEED-08", "a carer", "carers"),
    "worker": ("NEED-09", "a worker", "professionals"),
    "team": ("NEED-10", "a team", "teams"),
    "person": ("NEED-11", "a person", "people"),
    "request": ("NEED-12", "a request for an EHC assessment", "requests"),
    "plan": ("NEED-13", "an EHC plan", "active EHC plans"),
    "ehc_assessment": ("NEED-14", "an EHC assessment", "EHC assessments"),
}


def _refers(target: str) -> Rule:
    rule_id, one, many = NAMED_TARGETS[target]
    entity, _ = TARGETS[target]
    subjects = tuple(
        name for name in referring_to(target) if (name, target) != ("involvements", "worker")
    )
    return contradiction(
        rule_id,
        subjects,
        "needs",
        says=f"The record refers to {one} that is not in the source's table of {many}.",
        todo="Check whether the number was typed wrongly, or the other record was deleted, merged "
        "or left out of the extract.",
        fails=f"lacks_{target}",
        threshold=0.25,
        because="A measure that follows the reference misses the record. An extract may leave out "
        "old records, so only more than 25% means that one of the two extracts is incomplete.",
        owner=BI_TEAM,
        reference="contract, columns that hold the id of another table",
        needs=(entity,),
        catches={f"lacks_{target}": True},
        passes={f"lacks_{target}": False},
    )


RULES = (
    contradiction(
        "LIFE-01",
        tuple(name for name in ABOUT_PEOPLE if name not in UNBORN),
        "order",
        says="The record has a date before the person's birth.",
        todo="Check the date of birth first, then the date of the record and whom it is about.",
        fails="first_date < person_birth_date",
        judged="first_date is not null and person_birth_date is not null",
        threshold=0.02,
        because="The person's age is wrong wherever it is counted. More than 2% means that dates "
        "of birth or records of two people have been mixed up.",
        owner=STEWARD,
        reference=SSD,
        catches={"first_date": "2003-05-01", "person_birth_date": "2003-05-02"},
        passes={"first_date": "2003-05-02", "person_birth_date": "2003-05-02"},
    ),
    contradiction(
        "LIFE-02",
        tuple(name for name in ABOUT_PEOPLE if name in UNBORN),
        "order",
        says=f"The record has a date more than {DAYS_BEFORE_BIRTH} days before the person's birth.",
        todo="Check the date of birth first, then the date of the record and whom it is about. "
        "Records about an unborn child begin in the pregnancy.",
        fails=f"first_date < person_birth_date - {DAYS_BEFORE_BIRTH}",
        judged="first_date is not null and person_birth_date is not null",
        threshold=0.02,
        because="The person's age is wrong wherever it is counted. More than 2% means that dates "
        "of birth or records of two people have been mixed up.",
        owner=STEWARD,
        reference=SSD,
        catches={"first_date": "2001-05-01", "person_birth_date": "2003-05-02"},
        passes={"first_date": "2003-01-01", "person_birth_date": "2003-05-02"},
    ),
    contradiction(
        "LIFE-03",
        tuple(name for name in ABOUT_PEOPLE if dates_of_events(name)),
        "order",
        says="Something is recorded for the person after the date of their death.",
        todo="Check the date of death with care. If it is right, correct the date of the record, "
        "or move the record to the person whom it is about.",
        fails="latest_event_date > person_death_date",
        judged="latest_event_date is not null",
        threshold=0.02,
        because="Either the death or the record is wrong. More than 2% means that dates of death "
        "have been filled in wrongly.",
        owner=STEWARD,
        reference=SSD,
        catches={"latest_event_date": "2019-05-01", "person_death_date": "2018-03-01"},
        passes={"latest_event_date": "2018-03-01", "person_death_date": "2018-03-01"},
    ),
    contradiction(
        "LIFE-04",
        tuple(name for name, spell in SPELLS.items() if spell.is_work),
        "order",
        says="The record is still open more than 31 days after the person's recorded death.",
        todo="Check the date of death with care. If it is right, close the record as of that day.",
        fails="is_under_way and person_death_date < night - 31",
        judged="is_under_way",
        threshold=0.05,
        because="The person would be counted as somebody whom the council works with. More than 5% "
        "means that dates of death have been filled in wrongly.",
        owner=STEWARD,
        reference=SSD,
        catches={
            "is_under_way": True,
            "person_death_date": "2018-03-01",
            "night": "2019-06-30",
        },
        passes={"is_under_way": True, "person_death_date": "2019-06-20", "night": "2019-06-30"},
    ),
    contradiction(
        "CAL-01",
        tables_with_dates(),
        "dates",
        says="The record has a date before 1990, or a date in the future for something that has "
        "already happened.",
        todo="Correct the date. If something is planned, record it in the plan.",
        fails="first_date < date '1990-01-01' or latest_past_date > night",
        judged="first_date is not null or latest_past_date is not null",
        threshold=0.02,
        because="The record is counted in the wrong year, or not at all. More than 2% means that "
        "the export writes dates in another way.",
        owner=STEWARD,
        reference="contract: a record says what has happened; docs/rule_book.md, kinds",
        catches=(
            {"latest_past_date": "2091-01-01", "night": "2019-06-30"},
            {"first_date": "1973-01-01", "night": "2019-06-30"},
        ),
        passes={
            "first_date": "2019-06-30",
            "latest_past_date": "2019-06-30",
            "night": "2019-06-30",
        },
    ),
    contradiction(
        "AGE-01",
        tuple(name for name in ONLY_CHILDREN),
        "age",
        says="The record is about a child, but it begins on or after the 18th birthday.",
        todo="Check the date of birth first, then the date of the record and whom it is about.",
        fails="first_date >= person_birth_date + interval '18 years'",
        judged="first_date is not null and person_birth_date is not null",
        threshold=0.02,
        because="The law gives these services to children. More than 2% means that dates of birth "
        "are wrong.",
        owner=SAFEGUARDING,
        reference="Children Act 1989, section 105: a child is under 18",
        catches={"first_date": "2019-05-02", "person_birth_date": "2001-05-02"},
        passes={"first_date": "2019-05-01", "person_birth_date": "2001-05-02"},
    ),
    contradiction(
        "AGE-02",
        ("cla_reviews", "cp_reviews"),
        "age",
        says="The code says that the child was under 4 at the review (PN0), but they were older. "
        "Or they were under 4, and another code is recorded.",
        todo="Check the date of birth, then correct the code for how the child took part.",
        fails="(participation_code = 'PN0')"
        " <> (review_date < person_birth_date + interval '4 years')",
        judged="participation_code is not null and review_date is not null"
        " and person_birth_date is not null",
        threshold=0.1,
        because="No measure is wrong. More than 10% means that the code is not chosen by age.",
        owner=LOOKED_AFTER,
        reference="SSDA903 guide, REVIEW_CODE: PN0 is for children under 4",
        catches={
            "participation_code": "PN0",
            "review_date": "2019-05-02",
            "person_birth_date": "2009-05-02",
        },
        passes={
            "participation_code": "PN0",
            "review_date": "2019-05-02",
            "person_birth_date": "2017-05-02",
        },
    ),
    contradiction(
        "BOTH-01",
        tuple(name for name, spell in SPELLS.items() if spell.alone_by is not None),
        "at once",
        says="The record begins before an earlier one of the same kind has ended. The person can "
        "have only one at a time.",
        todo="Close the earlier record on the day on which the new one began, or delete the one "
        "that was recorded twice.",
        fails="earlier_end_date > spell_start_date",
        judged="spell_start_date is not null and person_id is not null",
        threshold=0.05,
        because="What is going on is counted twice. More than 5% means that old records are not "
        "closed.",
        owner=STEWARD,
        reference="Standard Safeguarding Dataset, start and end dates",
        catches={
            "person_id": "P1",
            "earlier_end_date": "2019-03-02",
            "spell_start_date": "2019-03-01",
        },
        passes={
            "person_id": "P1",
            "earlier_end_date": "2019-03-01",
            "spell_start_date": "2019-03-01",
        },
    ),
    contradiction(
        "BOTH-02",
        ("cin_visits", "cla_visits", "cp_visits"),
        "at once",
        says="The child was seen alone, but the visit says that the child was not seen.",
        todo="Ask the worker who made the visit, and correct one of the two answers.",
        fails="is_child_seen_alone and not is_child_seen",
        threshold=0.02,
        because="The measure of visits does not count the visit. More than 2% means that the two "
        "columns have been swapped.",
        owner=SAFEGUARDING,
        catches={"is_child_seen_alone": True, "is_child_seen": False},
        passes={"is_child_seen_alone": False, "is_child_seen": True},
    ),
    contradiction(
        "LONG-01",
        tuple(name for name, spell in SPELLS.items() if spell.most_days),
        "scale",
        says="The record covers a longer time than is plausible.",
        todo="Record the day on which it ended, or correct the start date.",
        fails="is_beyond_belief",
        threshold=0.05,
        because="Its length is part of averages. More than 5% means that records are not closed.",
        owner=STEWARD,
        reference="expectations/table_facts.py, SPELLS: the most days of each",
        catches={"is_beyond_belief": True},
        passes={"is_beyond_belief": False},
    ),
    *(_refers(target) for target in NAMED_TARGETS),
)
