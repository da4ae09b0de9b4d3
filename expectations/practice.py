"""Practice: scores on their scale, answers that agree, a phase for every observation."""

from __future__ import annotations

from expectations.rule import STEWARD, Fails, Missing, Rule

RULES = (
    Rule(
        rule_id="PRA-01",
        subject="practice_observations",
        says="A skill of an observed meeting is scored outside 1 to 5.",
        todo="Look the score up in the coding sheet and correct it.",
        reference="RR1034, appendix 4: skills are scored from 1 (low) to 5 (high)",
        severity="warning",
        threshold=0.02,
        because="The score is in no mean and counted as left out; more than 2 % means that "
        "another scale was used.",
        owner=STEWARD,
        check=Fails("score not between 1 and 5"),
        catches={"score": 6},
        passes={"score": 5},
    ),
    Rule(
        rule_id="PRA-02",
        subject="alliance_inventories",
        says="A working-alliance inventory has a score outside 1 to 7.",
        todo="Look the score up in the questionnaire and correct it.",
        reference="RR1034, appendix 7: goal, task and bond are scored from 1 to 7",
        severity="warning",
        threshold=0.02,
        because="The score is in no mean and counted as left out; more than 2 % means that sums "
        "of items were sent instead of means.",
        owner=STEWARD,
        check=Fails(
            "goal_score not between 1 and 7 or task_score not between 1 and 7"
            " or bond_score not between 1 and 7"
        ),
        catches={"goal_score": 5.5, "task_score": 0.9, "bond_score": 6},
        passes={"goal_score": 1, "task_score": None, "bond_score": 7},
    ),
    Rule(
        rule_id="PRA-03",
        subject="practice_observations",
        says="The phase of the programme in which a meeting was observed is not recorded.",
        todo="Record the phase: early implementation or post-implementation.",
        reference="contract, local_practice_observations; RR1034, table 2",
        severity="warning",
        threshold=0.1,
        because="The observation counts among all but in neither phase; more than 10 % means "
        "that the phases cannot be compared.",
        owner=STEWARD,
        check=Missing("phase_code"),
        catches={"phase_code": None},
        passes={"phase_code": "EARLY"},
    ),
    Rule(
        rule_id="PRA-04",
        subject="interviews",
        says="Somebody feels involved in planning but reports having no plan.",
        todo="Read the interview again and correct one of the two answers.",
        reference="RR1034, co-production of plans: involvement is asked of those with a plan",
        severity="warning",
        threshold=0.05,
        because="The involvement is not counted; more than 5 % means that the two questions "
        "were mixed up.",
        owner=STEWARD,
        check=Fails("is_involved_in_plan and not has_plan"),
        catches={"has_plan": False, "is_involved_in_plan": True},
        passes={"has_plan": True, "is_involved_in_plan": True},
    ),
)
