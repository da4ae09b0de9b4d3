"""Missing episodes (file Missing) of looked-after children."""

from __future__ import annotations

from expectations.looked_after_return.entries import FROM_RETURN, ReturnFile
from expectations.rule import LOOKED_AFTER

MISSING = ReturnFile(
    title="Missing",
    subject="return_missing",
    owner=LOOKED_AFTER,
    judged="is_in_year and has_episode",
    row={"is_in_year": True, "has_episode": True},
)
DATES = "Correct the dates of the missing episode (MIS_START, MIS_END)."

RULES = (
    MISSING.code("1006", "missing_type", "the kind of absence (MISSING)"),
    MISSING.rule(
        "564",
        says="The child was missing or away, but it is not recorded since when.",
        todo="Record the day (MIS_START).",
        fails="missing_type_sent is not null and start_date is null",
        catches={"missing_type_sent": "M"},
        passes={"missing_type_sent": "M", "start_date": "2018-05-01"},
    ),
    MISSING.rule(
        "565",
        says="The day on which the child went missing is recorded, but not whether the child was "
        "missing or away.",
        todo="Record which of the two (MISSING, M or A).",
        fails="start_date is not null and missing_type_sent is null",
        catches={"start_date": "2018-05-01"},
        passes={"start_date": "2018-05-01", "missing_type_sent": "A"},
    ),
    MISSING.rule(
        "566",
        says="The day on which the child came back is recorded, but not whether the child was "
        "missing or away.",
        todo="Record which of the two (MISSING, M or A).",
        fails="end_date is not null and missing_type_sent is null",
        catches={"end_date": "2018-05-01"},
        passes={"end_date": "2018-05-01", "missing_type_sent": "A"},
    ),
    MISSING.rule(
        "570",
        says="The child went missing after the end of the collection year.",
        todo=DATES,
        fails="start_date > year_end",
        catches={"start_date": "2019-04-01", "year_end": "2019-03-31"},
        passes={"start_date": "2019-03-31", "year_end": "2019-03-31"},
    ),
    ReturnFile(title="Missing", subject="return_missing", owner=LOOKED_AFTER).rule(
        "571",
        says="The child came back after the end of the collection year, or before this return's "
        "year began.",
        todo=DATES,
        # a recording system also has the missing episodes of earlier years
        fails="end_date > year_end or (is_new_in_return and end_date < year_start)",
        catches=(
            {"end_date": "2019-04-01", "year_end": "2019-03-31", "is_new_in_return": False},
            {"end_date": "2018-03-31", "year_start": "2018-04-01", "is_new_in_return": True},
        ),
        passes={"end_date": "2018-03-31", "year_start": "2018-04-01",
                "year_end": "2019-03-31", "is_new_in_return": False},
    ),
    MISSING.rule(
        "574",
        says="The child went missing again before coming back from the time before.",
        todo=DATES,
        fails="previous_start_date is not null and coalesce(start_date < previous_end_date, true)",
        catches=(
            {"start_date": "2018-05-03", "previous_start_date": "2018-05-01"},
            {"start_date": "2018-05-03", "previous_start_date": "2018-05-01",
             "previous_end_date": "2018-05-04"},
        ),
        passes={"start_date": "2018-05-03", "previous_start_date": "2018-05-01",
                "previous_end_date": "2018-05-03"},
    ),
    MISSING.rule(
        "575",
        says="The placement from which the child went missing has ended, but the missing episode "
        "has not.",
        todo="Record the end of the missing episode (MIS_END). If the child is still missing, "
        "start another one in the new placement.",
        fails="end_date is null and episode_end_date is not null",
        catches={"start_date": "2018-05-01", "episode_end_date": "2018-05-03"},
        passes={"start_date": "2018-05-01", "episode_end_date": None},
    ),
    MISSING.rule(
        "577",
        says="The child has left care, but the missing episode has no end, or ends later.",
        todo="Record the end of the missing episode (MIS_END).",
        fails="coalesce(end_date, 'infinity'::date) > period_end_date",
        catches={"start_date": "2018-05-01", "period_end_date": "2018-05-03"},
        passes={"start_date": "2018-05-01", "period_end_date": "2018-05-03",
                "end_date": "2018-05-03"},
    ),
    MISSING.rule(
        "578",
        says="The return has a missing episode that began after the child left care.",
        todo="Correct the dates. Leave it out of the return if the child was not looked after.",
        only=FROM_RETURN,
        fails="start_date > care_end_date",
        catches={"is_from_return": True, "start_date": "2018-05-02",
                 "care_end_date": "2018-05-01"},
        # a recording system also has children who go missing from home
        passes={"is_from_return": False, "start_date": "2018-05-02",
                "care_end_date": "2018-05-01"},
    ),
    MISSING.rule(
        "580",
        says="The child was missing when care ended, but the reason for the end is not E8 (other).",
        todo="Correct the reason (REC) to E8, or record when the child came back.",
        fails="coalesce(end_date, 'infinity'::date) >= period_end_date"
        " and period_end_reason_code <> 'E8'",
        catches={"start_date": "2018-05-01", "period_end_date": "2018-05-03",
                 "period_end_reason_code": "E4A"},
        passes=(
            {"start_date": "2018-05-01", "period_end_date": "2018-05-03",
             "period_end_reason_code": "E8"},
            {"start_date": "2018-05-01", "end_date": "2018-05-02",
             "period_end_date": "2018-05-03", "period_end_reason_code": "E4A"},
        ),
    ),
    MISSING.rule(
        "581",
        says="The return has a missing episode that began before the child came into care.",
        todo="Correct the dates. Leave it out of the return if the child was not looked after.",
        only=FROM_RETURN,
        fails="start_date < first_start_date",
        catches={"is_from_return": True, "start_date": "2018-04-30",
                 "first_start_date": "2018-05-01"},
        passes={"is_from_return": True, "start_date": "2018-05-01",
                "first_start_date": "2018-05-01"},
    ),
    MISSING.rule(
        "586",
        says="The missing episode is before the child was born.",
        todo="Correct the dates (MIS_START, MIS_END) or the date of birth (DOB).",
        fails="start_date < birth_date or end_date < birth_date",
        catches={"start_date": "2008-05-01", "birth_date": "2008-05-02"},
        passes={"start_date": "2018-05-01", "birth_date": "2008-05-02"},
    ),
)  # fmt: skip
