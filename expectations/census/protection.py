"""The census's rules about enquiries, conferences, child protection plans and their reviews.

The census asks whether a conference was not required. The contract has no such field: it was not
if the enquiry needed no further action, or has ended without the outcome "conference". Rule 8925 is
DATE-09.
"""

from __future__ import annotations

from expectations.census.entry import DATES, census_rule
from expectations.subjects import CENSUS_CONFERENCES as CONFERENCES
from expectations.subjects import CENSUS_CP_PLANS as CP_PLANS
from expectations.subjects import CENSUS_CP_REVIEWS as CP_REVIEWS
from expectations.subjects import CENSUS_ENQUIRIES as ENQUIRIES

WORKING_DAY = "Correct the date: no conference is planned for a Saturday or a Sunday."

RULES = (
    census_rule(
        "2889", ENQUIRIES,
        "The section 47 enquiry started before the referral was made.",
        DATES,
        "start_date < referral_date",
        catches={"start_date": "2019-05-01", "referral_date": "2019-05-02"},
        passes={"start_date": "2019-05-02", "referral_date": "2019-05-02"},
    ),
    census_rule(
        "8615", ENQUIRIES,
        "The start date of the section 47 enquiry is missing, or is after its conference.",
        "Record the day on which the enquiry started.",
        "start_date is null or start_date > conference_date",
        needs=(),
        catches=({"start_date": None},
                 {"start_date": "2019-05-02", "conference_date": "2019-05-01"}),
        passes=({"start_date": "2019-05-01", "conference_date": "2019-05-01"},
                {"start_date": "2019-05-01", "conference_date": None}),
    ),
    census_rule(
        "8675Q", ENQUIRIES,
        "The section 47 enquiry started more than 15 working days ago, and has neither a "
        "conference nor a decision that none was needed.",
        "Record the conference, or how the enquiry ended.",
        "is_open and start_date < due_from_date",
        needs=("initial_cp_conference",),
        catches={"is_open": True, "start_date": "2019-06-07", "due_from_date": "2019-06-10"},
        # one that has just started is not late
        passes=({"is_open": True, "start_date": "2019-06-10", "due_from_date": "2019-06-10"},
                {"is_open": True, "start_date": "2019-06-28", "due_from_date": "2019-06-10"},
                {"is_open": False, "start_date": "2019-05-07", "due_from_date": "2019-06-10"}),
    ),
    census_rule(
        "8740", ENQUIRIES,
        "The section 47 enquiry has no conference yet, and did not start in the census year.",
        "Record the conference, or how the enquiry ended.",
        "is_open and (start_date < census_start or start_date > census_end)",
        needs=("initial_cp_conference",),
        catches=({"is_open": True, "start_date": "2019-03-31"},
                 {"is_open": True, "start_date": "2020-04-01"}),
        passes=({"is_open": True, "start_date": "2019-04-01"},
                {"is_open": False, "start_date": "2019-03-20", "conference_date": "2019-04-10"}),
    ),
    census_rule(
        "8839", ENQUIRIES,
        "The case has two or more open section 47 enquiries.",
        "Record how the earlier enquiry ended.",
        "is_open and open_in_case_count > 1",
        needs=("initial_cp_conference",),
        catches={"is_open": True, "open_in_case_count": 2},
        passes=({"is_open": True, "open_in_case_count": 1},
                {"is_open": False, "open_in_case_count": 2}),
    ),
    census_rule(
        "8890", ENQUIRIES,
        "The section 47 enquiry started while another one of the case was going on.",
        "Record how the earlier enquiry ended.",
        # the day of the conference counts as well
        "other_until_date >= start_date and other_until_date >= census_start",
        needs=("initial_cp_conference",),
        catches={"start_date": "2019-05-01", "other_until_date": "2019-05-01"},
        passes=({"start_date": "2019-05-02", "other_until_date": "2019-05-01"},
                {"start_date": "2019-01-02", "other_until_date": "2019-03-31"}),
    ),
    census_rule(
        "1104", CONFERENCES,
        "The initial child protection conference was before the referral.",
        DATES,
        "conference_date < referral_date",
        catches={"conference_date": "2019-05-01", "referral_date": "2019-05-02"},
        passes={"conference_date": "2019-05-02", "referral_date": "2019-05-02"},
    ),
    census_rule(
        "2884", CONFERENCES,
        "The initial child protection conference is recorded twice: once with its section 47 "
        "enquiry and once without.",
        "Delete the record without the enquiry.",
        "conference_date is not null and with_enquiry_count > 0 and without_enquiry_count > 0",
        needs=(),
        catches={"conference_date": "2019-05-01", "with_enquiry_count": 1,
                 "without_enquiry_count": 1},
        # two enquiries about one child may lead to one conference
        passes=({"conference_date": "2019-05-01", "with_enquiry_count": 2,
                 "without_enquiry_count": 0},
                {"with_enquiry_count": 1, "without_enquiry_count": 1},
                {"conference_date": "2019-03-01", "with_enquiry_count": 1,
                 "without_enquiry_count": 1, "is_in_census": False}),
    ),
    census_rule(
        "8715", CONFERENCES,
        "The initial child protection conference is after the end of the census year.",
        "Record a conference when it has happened. A planned one is a target date.",
        "conference_date > census_end",
        needs=(),
        catches={"conference_date": "2020-04-01"},
        passes={"conference_date": "2020-03-31"},
    ),
    census_rule(
        "8870Q", CONFERENCES,
        "The target date of the initial child protection conference is at a weekend.",
        WORKING_DAY,
        "extract(isodow from target_date) > 5",
        needs=(),
        catches={"target_date": "2019-06-22"},
        # a bank holiday is not at a weekend
        passes=({"target_date": "2019-06-21"}, {"target_date": "2019-05-06"}),
    ),
    census_rule(
        "8875", CONFERENCES,
        "The initial child protection conference was held at a weekend.",
        WORKING_DAY,
        "extract(isodow from conference_date) > 5",
        needs=(),
        catches=({"conference_date": "2019-06-22"}, {"conference_date": "2019-06-23"}),
        passes=({"conference_date": "2019-06-21"}, {"conference_date": "2019-05-06"}),
    ),
    census_rule(
        "1105", CP_PLANS,
        "The child protection plan starts before the referral was made.",
        DATES,
        "start_date < referral_date",
        catches={"start_date": "2019-05-01", "referral_date": "2019-05-02"},
        passes={"start_date": "2019-05-02", "referral_date": "2019-05-02"},
    ),
    census_rule(
        "2885", CP_PLANS,
        "The child protection plan does not start on the day of an initial conference.",
        "Correct the start of the plan, or record the conference.",
        "start_date between census_start and census_end and not is_conference_on_start",
        needs=("initial_cp_conference",),
        catches={"start_date": "2019-05-01", "is_conference_on_start": False},
        # a plan that started before the year is not asked again
        passes=({"start_date": "2019-05-01", "is_conference_on_start": True},
                {"start_date": "2019-03-29", "is_conference_on_start": False}),
    ),
    census_rule(
        "8720", CP_PLANS,
        "The start date of the child protection plan is missing, or is after the census year.",
        "Record the day on which the plan started.",
        "start_date is null or start_date > census_end",
        needs=(),
        catches=({"start_date": None}, {"start_date": "2020-04-01"}),
        passes=({"start_date": "2020-03-31"}, {"start_date": "2017-05-08"}),
    ),
    census_rule(
        "8832", CP_PLANS,
        "The child protection plan belongs to a referral that needed no further action.",
        "Correct the referral's outcome, or move the plan to the right referral.",
        "is_no_further_action",
        catches={"is_no_further_action": True},
        passes={"is_no_further_action": False},
    ),
    census_rule(
        "8840", CP_PLANS,
        "The child protection plan starts and ends on the same day.",
        "Correct the dates, or delete the plan if it was recorded by mistake.",
        "start_date = end_date",
        needs=(),
        catches={"start_date": "2019-05-01", "end_date": "2019-05-01"},
        passes={"start_date": "2019-05-01", "end_date": "2019-05-02"},
    ),
    *(
        census_rule(
            number, CP_PLANS,
            f"The {which} category of abuse is missing, or is not on the code list.",
            "Record the category.",
            f"{which}_category_code is null",
            needs=(),
            catches={f"{which}_category_code": None},
            passes={f"{which}_category_code": "MUL"},
        )
        for number, which in (("8905", "initial"), ("8910", "latest"))
    ),
    census_rule(
        "8915", CP_PLANS,
        "The child protection plan starts after the child's date of death.",
        DATES,
        "start_date > death_date",
        needs=(),
        catches={"start_date": "2019-05-02", "death_date": "2019-05-01"},
        passes={"start_date": "2019-05-01", "death_date": "2019-05-01"},
    ),
    census_rule(
        "8920", CP_PLANS,
        "The child protection plan ends after the child's date of death.",
        DATES,
        "end_date > death_date",
        needs=(),
        catches={"end_date": "2019-05-02", "death_date": "2019-05-01"},
        passes={"end_date": "2019-05-01", "death_date": "2019-05-01"},
    ),
    census_rule(
        "8930", CP_PLANS,
        "The child protection plan ends after the census year.",
        "Record the end when it has happened.",
        "end_date > census_end",
        needs=(),
        catches={"end_date": "2020-04-01"},
        passes={"end_date": "2020-03-31"},
    ),
    census_rule(
        "8935", CP_PLANS,
        "The child has more than one open child protection plan.",
        "Record the end of the plan that has ended.",
        "end_date is null and open_plan_count > 1",
        needs=(),
        catches={"start_date": "2019-05-01", "open_plan_count": 2},
        passes=({"start_date": "2019-05-01", "open_plan_count": 1},
                {"end_date": "2019-05-01", "open_plan_count": 2}),
    ),
    census_rule(
        "8940", CP_PLANS,
        "The child protection plan starts while another one of the child is open.",
        "Correct the end of the earlier plan.",
        "other_until_date > start_date and other_until_date >= census_start",
        needs=(),
        catches={"start_date": "2019-05-01", "other_until_date": "2019-05-02"},
        passes=({"start_date": "2019-05-01", "other_until_date": "2019-05-01"},
                {"start_date": "2018-05-01", "other_until_date": "2019-03-31"}),
    ),
    census_rule(
        "4003", CP_REVIEWS,
        "The review of the child protection plan was held while the child was on a child in "
        "need plan.",
        "Correct the date of the review, or the dates of the child in need plan.",
        "is_on_plan_in_need and review_date is distinct from plan_end_date",
        needs=("cin_plans", "cp_plans"),
        catches={"review_date": "2019-05-01", "is_on_plan_in_need": True},
        # the review that ends protection is on the day on which the next plan starts
        passes=({"review_date": "2019-05-01", "is_on_plan_in_need": True,
                 "plan_end_date": "2019-05-01"},
                {"review_date": "2019-05-01", "is_on_plan_in_need": False}),
    ),
    census_rule(
        "8841", CP_REVIEWS,
        "The review is on or before the day on which the child protection plan starts.",
        "Correct the date of the review. The conference that made the plan is not a review.",
        "review_date <= plan_start_date",
        needs=("cp_plans",),
        catches=({"review_date": "2019-05-01", "plan_start_date": "2019-05-01"},
                 {"review_date": "2019-04-30", "plan_start_date": "2019-05-01"}),
        passes={"review_date": "2019-05-02", "plan_start_date": "2019-05-01"},
    ),
    census_rule(
        "8842Q", CP_REVIEWS,
        "The review of the child protection plan has no date.",
        "Record the day on which the review was held.",
        "review_date is null",
        judged="is_in_census and coalesce(review_due_date < night, true)",
        needs=(),
        catches=({"review_date": None}, {"review_date": None, "review_due_date": "2019-06-29"}),
        # a review that is planned has no date yet
        passes=({"review_date": "2019-05-01", "review_due_date": "2019-05-03"},
                {"review_date": None, "review_due_date": "2019-07-15"}),
    ),
)  # fmt: skip
