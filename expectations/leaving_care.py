"""Leaving care: education and work, contact, activity and accommodation of care leavers.

Contact, activity and accommodation are what the return asks for (SSDA903, table OC3). SSDA903 rule
numbers are those of the Department for Education (DfE) for 2026/27. A closed case may have blank
fields, which is not a finding.

The leaving care team records the EET status by hand, and the activity at the birthday. The
evaluation report found that the two contradicted each other (RR1034, leaving care chapter).
"""

from __future__ import annotations

from expectations import contradictions
from expectations.combinations import verdict_sql
from expectations.kinds import known_code, not_in_future, outside_its_years
from expectations.rule import LEAVING_CARE, STEWARD, Fails, Missing, Rule

IN_RETURN = "in_touch_sent is not null or has_activity or has_accommodation"
COUNTED = (
    "The record is left out of the measures, and counted as left out. More than 2% would change a "
    "share that people are judged on."
)
UNREAD = (
    "A code that Carepath does not know counts as not recorded. More than 2% means that the "
    "source now writes its codes in another way."
)


OPEN_CASES = "is_open and is_care_leaver"

RULES = (
    Rule(
        rule_id="EET-01",
        subject="care_leaver_status",
        says="The status says that the young person is in education, employment or training. The "
        "activity says that they are not.",
        todo="Ask the personal adviser which is right today. Correct the other field.",
        reference="RR1034 (data quality of the leaving care cohort); SSDA903 guide, ACTIV",
        severity="warning",
        threshold=0.02,
        because=COUNTED,
        owner=LEAVING_CARE,
        judged=OPEN_CASES,
        condition=Fails("eet_status_code = 'EET' and activity_group = 'NEET'"),
        needs=("eet_status",),
        falsifies=("eet",),
        catches={
            "is_open": True,
            "is_care_leaver": True,
            "eet_status_code": "EET",
            "activity_code": "G5",
            "activity_group": "NEET",
        },
        passes={
            "is_open": True,
            "is_care_leaver": True,
            "eet_status_code": "EET",
            "activity_code": "F2",
            "activity_group": "EET",
        },
    ),
    Rule(
        rule_id="EET-02",
        subject="care_leaver_status",
        says="The status says that the young person is not in education, employment or training. "
        "The activity says that they are.",
        todo="Ask the personal adviser which is right today. Correct the other field.",
        reference="RR1034 (data quality of the leaving care cohort); SSDA903 guide, ACTIV",
        severity="warning",
        threshold=0.02,
        because=COUNTED,
        owner=LEAVING_CARE,
        judged=OPEN_CASES,
        condition=Fails("eet_status_code = 'NEET' and activity_group = 'EET'"),
        needs=("eet_status",),
        falsifies=("eet",),
        catches={
            "is_open": True,
            "is_care_leaver": True,
            "eet_status_code": "NEET",
            "activity_code": "F4",
            "activity_group": "EET",
        },
        passes={
            "is_open": False,
            "is_care_leaver": True,
            "eet_status_code": "NEET",
            "activity_code": "F4",
            "activity_group": "EET",
        },
    ),
    Rule(
        rule_id="EET-03",
        subject="care_leaver_status",
        says="The case is open, but only one of EET status and activity is recorded.",
        todo="Record the missing field. An activity of 0 (does not apply) counts as missing.",
        reference="RR1034 (data quality of the leaving care cohort)",
        severity="warning",
        threshold=0.02,
        because="The two do not contradict each other, so the record stays in the measures. More "
        "than 2% of open cases means that one of the fields is not kept up to date.",
        owner=LEAVING_CARE,
        judged=OPEN_CASES,
        condition=Fails("(eet_status_code is not null) <> has_activity"),
        needs=("eet_status",),
        catches={
            "is_open": True,
            "is_care_leaver": True,
            "eet_status_code": "EET",
            "has_activity": False,
        },
        passes={
            "is_open": True,
            "is_care_leaver": True,
            "eet_status_code": None,
            "has_activity": False,
        },
    ),
    Rule(
        rule_id="EET-04",
        subject="eet_status",
        says="The recorded status is neither EET nor NEET.",
        todo="Choose EET or NEET in the status field.",
        reference="contract, local_eet_status",
        severity="warning",
        threshold=0.02,
        because="A status that Carepath cannot read counts as not recorded, so the measures cover "
        "fewer young people.",
        owner=LEAVING_CARE,
        condition=Missing("status_code", when="status_sent"),
        needs=("eet_status",),
        catches={"status_sent": "perhaps", "status_code": None},
        passes={"status_sent": "neet", "status_code": "NEET"},
    ),
    Rule(
        rule_id="CL-01",
        subject="care_leavers",
        says="The in-touch field holds something other than an in-touch code.",
        todo="Choose one of YES, NO, DIED, REFU, NREQ, RHOM.",
        reference="SSDA903 rule 131",
        severity="warning",
        threshold=0.02,
        because=UNREAD,
        owner=LEAVING_CARE,
        department=("SSDA903 131",),
        condition=Missing("in_touch_code", when="in_touch_sent"),
        catches={"in_touch_sent": "SOMETIMES", "in_touch_code": None},
        passes={"in_touch_sent": "YES", "in_touch_code": "YES"},
    ),
    Rule(
        rule_id="CL-02",
        subject="care_leaver_status",
        says="The case is open, but there is no record of whether the young person is in touch.",
        todo="Record whether the council is in touch with the young person.",
        reference="SSDA903 rule 131",
        severity="info",
        because="The return does not need it before 31 March. The measure of contact counts it as "
        "not recorded.",
        owner=LEAVING_CARE,
        judged="is_open and is_care_leaver",
        department=("SSDA903 131",),
        condition=Fails("in_touch_sent is null"),
        catches={"is_open": True, "is_care_leaver": True, "in_touch_sent": None},
        passes={"is_open": False, "is_care_leaver": True, "in_touch_sent": None},
    ),
    Rule(
        rule_id="CL-03",
        subject="care_leavers",
        says="The activity field holds something other than an activity code.",
        todo="Choose an activity from the current list.",
        reference="SSDA903 rule 132",
        severity="warning",
        threshold=0.02,
        because=UNREAD,
        owner=LEAVING_CARE,
        department=("SSDA903 132",),
        condition=Missing("activity_code", when="activity_sent"),
        catches={"activity_sent": "Q9", "activity_code": None},
        passes={"activity_sent": "F1", "activity_code": "F1"},
    ),
    Rule(
        rule_id="CL-04",
        subject="care_leaver_status",
        says="The activity code does not belong to this collection year.",
        todo="From 2021/22 use F4, F5, P4 or P5 instead of F3 or P3. Before that, use F3 or P3.",
        reference="SSDA903 rule 132; LIIA schema 2022 (F3 and P3 withdrawn, F4, F5, P4, P5 new)",
        severity="warning",
        threshold=0.05,
        because="All these codes mean in education, employment or training, so the measures are "
        "right. The Department for Education would reject the return.",
        owner=LEAVING_CARE,
        judged="activity_code is not null",
        department=("SSDA903 132",),
        condition=Fails(outside_its_years("activity", "activity_code")),
        catches=(
            {"activity_code": "F3", "collection_year": 2022},
            {"activity_code": "F4", "collection_year": 2021},
        ),
        passes=(
            {"activity_code": "F3", "collection_year": 2021},
            {"activity_code": "F4", "collection_year": 2022},
        ),
    ),
    Rule(
        rule_id="CL-05",
        subject="care_leavers",
        says="The return does not accept this type of accommodation with this suitability.",
        todo="Correct the type of accommodation, or its suitability (1 or 2). Leave the "
        "suitability blank where no type applies.",
        reference="SSDA903 rule 133",
        severity="warning",
        threshold=0.02,
        because=COUNTED,
        owner=LEAVING_CARE,
        judged="accommodation_sent is not null or suitability_sent is not null",
        department=("SSDA903 133",),
        condition=Fails(
            "(accommodation_sent is not null and accommodation_code is null)"
            " or (suitability_sent is not null and suitability_code is null)"
            " or (suitability_sent is not null and coalesce(accommodation_code, '0') = '0')"
        ),
        falsifies=("accommodation",),
        catches={
            "accommodation_sent": "0",
            "accommodation_code": "0",
            "suitability_sent": "1",
            "suitability_code": "1",
        },
        passes={
            "accommodation_sent": "B",
            "accommodation_code": "B",
            "suitability_sent": "2",
            "suitability_code": "2",
        },
    ),
    Rule(
        rule_id="CL-06",
        subject="care_leavers",
        says="The young person is homeless or in custody, but their accommodation is recorded as "
        "suitable.",
        todo="Record the suitability as 2 (not suitable), or correct the type of accommodation.",
        reference="SSDA903 rule 133 (no S1, no X1)",
        severity="warning",
        threshold=0.02,
        because=COUNTED,
        owner=LEAVING_CARE,
        judged="accommodation_code in ('S', 'X')",
        department=("SSDA903 133",),
        condition=Fails("suitability_code = '1'"),
        falsifies=("accommodation",),
        catches={"accommodation_code": "X", "suitability_code": "1"},
        passes={"accommodation_code": "X", "suitability_code": "2"},
    ),
    Rule(
        rule_id="CL-07",
        subject="care_leaver_status",
        says="The in-touch code says that the young person has died or has returned home, but an "
        "activity or accommodation is recorded.",
        todo="Check the in-touch code first. If it is right, record activity and accommodation as "
        "0 (does not apply).",
        reference="SSDA903 rule 344",
        severity="warning",
        threshold=0.02,
        because=COUNTED + " The 2% is of all records with an in-touch code, an activity or "
        "accommodation.",
        owner=LEAVING_CARE,
        judged=IN_RETURN,
        department=("SSDA903 344",),
        condition=Fails(
            "in_touch_code in ('DIED', 'RHOM') and (has_activity or has_accommodation)"
        ),
        falsifies=("eet", "accommodation"),
        catches={
            "in_touch_sent": "DIED",
            "in_touch_code": "DIED",
            "has_activity": True,
            "has_accommodation": False,
        },
        passes={
            "in_touch_sent": "RHOM",
            "in_touch_code": "RHOM",
            "has_activity": False,
            "has_accommodation": False,
        },
    ),
    Rule(
        rule_id="CL-08",
        subject="care_leaver_status",
        says="The young person is in touch, but activity or accommodation is recorded as 0 (does "
        "not apply).",
        todo="Record what the young person does and where they live.",
        reference="SSDA903 rule 345",
        severity="warning",
        threshold=0.05,
        because="The field counts as not recorded, so no measure is wrong. More than 5% means "
        "that the fields are often skipped.",
        owner=LEAVING_CARE,
        judged=IN_RETURN,
        department=("SSDA903 345",),
        condition=Fails(
            "in_touch_code = 'YES' and (activity_code = '0'"
            " or (accommodation_code = '0' and suitability_sent is null))"
        ),
        catches={"in_touch_sent": "YES", "in_touch_code": "YES", "activity_code": "0"},
        passes={"in_touch_sent": "NO", "in_touch_code": "NO", "activity_code": "0"},
    ),
    Rule(
        rule_id="CL-09",
        subject="care_leaver_status",
        says="The case is open, but only one or two of contact, activity and accommodation are "
        "recorded.",
        todo="Record the missing fields, or leave all three blank until they are known.",
        reference="SSDA903 rule 153",
        severity="info",
        because="The return does not need all three before 31 March. Each measure counts a blank "
        "field as not recorded.",
        owner=LEAVING_CARE,
        judged="is_open and is_care_leaver",
        department=("SSDA903 153",),
        condition=Fails("num_nulls(in_touch_sent, activity_sent, accommodation_sent) in (1, 2)"),
        catches={
            "is_open": True,
            "is_care_leaver": True,
            "in_touch_sent": "YES",
            "activity_sent": "F1",
            "accommodation_sent": None,
        },
        passes={
            "is_open": True,
            "is_care_leaver": True,
            "in_touch_sent": None,
            "activity_sent": None,
            "accommodation_sent": None,
        },
    ),
    Rule(
        rule_id="CL-10",
        subject="care_leavers",
        says="The eligibility field holds something other than a category of care leaver.",
        todo="Choose relevant, former relevant, eligible, qualifying or no current eligibility.",
        reference="Children (Leaving Care) Act 2000; contract, ssd_care_leavers",
        severity="warning",
        threshold=0.02,
        because="The cohort includes everyone whose eligibility is not 'none', so it includes "
        "these records. Many of them would make it too large.",
        owner=STEWARD,
        condition=Missing("eligibility_code", when="eligibility_sent"),
        catches={"eligibility_sent": "Perhaps", "eligibility_code": None},
        passes={"eligibility_sent": "b) Former relevant", "eligibility_code": "F"},
    ),
    Rule(
        rule_id="CL-11",
        subject="care_leavers",
        says="Accommodation is recorded, but not whether it is suitable.",
        todo="Record whether the accommodation is suitable (1) or not (2).",
        reference="SSDA903 rule 133 (a letter without its digit)",
        severity="info",
        because="The return does not need it before 31 March. The measure counts it as not "
        "recorded.",
        owner=LEAVING_CARE,
        judged="accommodation_code <> '0'",
        department=("SSDA903 133",),
        condition=Fails("suitability_sent is null"),
        catches={"accommodation_code": "K", "suitability_sent": None},
        passes={"accommodation_code": "K", "suitability_sent": "2"},
    ),
    Rule(
        rule_id="COMB-01",
        subject="care_leaver_status",
        says="The records of contact, activity and accommodation cannot all be true.",
        todo="Find the combination in docs/combinations.md. Correct the field that is wrong.",
        reference="docs/combinations.md",
        severity="warning",
        threshold=0.02,
        because=COUNTED,
        owner=LEAVING_CARE,
        judged=IN_RETURN,
        condition=Fails(f"{verdict_sql()} = 'impossible'"),
        falsifies=("eet", "accommodation"),
        catches={
            "in_touch_sent": "YES",
            "in_touch_code": "YES",
            "activity_code": "F1",
            "accommodation_code": "X",
            "suitability_code": "2",
        },
        passes={
            "in_touch_sent": "YES",
            "in_touch_code": "YES",
            "activity_code": "F4",
            "accommodation_code": "X",
            "suitability_code": "2",
        },
    ),
    Rule(
        rule_id="COMB-02",
        subject="care_leaver_status",
        says="The records of contact, activity and accommodation contradict each other.",
        todo="Find the combination in docs/combinations.md. Correct the field that is out of date.",
        reference="docs/combinations.md",
        severity="warning",
        threshold=0.05,
        because="Carepath cannot tell which field is wrong, so the record stays in the measures. "
        "More than 5% means that a field is not kept up to date.",
        owner=LEAVING_CARE,
        judged=IN_RETURN,
        condition=Fails(f"{verdict_sql()} = 'contradictory'"),
        catches={
            "in_touch_sent": "YES",
            "in_touch_code": "YES",
            "activity_code": "F4",
            "accommodation_code": "X",
            "suitability_code": "2",
        },
        passes={
            "in_touch_sent": "YES",
            "in_touch_code": "YES",
            "activity_code": "F2",
            "accommodation_code": "U",
            "suitability_code": "1",
        },
    ),
    known_code("CODE-10", "case_status", "case_status", "the case status", STEWARD),
    not_in_future(
        "DATE-20", "care_leavers", "latest_contact_date", "The date of latest contact", LEAVING_CARE
    ),
    not_in_future(
        "DATE-21",
        "care_leavers",
        "pathway_plan_review_date",
        "The date of the pathway plan review",
        LEAVING_CARE,
    ),
    not_in_future(
        "DATE-22", "eet_status", "recorded_date", "The date of the EET status", LEAVING_CARE
    ),
    *contradictions.IN_LEAVING_CARE,
)
