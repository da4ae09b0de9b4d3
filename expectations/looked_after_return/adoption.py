"""Adoption (file AD1) and decisions to place for adoption (file PlacedAdoption)."""

from __future__ import annotations

from dataclasses import replace

from expectations.looked_after_return.entries import ReturnFile
from expectations.rule import LOOKED_AFTER, Rows, Rule

AD1 = ReturnFile(
    title="AD1",
    subject="return_permanence",
    owner=LOOKED_AFTER,
    judged="is_in_return",
    row={"is_in_return": True},
)
PLACED = replace(AD1, title="PlacedAdoption")

COUPLES = "('MM', 'FF', 'MF')"
ADOPTERS = "Correct the sex (SEX_ADOPTR) or the legal status (LS_ADOPTR) of the adopters."
DECISIONS = "Correct the dates of the decisions (DATE_PLACED, DATE_PLACED_CEASED)."
# a decision of this year's file, and last year's decision
PLACING = {"is_placing_record": True, "has_last_year": True, "year_start": "2018-04-01"}
WHOLE = {
    "adm_decision_date": "2018-01-05",
    "matched_date": "2018-03-05",
    "is_adopted_by_carer": False,
    "adopter_count": 2,
    "adopter_sex_sent": "MF",
    "adopter_legal_status_sent": "L11",
}


def _adopters(number: str, status: str, sexes: str, says: str, wrong: str, right: str) -> Rule:
    """Return a rule: adopters with this legal status are of these sexes."""
    return AD1.rule(
        number,
        says=says,
        todo=ADOPTERS,
        fails=f"adopter_legal_status_code = '{status}' and adopter_sex_code not in {sexes}",
        catches={"adopter_legal_status_code": status, "adopter_sex_code": wrong},
        passes=(
            {"adopter_legal_status_code": status, "adopter_sex_code": right},
            {"adopter_legal_status_code": status},
        ),
    )


def _against_last_year(
    number: str, *, says: str, todo: str, fails: str, catches: Rows, passes: Rows
) -> Rule:
    """Return a rule: a decision of this year's file agrees with those of the last return."""
    return replace(PLACED, row={**PLACED.row, **PLACING}).rule(
        number,
        says=says,
        todo=todo,
        only="is_placing_record",
        fails=fails,
        catches=catches,
        passes=passes,
    )


