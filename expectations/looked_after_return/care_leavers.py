"""Care leavers (file OC3): who belongs in it, and what cannot be true of them.

The rules on single codes are in expectations/leaving_care.py (CL-01 to CL-11).
"""

from __future__ import annotations

from expectations.looked_after_return.entries import FROM_RETURN, ReturnFile
from expectations.rule import LEAVING_CARE

BORN = {
    "birthday_17": "2017-05-01",
    "birthday_18": "2018-05-01",
    "birthday_19": "2019-05-01",
    "birthday_22": "2022-05-01",
    "year_start": "2018-04-01",
    "year_end": "2019-03-31",
}
TAKE_OUT = "Take the young person out of the file of care leavers (OC3), or correct the other file."

OC3 = ReturnFile(
    title="OC3",
    subject="return_care_leavers",
    owner=LEAVING_CARE,
    judged=f"{FROM_RETURN} and is_filled",
    row={"is_from_return": True, "is_filled": True},
)
# what holds of any care leaver, whether a return or a recording system sent the record
ANY = ReturnFile(title="OC3", subject="return_care_leavers", owner=LEAVING_CARE)

RULES = (
    OC3.rule(
        "134",
        says="The file of care leavers has the young person, and so has the file on adoption "
        "(AD1).",
        todo="Check which of the two is right, and take the young person out of the other file.",
        fails="has_adoption_record",
        needs=("permanence",),
        catches={"has_adoption_record": True},
        passes={"has_adoption_record": False},
    ),
    OC3.rule(
        "187",
        says="The file of care leavers has a child who has been looked after all year.",
        todo=TAKE_OUT,
        fails="is_looked_after_all_year",
        catches={"is_looked_after_all_year": True},
        passes={"is_looked_after_all_year": False},
    ),
    OC3.rule(
        "215",
        says="The file of care leavers has the young person, and so has the file on health and "
        "convictions (OC2), which is for children looked after all year.",
        todo=TAKE_OUT,
        fails="has_health_record",
        catches={"has_health_record": True},
        passes={"has_health_record": False},
    ),
    ANY.rule(
        "347",
        says="The care leaver is under 18 and lives in a foyer (T1 or T2), which does not take "
        "anyone under 18.",
        todo="Correct the type of accommodation (ACCOM), or the date of birth.",
        fails="accommodation_code = 'T' and birthday_18 > year_start",
        # a known validator compares the code with 'T' alone and never finds T1 or T2
        catches={
            "accommodation_code": "T",
            "suitability_code": "1",
            "birthday_18": "2018-05-01",
            "year_start": "2018-04-01",
        },
        passes=(
            {"accommodation_code": "T", "birthday_18": "2018-04-01", "year_start": "2018-04-01"},
            {"accommodation_code": "E", "birthday_18": "2018-05-01", "year_start": "2018-04-01"},
        ),
    ),
    ANY.rule(
        "348",
        says="Last year's record said that the care leaver had died. This year's does not.",
        todo="Find out which record is right, and correct the in-touch code (IN_TOUCH).",
        fails="last_year_in_touch_code = 'DIED' and in_touch_code is distinct from 'DIED'",
        catches={"last_year_in_touch_code": "DIED", "in_touch_code": "YES"},
        passes=(
            {"last_year_in_touch_code": "DIED", "in_touch_code": "DIED"},
            {"last_year_in_touch_code": None, "in_touch_code": "YES"},
        ),
    ),
    OC3.rule(
        "391",
        says="The care leaver does not turn 17, 18, 19, 20 or 21 in the collection year.",
        todo="Correct the date of birth (DOB), or take the young person out of the file.",
        fails="birthday_17 > year_end or birthday_22 <= year_start",
        catches=(
            {"birthday_17": "2019-04-01", "year_end": "2019-03-31"},
            {"birthday_22": "2018-04-01", "year_start": "2018-04-01"},
        ),
        passes=(
            {"birthday_17": "2019-03-31", "year_end": "2019-03-31"},
            # the 21st birthday is in the year: 22 only after its first day
            {"birthday_22": "2018-04-02", "year_start": "2018-04-01"},
        ),
    ),
    ANY.rule(
        "1000",
        says="The child died in care, but has a record as a care leaver.",
        todo="Check the reason why care ended (REC). If it is right, delete the record.",
        fails="is_filled and has_died_in_care",
        catches={"is_filled": True, "has_died_in_care": True},
        passes={"is_filled": True, "has_died_in_care": False},
    ),
    OC3.rule(
        "1001",
        says="The young person was not in care long enough to be relevant or former relevant: less "
        "than 91 days since the age of 14, not at all since the age of 16, or adopted.",
        todo="Record the missing episodes of care, or take the young person out of the file.",
        # short breaks do not count; a source that starts later than the 14th birthday cannot tell
        only="has_history_from_14 and has_episode",
        fails="days_after_14 < 91 or days_after_16 < 1 or has_been_adopted",
        catches=(
            {
                "has_history_from_14": True,
                "has_episode": True,
                "days_after_14": 90,
                "days_after_16": 90,
                "has_been_adopted": False,
            },
            {
                "has_history_from_14": True,
                "has_episode": True,
                "days_after_14": 400,
                "days_after_16": 0,
                "has_been_adopted": False,
            },
        ),
        passes=(
            {
                "has_history_from_14": True,
                "has_episode": True,
                "days_after_14": 91,
                "days_after_16": 1,
                "has_been_adopted": False,
            },
            {
                "has_history_from_14": False,
                "has_episode": True,
                "days_after_14": 0,
                "days_after_16": 0,
                "has_been_adopted": False,
            },
        ),
    ),
    OC3.rule(
        "1002",
        says="The care leaver has no episode of care at all.",
        todo="Record the episodes of care, or take the young person out of the file.",
        only="has_history_from_16",
        fails="not has_episode",
        catches={"has_history_from_16": True, "has_episode": False},
        passes=(
            {"has_history_from_16": True, "has_episode": True},
            # care before the source begins is not known
            {"has_history_from_16": False, "has_episode": False},
        ),
    ),
    OC3.rule(
        "1007",
        says="The young person was still looked after on their 17th or 18th birthday in this "
        "collection year, so the return does not ask for them as a care leaver.",
        todo=TAKE_OUT,
        fails="(birthday_17 between year_start and year_end and is_looked_after_at_17)"
        " or (birthday_18 between year_start and year_end and is_looked_after_at_18)",
        catches=BORN | {"is_looked_after_at_17": True, "is_looked_after_at_18": True},
        # looked after at 17, a year ago: asked for at 18
        passes=BORN | {"is_looked_after_at_17": True, "is_looked_after_at_18": False},
    ),
    OC3.rule(
        "1010",
        says="At the end of last year the young person was looked after. This year there is no "
        "episode of care, but a record as a care leaver.",
        todo="Record how and when the last episode of care ended (DEC, REC).",
        fails="was_looked_after_last_year and not has_episode_in_year",
        catches={"was_looked_after_last_year": True, "has_episode_in_year": False},
        passes={"was_looked_after_last_year": True, "has_episode_in_year": True},
    ),
    ANY.rule(
        "1011",
        says="Another local authority took over the care, but this one has a record of the young "
        "person as a care leaver.",
        todo="Check the reason why care ended (REC). If it is right, delete the record.",
        fails="is_filled and care_end_date is not null and final_end_reason_code = 'E3'",
        catches={"is_filled": True, "care_end_date": "2018-05-01", "final_end_reason_code": "E3"},
        passes=(
            {"is_filled": True, "care_end_date": "2018-05-01", "final_end_reason_code": "E8"},
            # came back after another authority's care
            {"is_filled": True, "care_end_date": None, "final_end_reason_code": "E3"},
        ),
    ),
    OC3.rule(
        "1012",
        says="The care leaver was not looked after in the year, but another file of the return has "
        "a review, a missing episode, health or an adoption.",
        todo="Record the episode of care, or take the young person out of the other file.",
        fails="not has_episode_in_year and (has_review_in_year or has_missing_in_year"
        " or has_health_record or has_adoption_record)",
        catches={"has_episode_in_year": False, "has_review_in_year": True},
        passes=(
            {"has_episode_in_year": True, "has_review_in_year": True},
            {
                "has_episode_in_year": False,
                "has_review_in_year": False,
                "has_missing_in_year": False,
                "has_health_record": False,
                "has_adoption_record": False,
            },
        ),
    ),
    OC3.rule(
        "1014",
        says="The return has a care leaver, not looked after in the year, in the file of "
        "unaccompanied asylum-seeking children.",
        todo="Take the young person out of the file UASC.",
        fails="is_uasc_in_year and not has_episode_in_year",
        needs=("immigration_status",),
        catches={"is_uasc_in_year": True, "has_episode_in_year": False},
        passes=(
            {"is_uasc_in_year": True, "has_episode_in_year": True},
            {"is_uasc_in_year": False, "has_episode_in_year": False},
        ),
    ),
    OC3.rule(
        "1016",
        says="The young person left care after their 17th or 18th birthday in this collection "
        "year, so the return does not ask for them as a care leaver until the next birthday.",
        todo=TAKE_OUT,
        fails="(birthday_17 between year_start and year_end and care_end_date >= birthday_17)"
        " or (birthday_18 between year_start and year_end and care_end_date >= birthday_18)",
        catches=BORN | {"care_end_date": "2018-05-02"},
        passes=BORN | {"care_end_date": "2018-04-30"},
    ),
    ANY.rule(
        "3001",
        says="The care leaver turns 17 in the year and lives with a former foster carer (Z), which "
        "is only possible from 18.",
        todo="Correct the type of accommodation (ACCOM). A child of 17 with a foster carer is "
        "looked after.",
        fails="accommodation_code = 'Z' and birthday_17 between year_start and year_end",
        catches={
            "accommodation_code": "Z",
            "birthday_17": "2018-05-01",
            "year_start": "2018-04-01",
            "year_end": "2019-03-31",
        },
        passes=BORN | {"accommodation_code": "Z"},
    ),
)
