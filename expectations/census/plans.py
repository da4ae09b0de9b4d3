"""The census's rules about a child in need plan. Rule 4011 is DATE-08."""

from __future__ import annotations

from expectations.census.entry import CASES, DATES, census_rule
from expectations.subjects import CENSUS_PLANS as PLANS

PROTECTION = ("cp_plans",)
PROTECTED = "End the child in need plan on the day on which the child protection plan starts."

RULES = (
    census_rule(
        "4000", PLANS,
        "The child in need plan belongs to a referral that needed no further action.",
        "Correct the referral's outcome, or move the plan to the right referral.",
        "is_no_further_action",
        catches={"is_no_further_action": True},
        passes={"is_no_further_action": False},
    ),
    census_rule(
        "4001", PLANS,
        "The child has an open child in need plan and an open child protection plan.",
        PROTECTED,
        "end_date is null and open_cp_plan_count > 0",
        needs=PROTECTION,
        catches={"start_date": "2019-05-01", "open_cp_plan_count": 1},
        passes=({"start_date": "2019-05-01", "open_cp_plan_count": 0},
                {"end_date": "2019-05-01", "open_cp_plan_count": 1}),
    ),
    census_rule(
        "4004", PLANS,
        "The child has more than one open child in need plan.",
        "Record the end of the plan that has ended.",
        "end_date is null and open_plan_count > 1",
        needs=(),
        catches={"start_date": "2019-05-01", "open_plan_count": 2},
        passes=({"start_date": "2019-05-01", "open_plan_count": 1},
                {"end_date": "2019-05-01", "open_plan_count": 2}),
    ),
    census_rule(
        "4008", PLANS,
        "The child in need plan starts after the child's date of death.",
        DATES,
        "start_date > death_date",
        needs=(),
        catches={"start_date": "2019-05-02", "death_date": "2019-05-01"},
        passes={"start_date": "2019-05-01", "death_date": "2019-05-01"},
    ),
    census_rule(
        "4009Q", PLANS,
        "The child in need plan ends after the child's date of death.",
        DATES,
        "end_date > death_date",
        needs=(),
        catches={"end_date": "2019-05-02", "death_date": "2019-05-01"},
        passes={"end_date": "2019-05-01", "death_date": "2019-05-01"},
    ),
    census_rule(
        "4010", PLANS,
        "The start date of the child in need plan is missing, or is after the census year.",
        "Record the day on which the plan started.",
        "start_date is null or start_date > census_end",
        needs=(),
        catches=({"start_date": None}, {"start_date": "2020-04-01"}),
        # a plan may have started before the year
        passes=({"start_date": "2020-03-31"}, {"start_date": "2017-02-01"}),
    ),
    census_rule(
        "4012Q", PLANS,
        "The child in need plan starts and ends on the same day.",
        "Correct the dates, or delete the plan if it was recorded by mistake.",
        "start_date = end_date",
        needs=(),
        catches={"start_date": "2019-05-01", "end_date": "2019-05-01"},
        passes={"start_date": "2019-05-01", "end_date": "2019-05-02"},
    ),
    census_rule(
        "4013", PLANS,
        "The child in need plan ends after the census year.",
        "Record the end when it has happened.",
        "end_date > census_end",
        needs=(),
        catches={"end_date": "2020-04-01"},
        passes={"end_date": "2020-03-31"},
    ),
    census_rule(
        "4014", PLANS,
        "The child in need plan starts while another one of the child is open.",
        "Correct the end of the earlier plan.",
        "other_until_date > start_date and other_until_date >= census_start",
        needs=(),
        catches={"start_date": "2019-05-01", "other_until_date": "2019-05-02"},
        # one plan may end on the day on which the next starts
        passes=({"start_date": "2019-05-01", "other_until_date": "2019-05-01"},
                {"start_date": "2018-05-01", "other_until_date": "2019-03-31"}),
    ),
    census_rule(
        "4015", PLANS,
        "The child in need plan starts before the referral was made.",
        DATES,
        "start_date < referral_date",
        needs=CASES,
        catches={"start_date": "2019-05-01", "referral_date": "2019-05-02"},
        passes={"start_date": "2019-05-02", "referral_date": "2019-05-02"},
    ),
    census_rule(
        "4016", PLANS,
        "The child in need plan starts while the child is on a child protection plan.",
        "Start the child in need plan on the day on which the child protection plan ends.",
        "is_start_protected and start_date <= census_end",
        needs=PROTECTION,
        catches={"start_date": "2019-05-01", "is_start_protected": True},
        passes={"start_date": "2019-05-01", "is_start_protected": False},
    ),
    census_rule(
        "4017", PLANS,
        "A child protection plan starts while the child is on this child in need plan.",
        PROTECTED,
        "is_protection_start_within",
        needs=PROTECTION,
        catches={"start_date": "2019-05-01", "is_protection_start_within": True},
        passes={"start_date": "2019-05-01", "is_protection_start_within": False},
    ),
)  # fmt: skip
