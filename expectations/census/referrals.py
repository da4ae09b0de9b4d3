"""The census's rules about a referral and the case that it opened.

Rules 8630 and 8650 are DATE-05 and CODE-06.
"""

from __future__ import annotations

from expectations.census.entry import DATES, census_rule
from expectations.rule import STEWARD
from expectations.subjects import CENSUS_REFERRALS as REFERRALS

ASSESSED = "close_reason_code in ('RC8', 'RC9')"
OPEN = "close_date is null and is_no_further_action is not true"
NONE = {
    "assessment_count": 0, "enquiry_count": 0, "conference_count": 0,
    "plan_count": 0, "cp_plan_count": 0,
}  # fmt: skip

RULES = (
    census_rule(
        "2990", REFERRALS,
        "The case was closed after an assessment, but an enquiry, conference or plan is recorded.",
        "Correct the reason for closure, or remove what belongs to another case.",
        f"{ASSESSED} and enquiry_count + conference_count + plan_count + cp_plan_count > 0",
        # RC9, closed to early help, counts as well as RC8
        catches=({**NONE, "close_reason_code": "RC8", "plan_count": 1},
                 {**NONE, "close_reason_code": "RC9", "conference_count": 1}),
        passes=({**NONE, "close_reason_code": "RC9", "assessment_count": 2},
                {**NONE, "close_reason_code": "RC7", "plan_count": 1}),
    ),
    census_rule(
        "2991Q", REFERRALS,
        "A section 47 enquiry is recorded on the case, but no assessment.",
        "Record the assessment.",
        "enquiry_count > 0 and assessment_count = 0",
        needs=("cin_assessments", "s47_enquiry"),
        catches={**NONE, "enquiry_count": 1},
        passes={**NONE, "enquiry_count": 1, "assessment_count": 1},
    ),
    census_rule(
        "8555Q", REFERRALS,
        "The referral was made after the child's date of death.",
        DATES,
        "referral_date > death_date",
        catches={"referral_date": "2019-05-02", "death_date": "2019-05-01"},
        passes={"referral_date": "2019-05-01", "death_date": "2019-05-01"},
    ),
    census_rule(
        "8565", REFERRALS,
        "An assessment, enquiry, conference or plan is dated after the case was closed.",
        "Correct the date of closure, or record the new referral that it belongs to.",
        "last_activity_date > close_date",
        catches={"close_date": "2019-05-01", "last_activity_date": "2019-05-02"},
        passes={"close_date": "2019-05-01", "last_activity_date": "2019-05-01"},
    ),
    census_rule(
        "8568", REFERRALS,
        "It is not recorded whether the referral needed further action.",
        "Record yes or no.",
        "is_no_further_action is null",
        catches={"is_no_further_action": None},
        passes={"is_no_further_action": False},
    ),
    census_rule(
        "8569Q", REFERRALS,
        "The referral was made before the census year, and needed no further action.",
        "Check whether the case really had further action. If not, correct the date of closure.",
        "is_no_further_action and referral_date < no_action_from_date",
        catches={"is_no_further_action": True, "referral_date": "2019-03-28",
                 "close_date": "2019-04-02", "no_action_from_date": "2019-03-29"},
        # 1 April 2019 was a Monday: the working day before it was Friday 29 March
        passes=({"is_no_further_action": True, "referral_date": "2019-03-29",
                 "close_date": "2019-04-02", "no_action_from_date": "2019-03-29"},
                {"is_no_further_action": False, "referral_date": "2016-03-29",
                 "no_action_from_date": "2019-03-29"}),
    ),
    census_rule(
        "8585Q", REFERRALS,
        "The case was closed because the child died, but no date of death is recorded.",
        "Check the reason for closure first. If it is right, record the date of death.",
        "close_reason_code = 'RC2' and death_date is null",
        catches={"close_reason_code": "RC2", "close_date": "2019-05-01"},
        passes={"close_reason_code": "RC2", "death_date": "2019-04-28"},
    ),
    census_rule(
        "8600", REFERRALS,
        "The date of the referral is missing, or is after the end of the census year.",
        "Record the day on which the referral was received.",
        "referral_date is null or referral_date > census_end",
        catches=({"referral_date": None}, {"referral_date": "2020-04-01"}),
        # a case may have been open for years
        passes=({"referral_date": "2020-03-31"}, {"referral_date": "2014-01-06"}),
    ),
    census_rule(
        "8606", REFERRALS,
        "The referral was made more than 40 weeks before the child's birth.",
        DATES,
        "referral_date < coalesce(birth_date, expected_birth_date) - 280",
        catches=({"referral_date": "2018-07-26", "birth_date": "2019-05-03"},
                 {"referral_date": "2019-01-01", "expected_birth_date": "2019-10-09"}),
        # 40 weeks are 280 days
        passes=({"referral_date": "2018-07-27", "birth_date": "2019-05-03"},
                {"referral_date": "2008-01-01", "birth_date": "2009-05-03", "is_in_census": False},
                {"referral_date": "2019-01-02", "expected_birth_date": "2019-10-09"}),
    ),
    census_rule(
        "8610", REFERRALS,
        "The referral led to further action, but the primary need is missing.",
        "Record the primary need. N0 means that it is not stated.",
        "is_no_further_action is false and primary_need_sent is null",
        catches={"is_no_further_action": False, "primary_need_sent": None},
        passes=({"is_no_further_action": True, "primary_need_sent": None},
                {"is_no_further_action": False, "primary_need_sent": "N0"}),
    ),
    census_rule(
        "8620", REFERRALS,
        "The date of closure is after the end of the census year.",
        "Record a closure when it has happened.",
        "close_date > census_end",
        catches={"close_date": "2020-04-01"},
        passes={"close_date": "2020-03-31"},
    ),
    census_rule(
        "8640", REFERRALS,
        "The code for the reason for closure is not on the code list.",
        "Choose a code from the list.",
        "close_reason_sent is not null and close_reason_code is null",
        owner=STEWARD,
        catches={"close_reason_sent": "RC77", "close_reason_code": None},
        passes={"close_reason_sent": "RC7 - Services ceased", "close_reason_code": "RC7"},
    ),
    census_rule(
        "8805", REFERRALS,
        "The case has a date of closure, but no reason.",
        "Record the reason for closure.",
        "close_date is not null and close_reason_sent is null",
        catches={"close_date": "2019-05-01"},
        # a code that is not on the list is another rule's
        passes={"close_date": "2019-05-01", "close_reason_sent": "RC77"},
    ),
    census_rule(
        "8810", REFERRALS,
        "The case has a reason for closure, but no date.",
        "Record the date of closure, or remove the reason if the case is open.",
        "close_reason_sent is not null and close_date is null",
        catches={"close_reason_sent": "RC7"},
        passes={"close_reason_sent": "RC7", "close_date": "2019-05-01"},
    ),
    census_rule(
        "8815", REFERRALS,
        "The child has more than one open case.",
        "Close the case that has ended, or merge the two.",
        f"{OPEN} and open_case_count > 1",
        catches={"is_no_further_action": False, "open_case_count": 2},
        # a referral with no further action is no case, though it has no closure
        passes=({"is_no_further_action": False, "open_case_count": 1},
                {"is_no_further_action": True, "open_case_count": 2}),
    ),
    census_rule(
        "8816", REFERRALS,
        "The case is open, but the child was referred again after it.",
        "Close the case if it has ended.",
        f"{OPEN} and referral_date < latest_referral_date",
        catches={"referral_date": "2018-02-01", "latest_referral_date": "2018-02-02"},
        passes=({"referral_date": "2018-02-01", "latest_referral_date": "2018-02-01"},
                {"referral_date": "2018-02-01", "latest_referral_date": "2018-02-02",
                 "is_no_further_action": True}),
    ),
    census_rule(
        "8820", REFERRALS,
        "The referral was made while another case of the child was open.",
        "Correct the date of closure of the earlier case, or merge the two.",
        "other_until_date > referral_date and other_until_date >= census_start",
        catches={"referral_date": "2019-05-02", "other_until_date": "2019-05-03"},
        # one case may end on the day on which the next begins
        passes=({"referral_date": "2019-05-02", "other_until_date": "2019-05-02"},
                {"referral_date": "2018-05-02", "other_until_date": "2019-03-31"}),
    ),
    census_rule(
        "8825Q", REFERRALS,
        "The case was closed after an assessment, but no assessment is recorded.",
        "Record the assessment, or correct the reason for closure.",
        f"{ASSESSED} and assessment_count = 0",
        needs=("cin_assessments",),
        catches={**NONE, "close_reason_code": "RC9"},
        passes={**NONE, "close_reason_code": "RC8", "assessment_count": 1},
    ),
    census_rule(
        "8831", REFERRALS,
        "The referral needed no further action, but an assessment, enquiry or conference is "
        "recorded.",
        "Correct the referral's outcome, or move the record to the right referral.",
        "is_no_further_action and assessment_count + enquiry_count + conference_count > 0",
        catches=({**NONE, "is_no_further_action": True, "assessment_count": 1},
                 {**NONE, "is_no_further_action": True, "conference_count": 1}),
        # plans are for rules 4000 and 8832
        passes=({**NONE, "is_no_further_action": True},
                {**NONE, "is_no_further_action": True, "plan_count": 1}),
    ),
    census_rule(
        "8866", REFERRALS,
        "The source of the referral is missing, or is not on the code list.",
        "Record who made the referral.",
        "referral_source_code is null",
        catches={"referral_source_code": None},
        passes={"referral_source_code": "10"},
    ),
    census_rule(
        "8867", REFERRALS,
        "The case is closed, but an assessment is not finished.",
        "Record the day on which the assessment was authorised.",
        "close_date is not null and open_assessment_count > 0",
        needs=("cin_assessments",),
        catches={"close_date": "2019-05-01", "open_assessment_count": 1},
        passes=({"close_date": "2019-05-01", "open_assessment_count": 0},
                {"close_date": None, "open_assessment_count": 1}),
    ),
    census_rule(
        "8868", REFERRALS,
        "The case is closed, but a section 47 enquiry has neither a conference nor a decision "
        "that none was needed.",
        "Record the conference, or how the enquiry ended.",
        "close_date is not null and open_enquiry_count > 0",
        needs=("s47_enquiry",),
        catches={"close_date": "2019-05-01", "open_enquiry_count": 1},
        passes=({"close_date": "2019-05-01", "open_enquiry_count": 0},
                {"close_date": None, "open_enquiry_count": 1}),
    ),
)  # fmt: skip
