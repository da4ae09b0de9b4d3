"""Health, questionnaires and convictions (file OC2) of children looked after all year.

Except for immunisations and the questionnaire, the contract has a record where the return has 1,
and none where it has 0 or a blank. The page on the Department's rules says what follows from it.
"""

from __future__ import annotations

from expectations.looked_after_return.entries import ReturnFile
from expectations.rule import LOOKED_AFTER

OC2 = ReturnFile(
    title="OC2",
    subject="return_children",
    owner=LOOKED_AFTER,
    judged="is_in_return",
    row={"is_in_return": True},
)
SCORES = ReturnFile(title="OC2", subject="sdq_scores", owner=LOOKED_AFTER)
NEW = "Take the child out of the file (OC2), or record the earlier episodes of care."

RULES = (
    OC2.rule(
        "157",
        says="The questionnaire is missing because of the child's age (SDQ1), but a child of this "
        "age should have one.",
        todo="Record the score, or another reason (SDQ_REASON).",
        # from 4 at the start of the year to 16, not 15, at its end
        only="is_looked_after_all_year",
        fails="has_sdq_age_reason and not has_sdq_score and birthday_4 <= year_start"
        " and birthday_17 > year_end",
        needs=("sdq_scores",),
        catches={"is_looked_after_all_year": True, "has_sdq_age_reason": True,
                 "has_sdq_score": False, "birthday_4": "2006-05-01", "birthday_17": "2019-05-01",
                 "year_start": "2018-04-01", "year_end": "2019-03-31"},
        passes=(
            {"is_looked_after_all_year": True, "has_sdq_age_reason": True,
             "has_sdq_score": False, "birthday_4": "2006-03-01", "birthday_17": "2019-03-31",
             "year_start": "2018-04-01", "year_end": "2019-03-31"},
            {"is_looked_after_all_year": True, "has_sdq_age_reason": True,
             "has_sdq_score": False, "birthday_4": "2018-04-02", "birthday_17": "2031-04-02",
             "year_start": "2018-04-01", "year_end": "2019-03-31"},
        ),
    ),
    OC2.rule(
        "186",
        says="The child has been looked after all year and is aged 4 to 16, but has neither a "
        "questionnaire score (SDQ) nor a reason why there is none.",
        todo="Record the score (SDQ_SCORE), or why there is none (SDQ_REASON), by 31 March.",
        only="is_looked_after_all_year",
        fails="birthday_4 <= year_start and birthday_17 > year_end and not has_sdq_score"
        " and not has_sdq_reason",
        needs=("sdq_scores",),
        catches={"is_looked_after_all_year": True, "has_sdq_score": False,
                 "has_sdq_reason": False, "birthday_4": "2010-05-01", "birthday_17": "2023-05-01",
                 "year_start": "2018-04-01", "year_end": "2019-03-31"},
        # a score needs no reason, and a reason no score: one of them is enough
        passes=(
            {"is_looked_after_all_year": True, "has_sdq_score": True,
             "has_sdq_reason": False, "birthday_4": "2010-05-01", "birthday_17": "2023-05-01",
             "year_start": "2018-04-01", "year_end": "2019-03-31"},
            {"is_looked_after_all_year": True, "has_sdq_score": False,
             "has_sdq_reason": True, "birthday_4": "2010-05-01", "birthday_17": "2023-05-01",
             "year_start": "2018-04-01", "year_end": "2019-03-31"},
        ),
    ),
    OC2.rule(
        "197B",
        says="The child, looked after all year, turns 4 or 17 in the year and has neither a "
        "questionnaire score (SDQ) nor a reason why there is none.",
        todo="Record the score (SDQ_SCORE), or why there is none (SDQ_REASON), by 31 March.",
        only="is_looked_after_all_year",
        fails="(birthday_4 between year_start and year_end"
        " or birthday_17 between year_start and year_end)"
        " and not has_sdq_score and not has_sdq_reason",
        needs=("sdq_scores",),
        catches={"is_looked_after_all_year": True, "has_sdq_score": False,
                 "has_sdq_reason": False, "birthday_17": "2018-05-01",
                 "year_start": "2018-04-01", "year_end": "2019-03-31"},
        passes={"is_looked_after_all_year": True, "has_sdq_score": False,
                "has_sdq_reason": False, "birthday_17": "2019-05-01",
                "year_start": "2018-04-01", "year_end": "2019-03-31"},
    ),
    OC2.rule(
        "188",
        says="The child is under 4 at the end of the year, but has a questionnaire score (SDQ), "
        "or a reason why there is none.",
        todo="Delete the score and the reason, or correct the date of birth (DOB).",
        fails="birthday_4 > year_end and (has_sdq_score or has_sdq_reason)",
        needs=("sdq_scores",),
        catches={"birthday_4": "2019-04-01", "year_end": "2019-03-31", "has_sdq_score": True},
        passes={"birthday_4": "2019-03-31", "year_end": "2019-03-31", "has_sdq_score": True},
    ),
    OC2.rule(
        "189",
        says="The young person was 17 or over when the year began, but has a questionnaire score "
        "(SDQ), or a reason why there is none.",
        todo="Delete the score and the reason, or correct the date of birth (DOB).",
        fails="birthday_17 <= year_start and (has_sdq_score or has_sdq_reason)",
        needs=("sdq_scores",),
        catches={"birthday_17": "2018-04-01", "year_start": "2018-04-01", "has_sdq_reason": True},
        passes={"birthday_17": "2018-04-02", "year_start": "2018-04-01", "has_sdq_reason": True},
    ),
    OC2.rule(
        "185",
        says="The return has a questionnaire score (SDQ) for a child who was not looked after all "
        "year.",
        todo=NEW,
        fails="has_sdq_from_return and has_sdq_score and not is_looked_after_all_year",
        needs=("sdq_scores",),
        catches={"has_sdq_from_return": True, "has_sdq_score": True,
                 "is_looked_after_all_year": False},
        # a recording system may well have a score of an earlier day
        passes={"has_sdq_from_return": False, "has_sdq_score": True,
                "is_looked_after_all_year": False},
    ),
    OC2.rule(
        "198",
        says="The return has a reason for a missing questionnaire score (SDQ) for a child who was "
        "not looked after all year.",
        todo=NEW,
        fails="has_sdq_from_return and has_sdq_reason and not is_looked_after_all_year",
        needs=("sdq_scores",),
        catches={"has_sdq_from_return": True, "has_sdq_reason": True,
                 "is_looked_after_all_year": False},
        passes={"has_sdq_from_return": True, "has_sdq_reason": True,
                "is_looked_after_all_year": True},
    ),
    OC2.rule(
        "190",
        says="The return has health checks or convictions for a child who was not looked after all "
        "year.",
        todo=NEW,
        fails="has_health_from_return and not is_looked_after_all_year",
        catches={"has_health_from_return": True, "is_looked_after_all_year": False},
        passes={"has_health_from_return": True, "is_looked_after_all_year": True},
    ),
    OC2.rule(
        "191",
        says="The child has been looked after all year, but it is not recorded whether the "
        "immunisations are up to date.",
        todo="Record yes or no (IMMUNISATIONS) by 31 March.",
        only="is_looked_after_all_year",
        fails="not has_immunisation_status",
        needs=("cla_immunisations",),
        catches={"is_looked_after_all_year": True, "has_immunisation_status": False},
        passes={"is_looked_after_all_year": True, "has_immunisation_status": True},
    ),
    OC2.rule(
        "542",
        says="A child under 10, who cannot be convicted, has a conviction in the year.",
        todo="Delete the conviction (CONVICTED), or correct the date of birth (DOB).",
        fails="has_conviction and birthday_10 > year_end",
        needs=("cla_convictions",),
        catches={"has_conviction": True, "birthday_10": "2019-04-01", "year_end": "2019-03-31"},
        passes={"has_conviction": True, "birthday_10": "2019-03-31", "year_end": "2019-03-31"},
    ),
    OC2.rule(
        "544",
        says="A conviction is recorded, but not whether the immunisations are up to date.",
        todo="Record yes or no (IMMUNISATIONS) by 31 March.",
        only="is_looked_after_all_year",
        fails="has_conviction and not has_immunisation_status",
        needs=("cla_convictions", "cla_immunisations"),
        catches={"is_looked_after_all_year": True, "has_conviction": True,
                 "has_immunisation_status": False},
        passes={"is_looked_after_all_year": True, "has_conviction": True,
                "has_immunisation_status": True},
    ),
    OC2.rule(
        "546",
        says="The child is 5 or over at the end of the year, but a health surveillance check is "
        "recorded, which is for under fives.",
        todo="Delete the check (HEALTH_CHECK), or correct the date of birth (DOB).",
        only="is_looked_after_all_year",
        fails="has_development_check and birthday_5 <= year_end",
        needs=("cla_health",),
        catches={"is_looked_after_all_year": True, "has_development_check": True,
                 "birthday_5": "2019-03-31", "year_end": "2019-03-31"},
        passes={"is_looked_after_all_year": True, "has_development_check": True,
                "birthday_5": "2019-04-01", "year_end": "2019-03-31"},
    ),
    OC2.rule(
        "547",
        says="A health surveillance check is recorded, but not whether the immunisations are up to "
        "date.",
        todo="Record yes or no (IMMUNISATIONS) by 31 March.",
        only="is_looked_after_all_year",
        fails="has_development_check and not has_immunisation_status",
        needs=("cla_health", "cla_immunisations"),
        catches={"is_looked_after_all_year": True, "has_development_check": True,
                 "has_immunisation_status": False},
        passes={"is_looked_after_all_year": True, "has_development_check": True,
                "has_immunisation_status": True},
    ),
    SCORES.rule(
        "196",
        says="The reason for a missing questionnaire score is not one of SDQ1 to SDQ5.",
        todo="Choose a code of the guide (SDQ_REASON).",
        fails="sdq_reason_sent is not null and sdq_reason_code is null",
        catches={"sdq_reason_sent": "SDQ9"},
        passes={"sdq_reason_sent": "SDQ5", "sdq_reason_code": "SDQ5"},
    ),
    SCORES.rule(
        "197a",
        says="Both a questionnaire score (SDQ) and a reason why there is none are recorded.",
        todo="Delete one of the two (SDQ_SCORE, SDQ_REASON).",
        fails="sdq_score is not null and sdq_reason_sent is not null",
        catches={"sdq_score": 12, "sdq_reason_sent": "SDQ2"},
        # a score of 0 is a score
        passes=({"sdq_score": 0}, {"sdq_reason_sent": "SDQ2"}),
    ),
    ReturnFile(title="OC2", subject="cla_immunisations", owner=LOOKED_AFTER).rule(
        "181",
        says="The field on immunisations holds something other than yes or no.",
        todo="Record yes (1) or no (0).",
        fails="'is_up_to_date' = any(unreadable_columns)",
        catches={"unreadable_columns": ["is_up_to_date"]},
        passes={"unreadable_columns": []},
    ),
    ReturnFile(title="OC2", subject="cla_substance_misuse", owner=LOOKED_AFTER).rule(
        "192",
        says="A substance misuse problem is recorded, but not whether the child received help.",
        todo="Record yes or no (INTERVENTION_RECEIVED).",
        fails="has_received_intervention is null",
        catches={"has_received_intervention": None},
        passes={"has_received_intervention": False},
    ),
)  # fmt: skip
