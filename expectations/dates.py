"""Dates: readable, meant, in order, and not in the future."""

from __future__ import annotations

from expectations.rule import (
    BI_TEAM,
    LEAVING_CARE,
    LOOKED_AFTER,
    SAFEGUARDING,
    STEWARD,
    Fails,
    OutOfOrder,
    Rule,
)
from expectations.subjects import tables_with_dates

NIGHT = "2019-06-30"


def _in_order(
    rule_id: str, subject: str, earlier: str, later: str, what: str, owner: str, reference: str
) -> Rule:
    """Return the rule that `later` of `what` does not lie before `earlier`."""
    return Rule(
        rule_id=rule_id,
        subject=subject,
        says=f"{what} ends before it begins.",
        todo="Correct the wrong one of the two dates.",
        reference=reference,
        severity="warning",
        threshold=0.02,
        because="A spell that ends before it begins is left out of every duration; more than 2 % "
        "means that two date columns were swapped.",
        owner=owner,
        check=OutOfOrder(earlier, later),
        catches={earlier: "2019-05-02", later: "2019-05-01"},
        passes={earlier: "2019-05-02", later: "2019-05-02"},
    )


def _not_in_future(rule_id: str, subject: str, column: str, what: str, owner: str) -> Rule:
    """Return the rule that `column` does not lie after the night."""
    return Rule(
        rule_id=rule_id,
        subject=subject,
        says=f"{what} lies in the future.",
        todo="Correct the date, or record the planned date where plans are kept.",
        reference="contract: a record says what has happened",
        severity="warning",
        threshold=0.05,
        because="The measures count what is recorded; more than 5 % means that planned dates "
        "are entered as done.",
        owner=owner,
        judged=f"{column} is not null",
        check=Fails(f"{column} > night"),
        catches={column: "2019-07-01", "night": NIGHT},
        passes={column: "2019-06-30", "night": NIGHT},
    )


SSD = "Standard Safeguarding Dataset, dates of a spell"

RULES = (
    Rule(
        rule_id="DATE-01",
        subject=tables_with_dates(),
        says="A date holds the placeholder 1 January 1900, which means that none is known.",
        todo="Record the date, or leave it blank.",
        reference="Standard Safeguarding Dataset, ssd_care_leavers (missing review dates)",
        severity="info",
        because="The placeholder is read as blank, so no measure is wrong; the vendor's export "
        "writes it, not a person.",
        owner=STEWARD,
        check=Fails("cardinality(sentinel_columns) > 0"),
        catches={"sentinel_columns": ["pathway_plan_review_date"]},
        passes={"sentinel_columns": []},
    ),
    Rule(
        rule_id="DATE-02",
        subject=tables_with_dates(),
        says="A date, number or JSON field cannot be read.",
        todo="Correct the field in the source, or the format in which the export writes it.",
        reference="contract, types date (dd/mm/yyyy or yyyy-mm-dd), integer, number and json",
        severity="warning",
        threshold=0.01,
        because="What cannot be read counts as blank; more than 1 % means that the export's "
        "format has changed.",
        owner=BI_TEAM,
        # names of yes-or-no columns begin with is_ or has_: those are rule CODE-11's
        check=Fails("array_to_string(unreadable_columns, ',') ~ '(^|,)(?!is_|has_).'"),
        catches={"unreadable_columns": ["is_mother", "start_date"]},
        passes={"unreadable_columns": ["is_mother"]},
    ),
    _in_order("DATE-03", "cla_episodes", "start_date", "end_date", "The episode of care",
              LOOKED_AFTER, "SSDA903 guide, DECOM and DEC"),
    _in_order("DATE-04", "cla_placement", "start_date", "end_date", "The placement",
              LOOKED_AFTER, SSD),
    _in_order("DATE-05", "cin_episodes", "referral_date", "close_date", "The referral",
              SAFEGUARDING, "CIN census guide, referral and closure dates"),
    _in_order("DATE-06", "legal_status", "start_date", "end_date", "The legal status",
              LOOKED_AFTER, SSD),
    _in_order("DATE-07", "immigration_status", "start_date", "end_date",
              "The immigration status", LEAVING_CARE, SSD),
    _in_order("DATE-08", "cin_plans", "start_date", "end_date", "The child in need plan",
              SAFEGUARDING, SSD),
    _in_order("DATE-09", "cp_plans", "start_date", "end_date", "The child protection plan",
              SAFEGUARDING, SSD),
    _in_order("DATE-10", "early_help_episodes", "start_date", "end_date",
              "The early help episode", SAFEGUARDING, SSD),
    _in_order("DATE-11", "involvements", "start_date", "end_date", "The worker's involvement",
              STEWARD, SSD),
    _in_order("DATE-12", "missing", "start_date", "end_date", "The missing episode",
              LOOKED_AFTER, SSD),
    _in_order("DATE-13", "person", "birth_date", "death_date", "The person's life", STEWARD, SSD),
    _in_order("DATE-14", "cin_assessments", "start_date", "authorised_date", "The assessment",
              SAFEGUARDING, SSD),
    _in_order("DATE-15", "s47_enquiry", "start_date", "end_date", "The section 47 enquiry",
              SAFEGUARDING, SSD),
    _not_in_future("DATE-20", "care_leavers", "latest_contact_date", "The latest contact",
                   LEAVING_CARE),
    _not_in_future("DATE-21", "care_leavers", "pathway_plan_review_date",
                   "The pathway plan's review", LEAVING_CARE),
    _not_in_future("DATE-22", "eet_status", "recorded_date", "The day the status was recorded",
                   LEAVING_CARE),
    _not_in_future("DATE-23", "cla_episodes", "start_date", "The start of the episode of care",
                   LOOKED_AFTER),
)  # fmt: skip
