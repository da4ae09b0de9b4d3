"""Care leavers: in touch, activity, accommodation, as the return (SSDA903, table OC3) asks.

The return rules' numbers are those of the DfE's validator for 2026/27. A closed case may be blank
throughout; that is no finding.
"""

from __future__ import annotations

from carepath.contract.code_lists import load as load_code_lists
from expectations.rule import LEAVING_CARE, STEWARD, Fails, Missing, Rule
from expectations.sql import listed

IN_RETURN = "in_touch_sent is not null or has_activity or has_accommodation"
COUNTED = (
    "The record is left out of the measures and counted; more than 2 % would move a share that "
    "people are judged on."
)
UNREAD = (
    "An unread code counts as not recorded; more than 2 % means that the source spells its "
    "codes in a new way, which the code list must learn."
)


def _not_valid_in_year() -> str:
    """Return the condition of an activity code that its collection year does not know."""
    years: dict[tuple[int | None, int | None], list[str]] = {}
    for code in load_code_lists()["activity"].codes:
        years.setdefault((code.valid_from_year, code.valid_to_year), []).append(code.code)
    clauses = []
    for (first, last), codes in years.items():
        outside = [f"collection_year < {first}"] if first else []
        outside += [f"collection_year > {last}"] if last else []
        if outside:
            clauses.append(f"activity_code in ({listed(codes)}) and ({' or '.join(outside)})")
    return " or ".join(clauses)


