"""The census's rules about a child: identifiers, characteristics and disabilities.

Rules 8500, 8510 and 8535Q are REC-03 with PER-02, REC-01 and DATE-13.
"""

from __future__ import annotations

from expectations.census import upn
from expectations.census.entry import CASES, DAYS, census_rule
from expectations.rule import BI_TEAM, STEWARD
from expectations.subjects import CENSUS_CHILDREN as CHILDREN
from expectations.subjects import CENSUS_TOTALS as TOTALS

NUMBER = "Look the pupil number up in the school census or in Get Information About Pupils."
DISABILITIES = (*CASES, "disability")

RULES = (
    census_rule(
        "1510", CHILDREN,
        "The first letter of the unique pupil number does not agree with its digits.",
        NUMBER,
        upn.has_wrong_letter("upn"),
        owner=STEWARD,
        catches={"upn": "A123456789123"},
        # a temporary number ends in a letter, which counts as well
        passes=({"upn": "P123456789123"}, {"upn": "H80320000001C"}, {"upn": None}),
    ),
    census_rule(
        "1520", CHILDREN,
        "Another child in the census has the same unique pupil number.",
        "Find out whose number it is. If both records are about one child, merge them.",
        "upn is not null and same_upn_count > 1",
        owner=STEWARD,
        catches={"upn": "P123456789123", "same_upn_count": 2},
        # children without a number do not share one
        passes=({"upn": "P123456789123", "same_upn_count": 1},
                {"upn": None, "same_upn_count": 40}),
    ),
    census_rule(
        "1530", CHILDREN,
        "Characters 2 to 4 of the unique pupil number are not the code of an authority.",
        NUMBER,
        upn.is_of_no_authority("upn"),
        owner=STEWARD,
        catches=({"upn": "P817456789123"}, {"upn": "PASF456789123"}),
        # a pseudo authority
        passes=({"upn": "A801234567890"}, {"upn": "A003234567890"}, {"upn": None}),
    ),
    census_rule(
        "1540", CHILDREN,
        "Characters 5 to 12 of the unique pupil number are not all digits.",
        NUMBER,
        "substr(upn, 5, 8) !~ '^[0-9]{8}$'",
        owner=STEWARD,
        # a number that is too short has too few digits there
        catches=({"upn": "P8013456X8912"}, {"upn": "P80123"}),
        passes=({"upn": "P801345678912"}, {"upn": "P80134567891A"}),
    ),
    census_rule(
        "1550", CHILDREN,
        "The last character of the unique pupil number is neither a digit nor an allowed letter.",
        NUMBER,
        f"substr(upn, 13) !~ '^[0-9{upn.LETTERS}]$'",
        owner=STEWARD,
        # O looks like a digit
        catches=({"upn": "P80134567891O"}, {"upn": "P801345678912"[:12]},
                 {"upn": "P8013456789123"}),
        passes=({"upn": "P801345678912"}, {"upn": "P80134567891Z"}),
    ),
    census_rule(
        "1560Q", "linked_identifiers",
        "A former unique pupil number does not have the right form.",
        "Correct the number: a letter, 11 digits, and a digit or a letter.",
        f"upper(btrim(identifier_value)) !~ '{upn.SHAPE}'",
        judged="identifier_type ~* '(upn|unique pupil)'"
        " and (identifier_type ~* 'former' or valid_to_date <= night)",
        needs=(),
        owner=STEWARD,
        every={"night": "2019-06-30"},
        catches=(
            {"identifier_type": "Former UPN", "identifier_value": "123"},
            {"identifier_type": "Unique Pupil Number", "identifier_value": "P80134567891",
             "valid_to_date": "2018-07-20"},
        ),
        # other identifiers have other forms
        passes=({"identifier_type": "Former UPN", "identifier_value": "P801345678912"},
                {"identifier_type": "NHS Number", "identifier_value": "9434765919"}),
    ),
    census_rule(
        "1570", CHILDREN,
        "The child's id is longer than the 20 characters that the census allows.",
        "Ask the supplier for a shorter id in the census extract.",
        "length(person_id) > 20",
        owner=BI_TEAM,
        catches={"person_id": "P12345678901234567890"},
        passes={"person_id": "P1234567890123456789"},
    ),
    census_rule(
        "1580", CHILDREN,
        "The child's id has characters other than letters and digits.",
        "Ask the supplier for an id of letters and digits in the census extract.",
        "person_id !~ '^[A-Za-z0-9]*$'",
        owner=BI_TEAM,
        catches=({"person_id": "P-17"}, {"person_id": "P 17"}),
        passes={"person_id": "P17"},
    ),
    census_rule(
        "4180", CHILDREN,
        "The child's sex is not recorded as male, female or unknown.",
        "Record the sex. Unknown is accepted.",
        "sex_code is null",
        owner=STEWARD,
        catches={"sex_code": None},
        passes={"sex_code": "U"},
    ),
    census_rule(
        "4220", CHILDREN,
        "The child's ethnicity is missing, or is not on the list.",
        "Record the ethnicity, or that the family refused (REFU) or has not said (NOBT).",
        "ethnicity_code is null",
        owner=STEWARD,
        catches={"ethnicity_code": None},
        passes={"ethnicity_code": "NOBT"},
    ),
    census_rule(
        "8520", CHILDREN,
        "The date of birth is after the end of the census year.",
        "Correct the date. For a child who is not yet born, record the expected date of birth.",
        "birth_date > census_end",
        owner=STEWARD,
        catches={"birth_date": "2020-04-01"},
        passes={"birth_date": "2020-03-31"},
    ),
    census_rule(
        "8525Q", CHILDREN,
        "The child has neither a date of birth nor an expected one, or has both.",
        "Record the date of birth. Keep an expected date only for a child who is not yet born.",
        "(birth_date is null) = (expected_birth_date is null)",
        owner=STEWARD,
        # both is as wrong as neither
        catches=({}, {"birth_date": "2019-05-01", "expected_birth_date": "2019-05-05"}),
        passes=({"birth_date": "2012-05-01"}, {"expected_birth_date": "2019-09-01"}),
    ),
    census_rule(
        "8530Q", CHILDREN,
        "The expected date of birth is too long ago or too far ahead for an unborn child.",
        "Record the date of birth, or correct the expected one.",
        # the census asks on 31 March. A child who is expected sooner is born by then, so on a
        # night before it the earliest date is counted from the night
        "expected_birth_date < night - 30"
        " or expected_birth_date > census_end + interval '9 months'",
        owner=STEWARD,
        catches=({"expected_birth_date": "2019-05-30"}, {"expected_birth_date": "2021-01-01"}),
        # expected in the autumn: unborn tonight, and not an error of the next census
        passes=({"expected_birth_date": "2019-05-31"}, {"expected_birth_date": "2019-10-01"},
                {"expected_birth_date": "2020-12-31"}),
    ),
    census_rule(
        "8540", CHILDREN,
        "Whether the child has a disability is not recorded, or not with a code of the list.",
        "Record the child's disabilities, or that there are none (NONE).",
        "disability_count = 0 or unknown_disability_count > 0",
        judged="is_in_census and birth_date is not null and has_case_with_action",
        needs=DISABILITIES,
        owner=STEWARD,
        catches=(
            {"birth_date": "2012-05-01", "has_case_with_action": True, "disability_count": 0},
            {"birth_date": "2012-05-01", "has_case_with_action": True, "disability_count": 2,
             "unknown_disability_count": 1},
        ),
        # not asked before birth, or where no referral went further
        passes=(
            {"birth_date": "2012-05-01", "has_case_with_action": True, "disability_count": 1,
             "unknown_disability_count": 0},
            {"birth_date": None, "has_case_with_action": True, "disability_count": 0},
            {"birth_date": "2012-05-01", "has_case_with_action": False, "disability_count": 0},
        ),
    ),
    census_rule(
        "8545Q", CHILDREN,
        "The child's date of death is outside the census year, but the child has a case in it.",
        "Check the date of death. Close the case if it is right.",
        "death_date < census_start or death_date > census_end",
        owner=STEWARD,
        catches=({"death_date": "2019-03-31"}, {"death_date": "2020-04-01"}),
        passes=({"death_date": "2019-04-01"}, {"death_date": "2020-03-31"}),
    ),
    census_rule(
        "8590", CHILDREN,
        "The census would have an assessment, enquiry or plan of the child, but no referral.",
        "Record the referral that they belong to.",
        "not has_case",
        judged="has_activity",
        every=DAYS,
        catches={"has_activity": True, "has_case": False},
        # a person who is only known as a care leaver needs no referral
        passes=({"has_activity": True, "has_case": True},
                {"has_activity": False, "has_case": False}),
    ),
    census_rule(
        "8750", CHILDREN,
        "The child is not yet born, but a sex is recorded.",
        "Record the sex as unknown (U) until the child is born.",
        "sex_code is distinct from 'U'",
        judged="is_in_census and birth_date is null and expected_birth_date is not null",
        owner=STEWARD,
        catches=({"expected_birth_date": "2019-09-01", "sex_code": "F"},
                 {"expected_birth_date": "2019-09-01", "sex_code": None}),
        # an expected date that was kept after the birth
        passes=({"expected_birth_date": "2019-09-01", "sex_code": "U"},
                {"expected_birth_date": "2019-05-01", "birth_date": "2019-05-03",
                 "sex_code": "F"}),
    ),
    census_rule(
        "8770Q", CHILDREN,
        "The child is of school age, but has no unique pupil number and no reason for that.",
        "Record the number, or the reason. UN1 (not of school age) is not a reason here.",
        "upn is null and coalesce(upn_unknown_code, 'UN1') = 'UN1'",
        judged="is_in_census and has_case_with_action"
        " and birth_date < census_end - interval '6 years'",
        owner=STEWARD,
        catches=(
            {"birth_date": "2014-03-30", "has_case_with_action": True},
            {"birth_date": "2014-03-30", "has_case_with_action": True, "upn_unknown_code": "UN1"},
        ),
        # six years old on the last day of the census
        passes=(
            {"birth_date": "2014-03-31", "has_case_with_action": True},
            {"birth_date": "2010-01-01", "has_case_with_action": True, "upn_unknown_code": "UN3"},
            {"birth_date": "2010-01-01", "has_case_with_action": False},
        ),
    ),
    census_rule(
        "8772", CHILDREN,
        "The reason for having no pupil number is that the referral needed no further action, "
        "but another referral of the child led to action.",
        "Record the unique pupil number, or another reason.",
        "upn_unknown_code = 'UN7' and has_case_with_action",
        owner=STEWARD,
        catches={"upn_unknown_code": "UN7", "has_case_with_action": True},
        passes={"upn_unknown_code": "UN7", "has_case_with_action": False},
    ),
    census_rule(
        "8775Q", CHILDREN,
        "The child is over 25 years old, and the case was open after the 25th birthday.",
        "Check the date of birth. Close the case if it is right.",
        "last_close_date > birth_date + interval '25 years'",
        judged="is_in_census and birth_date < census_end - interval '25 years'",
        catches={"birth_date": "1994-01-10", "last_close_date": "infinity"},
        # closed on the birthday
        passes=({"birth_date": "1994-05-10", "last_close_date": "2019-05-10"},
                {"birth_date": "1996-05-10", "last_close_date": "infinity"}),
    ),
    census_rule(
        "8790", CHILDREN,
        "The child is recorded as having no disability, and as having one.",
        "Delete the code that is wrong.",
        "has_none_and_others",
        needs=DISABILITIES,
        owner=STEWARD,
        catches={"has_none_and_others": True},
        passes={"has_none_and_others": False},
    ),
    census_rule(
        "8794", CHILDREN,
        "The same disability of the child is recorded twice.",
        "Delete one of the two. They may be written in different ways.",
        "has_repeated_disability",
        needs=DISABILITIES,
        owner=STEWARD,
        catches={"has_repeated_disability": True},
        passes={"has_repeated_disability": False},
    ),
    census_rule(
        "2883", TOTALS,
        "More child protection plans than initial conferences are recorded in the census year.",
        "Record the missing conferences, or correct the start dates of the plans.",
        "cp_plan_count > conference_count",
        judged="true",
        needs=("cp_plans", "initial_cp_conference"),
        every={},
        catches={"cp_plan_count": 3, "conference_count": 2},
        # not every conference leads to a plan
        passes=({"cp_plan_count": 2, "conference_count": 2},
                {"cp_plan_count": 2, "conference_count": 3}),
    ),
    census_rule(
        "2886Q", TOTALS,
        "More than 2% of the children have no sex recorded, not counting unborn children.",
        "Find the children with an unknown sex, and record it.",
        "without_sex_count > 0.02 * child_count",
        judged="child_count > 0",
        every={},
        owner=STEWARD,
        catches={"child_count": 149, "without_sex_count": 3},
        passes={"child_count": 150, "without_sex_count": 3},
    ),
    census_rule(
        "2887Q", TOTALS,
        "Fewer than 8 different disabilities are recorded in the whole census.",
        "Check whether disabilities are recorded in full. In a small authority this may be right.",
        "disability_code_count < 8",
        judged="disabled_child_count > 0",
        needs=DISABILITIES,
        every={},
        owner=STEWARD,
        # NONE is not one of them
        catches={"disabled_child_count": 40, "disability_code_count": 7},
        passes={"disabled_child_count": 40, "disability_code_count": 8},
    ),
    census_rule(
        "2888Q", TOTALS,
        "Every child with a disability has only one recorded.",
        "Check whether disabilities are recorded in full.",
        "disability_count = disabled_child_count",
        judged="disabled_child_count > 0",
        needs=DISABILITIES,
        every={},
        owner=STEWARD,
        catches={"disabled_child_count": 40, "disability_count": 40},
        passes={"disabled_child_count": 40, "disability_count": 41},
    ),
)  # fmt: skip
