"""Practice: scores within their scale, answers that agree, a phase for every observation."""

from __future__ import annotations

from expectations.rule import STEWARD, Fails, Missing, Rule

RULES = (
    Rule(
        rule_id="PRA-01",
        subject="practice_observations",
        says="A skill in an observed meeting has a score outside 1 to 5.",
        todo="Look up the score in the coding sheet and correct it.",
        reference="RR1034, appendix 4: skills are scored from 1 (low) to 5 (high)",
        severity="warning",
        threshold=0.02,
        because="The score is left out of every mean, and counted as left out. More than 2% "
        "means that another scale was used.",
        owner=STEWARD,
        condition=Fails("score not between 1 and 5"),
        catches={"score": 6},
        passes={"score": 5},
    ),
    Rule(
        rule_id="PRA-02",
        subject="alliance_inventories",
        says="A working-alliance inventory has a score outside 1 to 7.",
        todo="Look up the score in the questionnaire and correct it.",
        reference="RR1034, appendix 7: goal, task and bond are scored from 1 to 7",
        severity="warning",
        threshold=0.02,
        because="The score is left out of every mean, and counted as left out. More than 2% "
        "means that the source sends sums of items instead of means.",
        owner=STEWARD,
        condition=Fails(
            "goal_score not between 1 and 7 or task_score not between 1 and 7"
            " or bond_score not between 1 and 7"
        ),
        catches={"goal_score": 5.5, "task_score": 0.9, "bond_score": 6},
        passes={"goal_score": 1, "task_score": None, "bond_score": 7},
    ),
    Rule(
        rule_id="PRA-03",
        subject="practice_observations",
        says="An observed meeting does not say in which phase of the programme it took place.",
        todo="Record the phase: early implementation or post-implementation.",
        reference="contract, local_practice_observations; RR1034, table 2",
        severity="warning",
        threshold=0.1,
        because="The observation counts in the total but in neither phase. With more than 10%, "
        "the phases could not be compared.",
        owner=STEWARD,
        condition=Missing("phase_code"),
        catches={"phase_code": None},
        passes={"phase_code": "EARLY"},
    ),
    Rule(
        rule_id="PRA-04",
        subject="interviews",
        says="The answers say that the person was involved in their plan, and also that they "
        "have no plan.",
        todo="Read the interview again and correct one of the two answers.",
        reference="RR1034, co-production of plans: involvement is asked of those with a plan",
        severity="warning",
        threshold=0.05,
        because="The answer about involvement is not counted. More than 5% means that the two "
        "questions have been mixed up.",
        owner=STEWARD,
        condition=Fails("is_involved_in_plan and not has_plan"),
        catches={"has_plan": False, "is_involved_in_plan": True},
        passes={"has_plan": True, "is_involved_in_plan": True},
    ),
)
