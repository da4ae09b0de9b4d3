"""Programmes: dates of membership, periods of amounts, dates of carers."""

from __future__ import annotations

from expectations import contradictions
from expectations.rule import LOOKED_AFTER, SAFEGUARDING, STEWARD, OutOfOrder, Rule

DATES = "Find out which of the two dates is wrong, and correct it."

RULES = (
    Rule(
        rule_id="PROG-01",
        subject="programme_membership",
        says="The date of leaving the programme is before the date of joining it.",
        todo=DATES,
        reference="contract, local_programme_membership",
        severity="warning",
        threshold=0.02,
        because="The young person counts as a member from the start date, but Carepath does not "
        "know when they left. More than 2% means that two date columns have been swapped.",
        owner=SAFEGUARDING,
        condition=OutOfOrder("start_date", "end_date"),
        catches={"start_date": "2018-04-03", "end_date": "2018-04-02"},
        passes={"start_date": "2018-04-03", "end_date": "2018-04-03"},
    ),
    Rule(
        rule_id="PROG-04",
        subject="programme_costs",
        says="The period that an amount pays for ends before it starts.",
        todo=DATES,
        reference="contract, local_programme_costs",
        severity="warning",
        threshold=0.1,
        because="The amount is left out of the programme's cost, and counted as left out. With "
        "more than 10% left out, a programme would look cheaper than it is.",
        owner=STEWARD,
        condition=OutOfOrder("period_start_date", "period_end_date"),
        catches={
            "record_key": "*|*|2017-09-01",
            "period_start_date": "2017-09-01",
            "period_end_date": "2017-08-31",
        },
        passes={"period_start_date": "2017-09-01", "period_end_date": "2017-09-01"},
    ),
    Rule(
        rule_id="PROG-05",
        subject="carers",
        says="The date on which the carer left the scheme is before the date on which they joined.",
        todo=DATES,
        reference="contract, local_carers",
        severity="warning",
        threshold=0.1,
        because="The carer counts as still in the scheme, because Carepath does not know when "
        "they left.",
        owner=LOOKED_AFTER,
        condition=OutOfOrder("recruited_date", "left_date"),
        catches={"recruited_date": "2017-09-01", "left_date": "2017-08-31"},
        passes={"recruited_date": "2017-09-01", "left_date": "2017-09-01"},
    ),
    *contradictions.IN_PROGRAMMES,
)
