"""The census's rules about an assessment and the factors that it found. Rule 8608 is DATE-14."""

from __future__ import annotations

from expectations.census.entry import DATES, census_rule
from expectations.subjects import CENSUS_ASSESSMENTS as ASSESSMENTS

FACTORS = ("assessment_factors",)

RULES = (
    census_rule(
        "1103", ASSESSMENTS,
        "The assessment started before the referral was made.",
        DATES,
        "start_date < referral_date",
        catches={"start_date": "2019-05-01", "referral_date": "2019-05-02"},
        passes={"start_date": "2019-05-02", "referral_date": "2019-05-02"},
    ),
    census_rule(
        "8614", ASSESSMENTS,
        "The assessment is not finished, but factors are recorded.",
        "Record the day on which it was authorised, or remove the factors.",
        "authorised_date is null and cardinality(factor_codes) > 0",
        needs=FACTORS,
        catches={"authorised_date": None, "factor_codes": ["1A"]},
        # an empty list is not a factor
        passes=({"authorised_date": "2019-05-01", "factor_codes": ["1A"]},
                {"authorised_date": None, "factor_codes": []}),
    ),
    census_rule(
        "8670Q", ASSESSMENTS,
        "The assessment started more than 45 working days ago, and is not finished.",
        "Record the day on which it was authorised, or why it takes longer.",
        "authorised_date is null and start_date < due_from_date",
        needs=(),
        catches={"start_date": "2019-04-24", "due_from_date": "2019-04-25"},
        # the Easter and May bank holidays are not working days
        passes=({"start_date": "2019-04-25", "due_from_date": "2019-04-25"},
                {"start_date": "2019-04-02", "authorised_date": "2019-06-28",
                 "due_from_date": "2019-04-25"}),
    ),
    census_rule(
        "8696", ASSESSMENTS,
        "The assessment was authorised after the end of the census year.",
        "Record an authorisation when it has happened.",
        "authorised_date > census_end",
        needs=(),
        catches={"authorised_date": "2020-04-01"},
        passes={"authorised_date": "2020-03-31"},
    ),
    census_rule(
        "8736", ASSESSMENTS,
        "The assessment is not finished, and did not start in the census year.",
        "Record the day on which it was authorised, or correct the start date.",
        "authorised_date is null and (start_date < census_start or start_date > census_end)",
        needs=(),
        catches=({"start_date": "2019-03-31"}, {"start_date": "2020-04-01"}),
        # finished in the year, but begun before it
        passes=({"start_date": "2019-04-01"},
                {"start_date": "2019-03-20", "authorised_date": "2019-04-10"}),
    ),
    census_rule(
        "8863Q", ASSESSMENTS,
        "The assessment started while another one of the case was going on.",
        "Check whether both are needed. Record the end of the first.",
        "other_until_date > start_date and other_until_date >= census_start",
        needs=(),
        catches={"start_date": "2019-05-01", "other_until_date": "2019-05-02"},
        passes=({"start_date": "2019-05-01", "other_until_date": "2019-05-01"},
                {"start_date": "2019-01-01", "other_until_date": "2019-03-31"}),
    ),
    census_rule(
        "8869", ASSESSMENTS,
        "The assessment says that there are no factors (21), but has other factors too.",
        "Remove 21, or the other factors.",
        "'21' = any(factor_codes) and cardinality(factor_codes) > 1",
        needs=FACTORS,
        catches={"factor_codes": ["1A", "21"]},
        passes=({"factor_codes": ["21"]}, {"factor_codes": ["1A", "2A"]}),
    ),
    census_rule(
        "8873Q", ASSESSMENTS,
        "The case's only assessment found no factors (21), but the case was closed for a reason "
        "other than RC8 or RC9.",
        "Correct the reason for closure, or the factors.",
        "factor_codes = '{21}' and coalesce(close_reason_code, '') not in ('RC8', 'RC9')",
        judged="is_in_census and in_case_count = 1 and authorised_date is not null"
        " and close_date is not null",
        needs=("assessment_factors", "cin_episodes"),
        catches={"in_case_count": 1, "authorised_date": "2019-05-01", "close_date": "2019-05-08",
                 "close_reason_code": "RC7", "factor_codes": ["21"]},
        # as long as the case is open there is no reason for closure to give
        passes=({"in_case_count": 1, "authorised_date": "2019-05-01", "close_date": "2019-05-08",
                 "close_reason_code": "RC9", "factor_codes": ["21"]},
                {"in_case_count": 1, "authorised_date": "2019-05-01", "factor_codes": ["21"]},
                {"in_case_count": 2, "authorised_date": "2019-05-01", "close_date": "2019-05-08",
                 "close_reason_code": "RC7", "factor_codes": ["21"]}),
    ),
    census_rule(
        "8896", ASSESSMENTS,
        "The case has two or more assessments that are not finished.",
        "Record the end of the one that is finished.",
        "authorised_date is null and open_in_case_count > 1",
        needs=(),
        catches={"start_date": "2019-05-01", "open_in_case_count": 2},
        passes=({"start_date": "2019-05-01", "open_in_case_count": 1},
                {"authorised_date": "2019-05-01", "open_in_case_count": 2}),
    ),
    census_rule(
        "8897Q", ASSESSMENTS,
        "The assessment is finished, but no factors are recorded.",
        "Record the factors, or 21 if none was found.",
        "authorised_date is not null and coalesce(cardinality(factor_codes), 0) = 0",
        needs=FACTORS,
        catches=({"authorised_date": "2019-05-01", "factor_codes": None},
                 {"authorised_date": "2019-05-01", "factor_codes": []}),
        passes={"authorised_date": "2019-05-01", "factor_codes": ["21"]},
    ),
    census_rule(
        "8898", ASSESSMENTS,
        "The assessment has the same factor twice.",
        "Remove one of the two.",
        "has_repeated_factor",
        needs=FACTORS,
        catches={"has_repeated_factor": True},
        passes={"has_repeated_factor": False},
    ),
    *(
        census_rule(
            number, ASSESSMENTS,
            f"The assessment has the factor {old}, which is no longer used.",
            f"Record {new[0]} (by another child) or {new[1]} (by an adult).",
            f"'{old}' = any(factor_codes)",
            needs=FACTORS,
            catches={"factor_codes": ["1A", old]},
            passes={"factor_codes": ["1A", new[0]]},
        )
        for number, old, new in (
            ("8945Q", "18A", ("18B", "18C")),
            ("8950Q", "19A", ("19B", "19C")),
        )
    ),
)  # fmt: skip