RULES = (
    Rule(
        rule_id="CL-01",
        subject="care_leavers",
        says="The in-touch field holds something that is no in-touch code.",
        todo="Choose one of YES, NO, DIED, REFU, NREQ, RHOM.",
        reference="SSDA903 rule 131",
        severity="warning",
        threshold=0.02,
        because=UNREAD,
        owner=LEAVING_CARE,
        check=Missing("in_touch_code", when="in_touch_sent"),
        catches={"in_touch_sent": "SOMETIMES", "in_touch_code": None},
        passes={"in_touch_sent": "YES", "in_touch_code": "YES"},
    ),
    Rule(
        rule_id="CL-02",
        subject="care_leaver_status",
        says="An open case does not say whether the young person is in touch.",
        todo="Record whether the authority is in touch.",
        reference="SSDA903 rule 131",
        severity="info",
        because="The return needs it by 31 March only; no published measure counts it.",
        owner=LEAVING_CARE,
        judged="is_open and is_care_leaver",
        check=Fails("in_touch_sent is null"),
        catches={"is_open": True, "is_care_leaver": True, "in_touch_sent": None},
        passes={"is_open": False, "is_care_leaver": True, "in_touch_sent": None},
    ),
    Rule(
        rule_id="CL-03",
        subject="care_leavers",
        says="The activity field holds something that is no activity code.",
        todo="Choose an activity of the current list.",
        reference="SSDA903 rule 132",
        severity="warning",
        threshold=0.02,
        because=UNREAD,
        owner=LEAVING_CARE,
        check=Missing("activity_code", when="activity_sent"),
        catches={"activity_sent": "Q9", "activity_code": None},
        passes={"activity_sent": "F1", "activity_code": "F1"},
    ),
    Rule(
        rule_id="CL-04",
        subject="care_leaver_status",
        says="The activity code does not belong to this collection year.",
        todo="Replace F3 or P3 by F4, F5, P4 or P5; before 2021/22 the other way round.",
        reference="SSDA903 rule 132; LIIA schema 2022 (F3 and P3 withdrawn, F4, F5, P4, P5 new)",
        severity="warning",
        threshold=0.05,
        because="All these codes mean in education, employment or training, so the share stays "
        "right; the return would be refused.",
        owner=LEAVING_CARE,
        judged="activity_code is not null",
        check=Fails(_not_valid_in_year()),
        catches={"activity_code": "F3", "collection_year": 2023},
        passes={"activity_code": "F3", "collection_year": 2018},
    ),
    Rule(
        rule_id="CL-05",
        subject="care_leavers",
        says="Accommodation and its suitability do not form a pair that the return knows.",
        todo="Correct the type of accommodation, or its suitability (1 or 2; none where no type "
        "applies).",
        reference="SSDA903 rule 133",
        severity="warning",
        threshold=0.02,
        because=COUNTED,
        owner=LEAVING_CARE,
        judged="accommodation_sent is not null or suitability_sent is not null",
        check=Fails(
            "(accommodation_sent is not null and accommodation_code is null)"
            " or (suitability_sent is not null and suitability_code is null)"
            " or (suitability_sent is not null and coalesce(accommodation_code, '0') = '0')"
        ),
        falsifies=("accommodation",),
        catches={"accommodation_sent": "0", "accommodation_code": "0", "suitability_sent": "1",
                 "suitability_code": "1"},
        passes={"accommodation_sent": "B", "accommodation_code": "B", "suitability_sent": "2",
                "suitability_code": "2"},
    ),
    Rule(
        rule_id="CL-06",
        subject="care_leavers",
        says="Someone homeless or in custody is recorded as in suitable accommodation.",
        todo="Record the suitability as 2, or correct the type of accommodation.",
        reference="SSDA903 rule 133 (no S1, no X1)",
        severity="warning",
        threshold=0.02,
        because=COUNTED,
        owner=LEAVING_CARE,
        judged="accommodation_code in ('S', 'X')",
        check=Fails("suitability_code = '1'"),
        falsifies=("accommodation",),
        catches={"accommodation_code": "X", "suitability_code": "1"},
        passes={"accommodation_code": "X", "suitability_code": "2"},
    ),
    Rule(
        rule_id="CL-07",
        subject="care_leaver_status",
        says="Recorded as died or returned home for good, yet with an activity or accommodation.",
        todo="Set activity and accommodation to 0, or correct the in-touch code.",
        reference="SSDA903 rule 344",
        severity="warning",
        threshold=0.02,
        because=COUNTED + " The share is of all with an in-touch code, activity or "
        "accommodation.",
        owner=LEAVING_CARE,
        judged=IN_RETURN,
        check=Fails("in_touch_code in ('DIED', 'RHOM') and (has_activity or has_accommodation)"),
        falsifies=("eet", "accommodation"),
        catches={"in_touch_sent": "DIED", "in_touch_code": "DIED", "has_activity": True,
                 "has_accommodation": False},
        passes={"in_touch_sent": "RHOM", "in_touch_code": "RHOM", "has_activity": False,
                "has_accommodation": False},
    ),
    Rule(
        rule_id="CL-08",
        subject="care_leaver_status",
        says="In touch, yet activity or accommodation is recorded as not applicable.",
        todo="Record what the young person does and where they live.",
        reference="SSDA903 rule 345",
        severity="warning",
        threshold=0.05,
        because="Not applicable counts as not recorded and contradicts no measure; more than "
        "5 % means that the fields are being skipped.",
        owner=LEAVING_CARE,
        judged=IN_RETURN,
        check=Fails(
            "in_touch_code = 'YES' and (activity_code = '0'"
            " or (accommodation_code = '0' and suitability_sent is null))"
        ),
        catches={"in_touch_sent": "YES", "in_touch_code": "YES", "activity_code": "0"},
        passes={"in_touch_sent": "NO", "in_touch_code": "NO", "activity_code": "0"},
    ),
    Rule(
        rule_id="CL-09",
        subject="care_leaver_status",
        says="In touch, activity and accommodation of an open case are filled in part only.",
        todo="Record the missing ones, or leave all three blank until they are known.",
        reference="SSDA903 rule 153",
        severity="info",
        because="The return needs all three by 31 March only; each measure counts its own gaps.",
        owner=LEAVING_CARE,
        judged="is_open and is_care_leaver",
        check=Fails(
            "num_nulls(in_touch_sent, activity_sent, accommodation_sent) in (1, 2)"
        ),
        catches={"is_open": True, "is_care_leaver": True, "in_touch_sent": "YES",
                 "activity_sent": "F1", "accommodation_sent": None},
        passes={"is_open": True, "is_care_leaver": True, "in_touch_sent": None,
                "activity_sent": None, "accommodation_sent": None},
    ),
    Rule(
        rule_id="CL-10",
        subject="care_leavers",
        says="The eligibility field holds something that is no category of care leaver.",
        todo="Choose relevant, former relevant, eligible, qualifying or no current eligibility.",
        reference="Children (Leaving Care) Act 2000; contract, ssd_care_leavers",
        severity="warning",
        threshold=0.02,
        because="The cohort counts everyone whose eligibility is not 'none'; unread ones are "
        "counted in, so a mass would swell it.",
        owner=STEWARD,
        check=Missing("eligibility_code", when="eligibility_sent"),
        catches={"eligibility_sent": "Perhaps", "eligibility_code": None},
        passes={"eligibility_sent": "b) Former relevant", "eligibility_code": "F"},
    ),
    Rule(
        rule_id="CL-11",
        subject="care_leavers",
        says="Accommodation is recorded, whether it is suitable is not.",
        todo="Record whether the accommodation is suitable (1) or not (2).",
        reference="SSDA903 rule 133 (a letter without its digit)",
        severity="info",
        because="The return needs it by 31 March only; the measure counts it as not recorded.",
        owner=LEAVING_CARE,
        judged="accommodation_code <> '0'",
        check=Fails("suitability_sent is null"),
        catches={"accommodation_code": "K", "suitability_sent": None},
        passes={"accommodation_code": "K", "suitability_sent": "2"},
    ),
    Rule(
        rule_id="COMB-01",
        subject="care_leaver_status",
        says="In touch, activity and accommodation together are impossible.",
        todo="Look the combination up on the page of combinations and correct the wrong field.",
        reference="docs/combinations.md",
        severity="warning",
        threshold=0.02,
        because=COUNTED,
        owner=LEAVING_CARE,
        judged=IN_RETURN,
        check=Fails("combination = 'impossible'"),
        falsifies=("eet", "accommodation"),
        catches={"in_touch_sent": "YES", "combination": "impossible"},
        passes={"in_touch_sent": "YES", "combination": "contradictory"},
    ),
    Rule(
        rule_id="COMB-02",
        subject="care_leaver_status",
        says="In touch, activity and accommodation together contradict each other.",
        todo="Look the combination up on the page of combinations; one field is out of date.",
        reference="docs/combinations.md",
        severity="warning",
        threshold=0.05,
        because="It is not known which field is wrong, so nobody is left out; more than 5 % "
        "means that a field was not kept up.",
        owner=LEAVING_CARE,
        judged=IN_RETURN,
        check=Fails("combination = 'contradictory'"),
        catches={"in_touch_sent": "YES", "combination": "contradictory"},
        passes={"in_touch_sent": "YES", "combination": "consistent"},
    ),
)  # fmt: skip
