"""Education, employment and training: the status that the team records against the activity.

The report found that the status contradicted the activity (RR1034, leaving care chapter): the
status is recorded by hand and the activity at the birthday, and nobody compared them.
"""

from __future__ import annotations

from expectations.rule import LEAVING_CARE, Fails, Missing, Rule

OPEN_CASES = "is_open and is_care_leaver"
HANDFUL = (
    "A handful is left out of the measure and counted; more than 2 % of the open cases would "
    "move a share that people are judged on."
)

RULES = (
    Rule(
        rule_id="EET-01",
        subject="care_leaver_status",
        says="The status says in education, employment or training; the activity says not.",
        todo="Ask the personal adviser which is right today, then correct the other field.",
        reference="RR1034 (data quality of the leaving care cohort); SSDA903 guide, ACTIV",
        severity="warning",
        threshold=0.02,
        because=HANDFUL,
        owner=LEAVING_CARE,
        judged=OPEN_CASES,
        check=Fails("eet_status_code = 'EET' and activity_group = 'NEET'"),
        needs=("eet_status",),
        falsifies=("eet",),
        catches={"is_open": True, "is_care_leaver": True, "eet_status_code": "EET",
                 "activity_code": "G5", "activity_group": "NEET"},
        passes={"is_open": True, "is_care_leaver": True, "eet_status_code": "EET",
                "activity_code": "F2", "activity_group": "EET"},
    ),
    Rule(
        rule_id="EET-02",
        subject="care_leaver_status",
        says="The status says not in education, employment or training; the activity says in it.",
        todo="Ask the personal adviser which is right today, then correct the other field.",
        reference="RR1034 (data quality of the leaving care cohort); SSDA903 guide, ACTIV",
        severity="warning",
        threshold=0.02,
        because=HANDFUL,
        owner=LEAVING_CARE,
        judged=OPEN_CASES,
        check=Fails("eet_status_code = 'NEET' and activity_group = 'EET'"),
        needs=("eet_status",),
        falsifies=("eet",),
        catches={"is_open": True, "is_care_leaver": True, "eet_status_code": "NEET",
                 "activity_code": "F4", "activity_group": "EET"},
        passes={"is_open": False, "is_care_leaver": True, "eet_status_code": "NEET",
                "activity_code": "F4", "activity_group": "EET"},
    ),
    Rule(
        rule_id="EET-03",
        subject="care_leaver_status",
        says="Of status and activity of an open case one is recorded and the other is missing.",
        todo="Record the missing one; an activity that does not apply counts as missing.",
        reference="RR1034 (data quality of the leaving care cohort)",
        severity="warning",
        threshold=0.02,
        because="A gap contradicts nothing, so nobody is left out; but more than 2 % of open "
        "cases means that one of the two fields was not kept up.",
        owner=LEAVING_CARE,
        judged=OPEN_CASES,
        check=Fails("(eet_status_code is not null) <> has_activity"),
        needs=("eet_status",),
        catches={"is_open": True, "is_care_leaver": True, "eet_status_code": "EET",
                 "has_activity": False},
        passes={"is_open": True, "is_care_leaver": True, "eet_status_code": None,
                "has_activity": False},
    ),
    Rule(
        rule_id="EET-04",
        subject="eet_status",
        says="The recorded status is neither EET nor NEET.",
        todo="Choose EET or NEET in the status field.",
        reference="contract, local_eet_status",
        severity="warning",
        threshold=0.02,
        because="An unreadable status counts as not recorded and shrinks the denominator.",
        owner=LEAVING_CARE,
        check=Missing("status_code", when="status_sent"),
        needs=("eet_status",),
        catches={"status_sent": "perhaps", "status_code": None},
        passes={"status_sent": "neet", "status_code": "NEET"},
    ),
)  # fmt: skip
