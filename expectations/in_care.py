"""Children in care: episodes in order, placements within care, what placements cost.

Core still counts the records that these rules find, as fct_care_episodes and fct_placement_records
say. Where an end date is missing, core takes the start of the next record, but a recorded end is
better.
"""

from __future__ import annotations

from expectations import contradictions
from expectations.kinds import in_order, known_code, not_in_future
from expectations.rule import LOOKED_AFTER, Fails, Rule
from expectations.subjects import CARE_EPISODES_IN_ORDER as IN_ORDER
from expectations.subjects import PLACEMENT_COST
from expectations.subjects import PLACEMENTS_IN_CARE as IN_CARE

EPISODES = "SSDA903 guide, DECOM and DEC: an episode ends on the day on which the next begins"
PLACEMENTS = "Standard Safeguarding Dataset, ssd_cla_placement: a child is in one placement"

RULES = (
    Rule(
        rule_id="CARE-01",
        subject=IN_ORDER,
        says="The episode of care ends after the child's next episode starts.",
        todo="Correct its end date, or the start date of the next episode.",
        reference=EPISODES,
        severity="warning",
        threshold=0.02,
        because="Carepath still counts each day in care once. More than 2% means that episodes "
        "have been merged from two systems.",
        owner=LOOKED_AFTER,
        judged="end_date > start_date",
        department=("SSDA903 501",),
        condition=Fails("end_date > next_start_date"),
        catches={
            "start_date": "2018-01-01",
            "end_date": "2018-03-02",
            "next_start_date": "2018-03-01",
        },
        passes={
            "start_date": "2018-01-01",
            "end_date": "2018-03-01",
            "next_start_date": "2018-03-01",
        },
    ),
    Rule(
        rule_id="CARE-02",
        subject=IN_ORDER,
        says="The episode of care has no end date, but the child's next episode has started.",
        todo="Record the day on which the episode ended.",
        reference=EPISODES,
        severity="warning",
        threshold=0.02,
        because="Carepath counts the episode until the next one starts, or until the day before if "
        "the next one's reason is S. The child may have been at home in between. More than 2% "
        "would change the number looked after.",
        owner=LOOKED_AFTER,
        judged="start_date is not null",
        department=("SSDA903 142",),
        condition=Fails("end_date is null and next_start_date is not null"),
        catches={"start_date": "2018-01-01", "next_start_date": "2018-03-01"},
        passes={"start_date": "2018-03-01"},
    ),
    Rule(
        rule_id="CARE-03",
        subject=IN_ORDER,
        says="The episode of care ended because the next one started the same day (X1), but no "
        "episode starts that day.",
        todo="Record the next episode, or the reason why care ended.",
        reference="SSDA903 guide, REC: X1",
        severity="warning",
        threshold=0.02,
        because="Carepath ends the period of care there, with no reason, and does not count the "
        "next one as a re-entry, unless its reason is S. More than 2% means that episodes are "
        "missing from the extract.",
        owner=LOOKED_AFTER,
        judged="end_date is not null",
        department=("SSDA903 388",),
        condition=Fails("end_reason_code = 'X1' and next_start_date is distinct from end_date"),
        catches={
            "end_date": "2018-03-01",
            "end_reason_code": "X1",
            "next_start_date": "2018-03-02",
        },
        passes={"end_date": "2018-03-01", "end_reason_code": "X1", "next_start_date": "2018-03-01"},
    ),
    Rule(
        rule_id="CARE-04",
        subject=IN_CARE,
        says="The placement is outside all of the child's episodes of care.",
        todo="Record the episode of care, or correct the placement's dates or child.",
        reference=PLACEMENTS,
        severity="warning",
        threshold=0.05,
        because="No measure counts the placement. More than 5% means that placements and episodes "
        "were extracted at different times.",
        owner=LOOKED_AFTER,
        judged="start_date is not null and coalesce(end_date > start_date, true)",
        condition=Fails("not is_in_care"),
        catches={"start_date": "2018-01-01", "is_in_care": False},
        passes={"start_date": "2018-01-01", "is_in_care": True},
    ),
    Rule(
        rule_id="CARE-05",
        subject=IN_CARE,
        says="The placement ends after the child's next placement starts, or has no end date.",
        todo="Correct its end date, or the start date of the next placement. Change nothing if the "
        "next one is a holiday or a stay in hospital and this placement continues.",
        reference=PLACEMENTS,
        severity="warning",
        threshold=0.05,
        because="While the next placement lasts, Carepath counts that one and its cost instead. "
        "More than 5% would change the counts and the costs.",
        owner=LOOKED_AFTER,
        judged="start_date is not null and coalesce(end_date > start_date, true)",
        condition=Fails("coalesce(end_date, 'infinity'::date) > next_start_date"),
        catches={"start_date": "2018-01-01", "next_start_date": "2018-03-01"},
        passes={
            "start_date": "2018-01-01",
            "end_date": "2018-03-01",
            "next_start_date": "2018-03-01",
        },
    ),
    Rule(
        rule_id="PROG-02",
        subject=PLACEMENT_COST,
        says="The weekly cost of a placement is missing, or is 0 or less.",
        todo="Record the weekly cost of the placement from this date, in pounds.",
        reference="contract, local_placement_costs",
        severity="warning",
        threshold=0.02,
        because="The placement is left out of costs and weeks, and counted as left out. More than "
        "2% would make a programme look cheaper or more expensive than it is.",
        owner=LOOKED_AFTER,
        condition=Fails("coalesce(weekly_cost, 0) <= 0"),
        catches={"placement_id": "PL1", "weekly_cost": 0},
        passes={"placement_id": "PL1", "weekly_cost": 541.5},
    ),
    Rule(
        rule_id="PROG-03",
        subject=PLACEMENT_COST,
        says="A cost is recorded for a placement that is not in the source's table of placements.",
        todo="Check whether the placement was deleted, or its number typed wrongly.",
        reference="contract, local_placement_costs and ssd_cla_placement",
        severity="warning",
        threshold=0.02,
        because="No figure includes the cost. More than 2% means that one of the two extracts is "
        "incomplete.",
        owner=LOOKED_AFTER,
        condition=Fails("not is_known_placement"),
        needs=("cla_placement",),
        catches={"placement_id": "PL9", "is_known_placement": False},
        passes={"placement_id": "PL1", "is_known_placement": True},
    ),
    known_code(
        "CODE-03",
        "cla_episodes",
        "primary_need",
        "the episode's category of need",
        LOOKED_AFTER,
        department=("SSDA903 145",),
    ),
    known_code(
        "CODE-04",
        "cla_episodes",
        "start_reason",
        "the reason why the episode of care started",
        LOOKED_AFTER,
        department=("SSDA903 143",),
    ),
    known_code(
        "CODE-05",
        "cla_episodes",
        "end_reason",
        "the reason why the episode of care ended",
        LOOKED_AFTER,
        department=("SSDA903 149",),
    ),
    known_code(
        "CODE-08",
        "cla_placement",
        "placement_type",
        "the type of placement",
        LOOKED_AFTER,
        department=("SSDA903 146",),
    ),
    known_code(
        "CODE-09",
        "legal_status",
        "legal_status",
        "the legal status",
        LOOKED_AFTER,
        department=("SSDA903 144",),
    ),
    in_order(
        "DATE-03",
        "cla_episodes",
        ("start_date", "end_date"),
        "The episode of care ends before it starts.",
        LOOKED_AFTER,
        "SSDA903 guide, DECOM and DEC",
        department=("SSDA903 356",),
    ),
    in_order(
        "DATE-04",
        "cla_placement",
        ("start_date", "end_date"),
        "The placement ends before it starts.",
        LOOKED_AFTER,
    ),
    in_order(
        "DATE-06",
        "legal_status",
        ("start_date", "end_date"),
        "The legal status ends before it starts.",
        LOOKED_AFTER,
    ),
    in_order(
        "DATE-12",
        "missing",
        ("start_date", "end_date"),
        "The episode in which the child was missing ends before it starts.",
        LOOKED_AFTER,
        department=("SSDA903 567",),
    ),
    not_in_future(
        "DATE-23",
        "cla_episodes",
        "start_date",
        "The start date of the episode of care",
        LOOKED_AFTER,
    ),
    *contradictions.IN_CARE,
)
