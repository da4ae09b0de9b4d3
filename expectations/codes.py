"""Codes that the measures read, where the source sends something that no code list knows."""

from __future__ import annotations

from expectations.rule import LOOKED_AFTER, SAFEGUARDING, STEWARD, Fails, Missing, Rule


def _known(rule_id: str, subject: str, column: str, what: str, owner: str) -> Rule:
    """Return the rule that what was sent as `column` is a code that Carepath knows."""
    return Rule(
        rule_id=rule_id,
        subject=subject,
        says=f"{what} holds something that is on no code list.",
        todo="Choose a code of the list; if the source spells its codes anew, tell the BI team.",
        reference=f"dbt_project/seeds/code_lists.csv; contract, {subject}",
        severity="warning",
        threshold=0.05,
        because="An unread code counts as not recorded; more than 5 % means that the source "
        "spells its codes in a new way, which the code list must learn.",
        owner=owner,
        check=Missing(f"{column}_code", when=f"{column}_sent"),
        catches={f"{column}_sent": "nonsense", f"{column}_code": None},
        passes={f"{column}_sent": None, f"{column}_code": None},
    )


RULES = (
    _known("CODE-01", "person", "sex", "The person's sex", STEWARD),
    _known("CODE-02", "person", "ethnicity", "The person's ethnicity", STEWARD),
    _known("CODE-03", "cla_episodes", "primary_need", "The episode's category of need",
           LOOKED_AFTER),
    _known("CODE-04", "cla_episodes", "start_reason", "The reason why the episode began",
           LOOKED_AFTER),
    _known("CODE-05", "cla_episodes", "end_reason", "The reason why the episode ended",
           LOOKED_AFTER),
    _known("CODE-06", "cin_episodes", "primary_need", "The referral's category of need",
           SAFEGUARDING),
    _known("CODE-07", "immigration_status", "immigration_status", "The immigration status",
           STEWARD),
    _known("CODE-08", "cla_placement", "placement_type", "The type of placement", LOOKED_AFTER),
    _known("CODE-09", "legal_status", "legal_status", "The legal status", LOOKED_AFTER),
    _known("CODE-10", "case_status", "case_status", "The case status", STEWARD),
    Rule(
        rule_id="CODE-11",
        subject=("case_status", "person"),
        says="A yes-or-no field holds something else.",
        todo="Enter yes or no; if the source says it in another way, tell the BI team.",
        reference="contract, type flag: yes, no, true, false, 1, 0, unknown, or their first letter",
        severity="warning",
        threshold=0.02,
        because="It is read as blank, which the measures take for no: a mother, or a case of the "
        "children-with-disabilities team, would be missed.",
        owner=STEWARD,
        # the contract's names of yes-or-no columns begin with is_ or has_
        check=Fails("array_to_string(unreadable_columns, ',') ~ '(^|,)(is|has)_'"),
        catches={"unreadable_columns": ["birth_date", "is_mother"]},
        passes={"unreadable_columns": ["birth_date"]},
    ),
)  # fmt: skip
