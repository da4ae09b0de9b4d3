"""Programmes and what they cost: spells in order, costs that can be, and placements that exist."""

from __future__ import annotations

from expectations.rule import LOOKED_AFTER, SAFEGUARDING, STEWARD, Fails, OutOfOrder, Rule

RULES = (
    Rule(
        rule_id="PROG-01",
        subject="programme_membership",
        says="The programme ends before it starts.",
        todo="Correct the wrong one of the two dates.",
        reference="contract, local_programme_membership",
        severity="warning",
        threshold=0.02,
        because="The young person counts as a member from the start on, but nobody knows when it "
        "ended; more than 2 % means that two date columns were swapped.",
        owner=SAFEGUARDING,
        check=OutOfOrder("start_date", "end_date"),
        catches={"start_date": "2018-04-03", "end_date": "2018-04-02"},
        passes={"start_date": "2018-04-03", "end_date": "2018-04-03"},
    ),
    Rule(
        rule_id="PROG-02",
        subject="placement_cost",
        says="The weekly cost of a placement is missing, or not above 0.",
        todo="Record what the placement costs a week from this day on, in pounds.",
        reference="contract, local_placement_costs",
        severity="warning",
        threshold=0.02,
        because="The placement is left out of costs and weeks, and counted; more than 2 % of them "
        "would make a programme look cheap or dear.",
        owner=LOOKED_AFTER,
        check=Fails("coalesce(weekly_cost, 0) <= 0"),
        catches={"placement_id": "PL1", "weekly_cost": 0},
        passes={"placement_id": "PL1", "weekly_cost": 541.5},
    ),
    Rule(
        rule_id="PROG-03",
        subject="placement_cost",
        says="A cost is recorded for a placement that the source does not deliver.",
        todo="Check whether the placement was deleted or its number was mistyped.",
        reference="contract, local_placement_costs and ssd_cla_placement",
        severity="warning",
        threshold=0.02,
        because="What the placement cost is in no figure; more than 2 % means that one of the two "
        "extracts is incomplete.",
        owner=LOOKED_AFTER,
        check=Fails("not is_known_placement"),
        needs=("cla_placement",),
        catches={"placement_id": "PL9", "is_known_placement": False},
        passes={"placement_id": "PL1", "is_known_placement": True},
    ),
    Rule(
        rule_id="PROG-04",
        subject="programme_costs",
        says="The period that an amount pays for ends before it starts.",
        todo="Correct the wrong one of the two dates.",
        reference="contract, local_programme_costs",
        severity="warning",
        threshold=0.1,
        because="The amount is left out of the programme's cost, and counted; of the few amounts "
        "that there are, more than a tenth left out would say that it cost less than it did.",
        owner=STEWARD,
        check=OutOfOrder("period_start_date", "period_end_date"),
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
        says="The carer left the scheme before joining it.",
        todo="Correct the wrong one of the two dates.",
        reference="contract, local_carers",
        severity="warning",
        threshold=0.1,
        because="The carer counts as one who remains, because nobody knows when the carer left.",
        owner=LOOKED_AFTER,
        check=OutOfOrder("recruited_date", "left_date"),
        catches={"recruited_date": "2017-09-01", "left_date": "2017-08-31"},
        passes={"recruited_date": "2017-09-01", "left_date": "2017-09-01"},
    ),
)
