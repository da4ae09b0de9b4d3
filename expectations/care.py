"""Children in care: episodes that follow each other, placements that lie in care.

What these rules find, core still counts by stated rules (fct_care_episodes, fct_placement_records):
nothing is dropped unseen, but a date that was guessed from the next record is better recorded.
"""

from __future__ import annotations

from expectations.rule import LOOKED_AFTER, Fails, Rule
from expectations.subjects import CARE_EPISODES_IN_ORDER as IN_ORDER
from expectations.subjects import PLACEMENTS_IN_CARE as IN_CARE

EPISODES = "SSDA903 guide, DECOM and DEC: an episode ends on the day on which the next begins"
PLACEMENTS = "Standard Safeguarding Dataset, ssd_cla_placement: a child is in one placement"

RULES = (
    Rule(
        rule_id="CARE-01",
        subject=IN_ORDER,
        says="The episode of care ends after the child's next one has begun.",
        todo="Correct its end, or the start of the next one.",
        reference=EPISODES,
        severity="warning",
        threshold=0.02,
        because="Days in care are counted once all the same; more than 2 % means that episodes "
        "were merged from two systems.",
        owner=LOOKED_AFTER,
        judged="end_date > start_date",
        check=Fails("end_date > next_start_date"),
        catches={
            "start_date": "2018-01-01", "end_date": "2018-03-02", "next_start_date": "2018-03-01",
        },
        passes={
            "start_date": "2018-01-01", "end_date": "2018-03-01", "next_start_date": "2018-03-01",
        },
    ),
    Rule(
        rule_id="CARE-02",
        subject=IN_ORDER,
        says="The episode of care has no end, but the child's next one has begun.",
        todo="Record the day on which it ceased.",
        reference=EPISODES,
        severity="warning",
        threshold=0.02,
        because="It counts up to the start of the next one, though the child may have been at "
        "home in between; more than 2 % would move the number looked after.",
        owner=LOOKED_AFTER,
        judged="start_date is not null",
        check=Fails("end_date is null and next_start_date is not null"),
        catches={"start_date": "2018-01-01", "next_start_date": "2018-03-01"},
        passes={"start_date": "2018-03-01"},
    ),
    Rule(
        rule_id="CARE-03",
        subject=IN_ORDER,
        says="The episode of care ends for the next one to begin that day (X1), but none does.",
        todo="Record the missing episode, or the reason for which care ceased.",
        reference="SSDA903 guide, REC: X1",
        severity="warning",
        threshold=0.02,
        because="Core ends the period of care there, as an exit without a reason; more than 2 % "
        "means that episodes are missing from the extract.",
        owner=LOOKED_AFTER,
        judged="end_date is not null",
        check=Fails("end_reason_code = 'X1' and next_start_date is distinct from end_date"),
        catches={"end_date": "2018-03-01", "end_reason_code": "X1",
                 "next_start_date": "2018-03-02"},
        passes={"end_date": "2018-03-01", "end_reason_code": "X1",
                "next_start_date": "2018-03-01"},
    ),
    Rule(
        rule_id="CARE-04",
        subject=IN_CARE,
        says="The placement lies outside every episode of the child's care.",
        todo="Record the episode of care, or correct the placement's dates or child.",
        reference=PLACEMENTS,
        severity="warning",
        threshold=0.05,
        because="It is in no measure; more than 5 % means that placements and episodes come from "
        "two moments.",
        owner=LOOKED_AFTER,
        judged="start_date is not null and coalesce(end_date > start_date, true)",
        check=Fails("not is_in_care"),
        catches={"start_date": "2018-01-01", "is_in_care": False},
        passes={"start_date": "2018-01-01", "is_in_care": True},
    ),
    Rule(
        rule_id="CARE-05",
        subject=IN_CARE,
        says="The placement does not end by the day on which the child's next one begins.",
        todo="Correct its end, or the start of the next one. A holiday or a stay in hospital while "
        "the placement goes on is no fault.",
        reference=PLACEMENTS,
        severity="warning",
        threshold=0.05,
        because="The next one takes its place, and its cost, for as long as that one lasts; more "
        "than 5 % would move both.",
        owner=LOOKED_AFTER,
        judged="start_date is not null and coalesce(end_date > start_date, true)",
        check=Fails("coalesce(end_date, 'infinity'::date) > next_start_date"),
        catches={"start_date": "2018-01-01", "next_start_date": "2018-03-01"},
        passes={
            "start_date": "2018-01-01", "end_date": "2018-03-01", "next_start_date": "2018-03-01",
        },
    ),
)  # fmt: skip