RULES = (
    AD1.rule(
        "114",
        says="The field about adoption by the current foster carer is neither yes nor no.",
        todo="Record yes (1) or no (0) (FOSTER_CARE).",
        fails="'is_adopted_by_carer' = any(unreadable_columns)",
        catches={"unreadable_columns": ["is_adopted_by_carer"]},
        passes={"unreadable_columns": ["matched_date"]},
    ),
    AD1.rule(
        "175",
        says="The number of adopters is neither 1 nor 2.",
        todo="Correct the number (NB_ADOPTR).",
        fails="adopter_count not in (1, 2) or 'adopter_count' = any(unreadable_columns)",
        catches=(
            {"adopter_count": 3, "unreadable_columns": []},
            {"unreadable_columns": ["adopter_count"]},
        ),
        passes=({"adopter_count": 2, "unreadable_columns": []}, {"unreadable_columns": []}),
    ),
    AD1.code("176", "adopter_sex", "the sex of the adopters (SEX_ADOPTR)"),
    AD1.code("177", "adopter_legal_status", "the legal status of the adopters (LS_ADOPTR)"),
    AD1.rule(
        "151",
        says="The record on adoption is filled in only in part.",
        todo="Record the two dates, the carer, and number, sex and legal status of the adopters.",
        # a recording system has the dates long before there are adopters
        fails="num_nulls(adm_decision_date, matched_date, is_adopted_by_carer, adopter_count,"
        " adopter_sex_sent, adopter_legal_status_sent) between 1 and 5 and (is_new_in_return"
        " and decision_date is null and decision_reversed_date is null"
        " or num_nonnulls(adopter_count, adopter_sex_sent, adopter_legal_status_sent) > 0)",
        catches=(
            {**WHOLE, "adopter_legal_status_sent": None, "is_new_in_return": False},
            {"matched_date": "2018-03-05", "is_new_in_return": True},
        ),
        passes=(
            {**WHOLE, "is_new_in_return": True},
            {"adm_decision_date": "2018-01-05", "matched_date": "2018-03-05",
             "is_new_in_return": False},
            {"is_new_in_return": True},
        ),
    ),
    AD1.rule(
        "187",
        part="B",
        says="The return has a child who was looked after all year in the file on adoption.",
        todo="Take the child out of the file (AD1), or record how care ended.",
        fails="is_new_in_return and is_adopter_record and is_looked_after_all_year",
        catches={"is_new_in_return": True, "is_adopter_record": True,
                 "is_looked_after_all_year": True},
        # a recording system knows the adopters before the order is made
        passes={"is_new_in_return": False, "is_adopter_record": True,
                "is_looked_after_all_year": True},
    ),
    AD1.rule(
        "333",
        says="The decision that adoption is best for the child is later than the matching.",
        todo="Correct the date of the decision (DATE_INT) or of the matching (DATE_MATCH).",
        fails="adm_decision_date > matched_date",
        catches={"adm_decision_date": "2018-05-02", "matched_date": "2018-05-01"},
        passes={"adm_decision_date": "2018-05-01", "matched_date": "2018-05-01"},
    ),
    AD1.rule(
        "334",
        says="The decision that adoption is best for the child is earlier than the latest period "
        "of care.",
        todo="Correct the date of the decision (DATE_INT) or the start of care (DECOM).",
        fails="is_adopter_record and adm_decision_date < latest_period_start_date",
        catches={"is_adopter_record": True, "adm_decision_date": "2018-04-30",
                 "latest_period_start_date": "2018-05-01"},
        passes={"is_adopter_record": True, "adm_decision_date": "2018-05-01",
                "latest_period_start_date": "2018-05-01"},
    ),
    AD1.rule(
        "511",
        says="There are two adopters, but their sex is not that of a couple (MM, FF or MF).",
        todo="Correct the number (NB_ADOPTR) or the sex (SEX_ADOPTR).",
        fails=f"adopter_count = 2 and adopter_sex_code not in {COUPLES}",
        catches={"adopter_count": 2, "adopter_sex_code": "F1"},
        passes=({"adopter_count": 2, "adopter_sex_code": "MF"},
                {"adopter_count": 1, "adopter_sex_code": "F1"}),
    ),
    _adopters("514", "L0", "('M1', 'F1')",
              "A single adopter (L0) has the sex of a couple.", "MF", "F1"),
    _adopters("517", "L3", "('MF')",
              "An unmarried couple of different sex (L3) is not a man and a woman (MF).",
              "FF", "MF"),
    _adopters("518", "L4", "('MM', 'FF')",
              "A couple of the same sex, neither married nor in a civil partnership (L4), is "
              "recorded with another sex than MM or FF.", "MF", "FF"),
    _adopters("519", "L2", COUPLES,
              "A couple in a civil partnership (L2) has the sex of a single adopter.",
              "M1", "MF"),
    _adopters("520", "L11", "('MF', 'M1', 'F1')",
              "A married couple of different sex (L11) has the sex of a couple of the same sex.",
              "MM", "MF"),
    _adopters("524", "L12", "('MM', 'FF')",
              "A married couple of the same sex (L12) is recorded with another sex than MM or FF.",
              "MF", "MM"),
    AD1.rule(
        "602",
        says="The return has the child in the file on adoption, but no episode of care ended with "
        "an adoption in the year.",
        todo="Take the child out of the file (AD1), or correct how care ended (REC).",
        fails="is_new_in_return and is_adopter_record and not is_adopted_in_year",
        catches={"is_new_in_return": True, "is_adopter_record": True,
                 "is_adopted_in_year": False},
        passes=(
            {"is_new_in_return": True, "is_adopter_record": True, "is_adopted_in_year": True},
            {"is_new_in_return": False, "is_adopter_record": True, "is_adopted_in_year": False},
        ),
    ),
    AD1.rule(
        "INT31",
        says="This year's return has the child more than once in the file on adoption.",
        todo="Keep the record that is right.",
        fails="is_new_in_return and is_adopter_record and adopter_record_count > 1",
        catches={"is_new_in_return": True, "is_adopter_record": True, "adopter_record_count": 2},
        # once in this file and once in the one on placing for adoption
        passes={"is_new_in_return": True, "is_adopter_record": False, "adopter_record_count": 1},
    ),
    PLACED.rule(
        "117",
        says="The decision to place the child for adoption, or its reversal, is after the end of "
        "the collection year or of the child's care.",
        todo=DECISIONS,
        fails="decision_date > least(year_end, care_end_date)"
        " or decision_reversed_date > least(year_end, care_end_date)",
        catches={"decision_date": "2018-05-02", "care_end_date": "2018-05-01",
                 "year_end": "2019-03-31"},
        passes={"decision_date": "2018-05-02", "care_end_date": None, "year_end": "2019-03-31"},
    ),
    PLACED.rule(
        "118",
        says="The reversal of the decision to place the child for adoption is before the child "
        "came into care, or before this return's year.",
        todo=DECISIONS,
        # a recording system also has the reversals of earlier years
        fails="decision_reversed_date < first_care_date"
        " or (is_new_in_return and decision_reversed_date < year_start)",
        catches=(
            {"decision_reversed_date": "2018-05-01", "first_care_date": "2018-05-02",
             "year_start": "2018-04-01", "is_new_in_return": False},
            {"decision_reversed_date": "2018-03-01", "first_care_date": "2017-05-02",
             "year_start": "2018-04-01", "is_new_in_return": True},
        ),
        passes={"decision_reversed_date": "2018-03-01", "first_care_date": "2017-05-02",
                "year_start": "2018-04-01", "is_new_in_return": False},
    ),
    PLACED.rule(
        "119",
        says="The decision to place the child for adoption was reversed, but either the date or "
        "the reason is missing.",
        todo="Record both (DATE_PLACED_CEASED, REASON_PLACED_CEASED), or neither.",
        fails="num_nulls(decision_reversed_date, decision_reversed_reason_sent) = 1",
        catches=({"decision_reversed_date": "2018-05-01"},
                 {"decision_reversed_reason_sent": "RD1"}),
        passes=({"decision_reversed_date": "2018-05-01", "decision_reversed_reason_sent": "RD1"},
                {}),
    ),
    PLACED.code(
        "120", "decision_reversed_reason",
        "why the decision to place for adoption was reversed (REASON_PLACED_CEASED)",
    ),
    PLACED.rule(
        "184",
        says="The decision to place the child for adoption is before the child was born.",
        todo="Correct the date of the decision (DATE_PLACED) or of birth (DOB).",
        fails="decision_date < birth_date",
        catches={"decision_date": "2018-05-01", "birth_date": "2018-05-02"},
        passes={"decision_date": "2018-05-02", "birth_date": "2018-05-02"},
    ),
    PLACED.rule(
        "522",
        says="The decision to place the child for adoption is later than its reversal.",
        todo=DECISIONS,
        fails="decision_date > decision_reversed_date",
        catches={"decision_date": "2018-05-02", "decision_reversed_date": "2018-05-01"},
        passes={"decision_date": "2018-05-01", "decision_reversed_date": "2018-05-01"},
    ),
    PLACED.rule(
        "523",
        says="The date of the decision in the file on placing for adoption differs from the one in "
        "the file on adoption.",
        todo="Correct one of the two (DATE_PLACED, DATE_INT).",
        # earlier decisions, reversed since, have other dates
        fails="is_from_return and next_decision_date is null"
        " and decision_date <> childs_best_interest_date",
        catches={"is_from_return": True, "decision_date": "2018-05-02",
                 "childs_best_interest_date": "2018-05-01"},
        passes=(
            {"is_from_return": True, "decision_date": "2018-05-01",
             "childs_best_interest_date": "2018-05-01"},
            {"is_from_return": True, "decision_date": "2017-05-01",
             "next_decision_date": "2018-05-01", "childs_best_interest_date": "2018-05-01"},
        ),
    ),
    PLACED.rule(
        "525",
        says="The decision to place the child for adoption was reversed, but the child was adopted "
        "in the year.",
        todo="Delete the reversal, or record the later decision, or correct how care ended.",
        # the child may have been adopted after a later decision
        fails="decision_reversed_date is not null and next_decision_date is null"
        " and is_adopted_in_year",
        catches={"decision_date": "2017-05-01", "decision_reversed_date": "2018-05-01",
                 "is_adopted_in_year": True},
        passes={"decision_date": "2017-05-01", "decision_reversed_date": "2018-05-01",
                "next_decision_date": "2018-06-01", "is_adopted_in_year": True},
    ),
    PLACED.rule(
        "563",
        says="The decision to place the child for adoption was reversed, but its own date is not "
        "recorded.",
        todo="Record the date of the decision (DATE_PLACED).",
        fails="decision_date is null"
        " and num_nonnulls(decision_reversed_date, decision_reversed_reason_sent) > 0",
        catches={"decision_reversed_date": "2018-05-01"},
        passes=({"decision_date": "2018-01-01", "decision_reversed_date": "2018-05-01"}, {}),
    ),
    PLACED.rule(
        "579",
        says="A new decision to place the child for adoption was made before the previous one was "
        "reversed.",
        todo=DECISIONS,
        fails="decision_date is not null and previous_decision_date is not null"
        " and coalesce(decision_date < previous_reversed_date, true)",
        catches=(
            {"decision_date": "2018-05-01", "previous_decision_date": "2017-05-01"},
            {"decision_date": "2018-05-01", "previous_decision_date": "2017-05-01",
             "previous_reversed_date": "2018-05-02"},
        ),
        passes={"decision_date": "2018-05-01", "previous_decision_date": "2017-05-01",
                "previous_reversed_date": "2018-05-01"},
    ),
    PLACED.rule(
        "583",
        says="There is a later decision to place the child for adoption, but this one was not "
        "reversed.",
        todo="Record when it was reversed (DATE_PLACED_CEASED), or delete one of the two.",
        fails="next_decision_date is not null and decision_reversed_date is null",
        catches={"decision_date": "2017-05-01", "next_decision_date": "2018-05-01"},
        passes={"decision_date": "2017-05-01", "next_decision_date": "2018-05-01",
                "decision_reversed_date": "2018-03-01"},
    ),
    _against_last_year(
        "559",
        says="The decision to place the child for adoption was made before the collection year, "
        "but the last return had no decision.",
        todo=f"{DECISIONS} If the last return was wrong, tell the Department.",
        fails="decision_date < year_start and has_last_year and last_year_decision_date is null",
        catches={"decision_date": "2018-03-31"},
        passes=(
            {"decision_date": "2018-04-01"},
            {"decision_date": "2018-03-31", "last_year_decision_date": "2018-03-31"},
            # another date is what rule 560 is about
            {"decision_date": "2018-03-31", "last_year_decision_date": "2018-03-30"},
            # no earlier return is known
            {"decision_date": "2018-03-31", "has_last_year": False},
        ),
    ),
    _against_last_year(
        "560",
        says="The last return had another date for the decision to place the child for adoption, "
        "and the decision was not reversed.",
        todo="Correct the date (DATE_PLACED). If there was another decision, also record when the "
        "earlier one was reversed.",
        fails="last_year_decision_date is not null and not was_last_decision_reversed"
        " and not has_last_years_decision",
        catches={"decision_date": "2018-05-02", "last_year_decision_date": "2018-03-02",
                 "was_last_decision_reversed": False, "has_last_years_decision": False},
        passes=(
            {"decision_date": "2018-03-02", "last_year_decision_date": "2018-03-02",
             "was_last_decision_reversed": False, "has_last_years_decision": True},
            # reversed this year, in a row of its own, before this decision was made
            {"decision_date": "2018-05-02", "last_year_decision_date": "2018-03-02",
             "was_last_decision_reversed": False, "has_last_years_decision": True},
            {"decision_date": "2018-05-02", "last_year_decision_date": "2018-03-02",
             "was_last_decision_reversed": True, "has_last_years_decision": False},
        ),
    ),
    _against_last_year(
        "561",
        says="The decision to place the child for adoption has the date of one that the last "
        "return showed as reversed.",
        todo="Record the date of the new decision (DATE_PLACED), or leave the old one out.",
        fails="was_reversed_last_year",
        catches={"decision_date": "2018-03-02", "was_reversed_last_year": True},
        passes=(
            {"decision_date": "2018-03-02", "was_reversed_last_year": False},
            {"decision_date": "2018-05-02", "was_reversed_last_year": None},
            # a recording system keeps the decision and its reversal for ever
            {"decision_date": "2018-03-02", "was_reversed_last_year": True,
             "is_placing_record": False},
        ),
    ),
    _against_last_year(
        "584",
        says="The decision to place the child for adoption is not later than the one that the "
        "last return showed as reversed.",
        todo=DECISIONS,
        fails="was_last_decision_reversed and not was_known_last_year"
        " and coalesce(decision_date <= last_year_decision_date, true)",
        catches=(
            {"decision_date": "2018-03-01", "last_year_decision_date": "2018-03-02",
             "was_last_decision_reversed": True, "was_known_last_year": False},
            {"decision_date": None, "last_year_decision_date": "2018-03-02",
             "was_last_decision_reversed": True, "was_known_last_year": False},
        ),
        passes=(
            {"decision_date": "2018-05-02", "last_year_decision_date": "2018-03-02",
             "was_last_decision_reversed": True, "was_known_last_year": False},
            # an earlier decision that the last return had too
            {"decision_date": "2017-05-02", "last_year_decision_date": "2018-03-02",
             "was_last_decision_reversed": True, "was_known_last_year": True},
        ),
    ),
    PLACED.rule(
        "1003",
        says="The decision to place the child for adoption is before the child came into care.",
        todo="Correct the date of the decision (DATE_PLACED) or the start of care (DECOM).",
        fails="decision_date < first_care_date",
        catches={"decision_date": "2018-05-01", "first_care_date": "2018-05-02"},
        passes={"decision_date": "2018-05-02", "first_care_date": "2018-05-02"},
    ),
)  # fmt: skip
