"""Children (file Header): who they are, mothers, asylum seekers, and last year's record."""

from __future__ import annotations

from expectations.looked_after_return.entries import ReturnFile
from expectations.rule import LOOKED_AFTER, STEWARD, Rule

HEADER = ReturnFile(
    title="Header",
    subject="return_children",
    owner=STEWARD,
    judged="is_in_return",
    row={"is_in_return": True},
)
ASYLUM = ReturnFile(
    title="UASC",
    subject="return_children",
    owner=LOOKED_AFTER,
    judged="is_in_return",
    row={"is_in_return": True},
    needs=("immigration_status",),
)
PERMANENCE = ReturnFile(
    title="PrevPerm",
    subject="return_children",
    owner=LOOKED_AFTER,
    judged="is_in_return",
    row={"is_in_return": True},
    needs=("cla_previous_permanence",),
)
MISSING = ReturnFile(
    title="Missing",
    subject="return_children",
    owner=LOOKED_AFTER,
    judged="has_episode_in_year",
    row={"has_episode_in_year": True},
    needs=("missing",),
)
LAST_YEAR = "If last year's return was wrong, tell the Department. If not, correct the record."
SENT = "num_nonnulls(upn, upn_unknown_sent) = 0"


def _as_last_year(number: str, column: str, what: str, now: object, then: object) -> Rule:
    """Return a rule: a fact about the child is the one of last year's return."""
    return HEADER.rule(
        number,
        says=f"{what} differs from last year's return.",
        todo=LAST_YEAR,
        fails=f"{column} <> last_year_{column}",
        catches={column: now, f"last_year_{column}": then},
        passes=({column: now, f"last_year_{column}": now}, {column: now}),
    )


RULES = (
    HEADER.code("101", "sex", "the child's sex (SEX)", required=True, unknown_found_by="CODE-01"),
    HEADER.rule(
        "102",
        says="The child has no date of birth.",
        todo="Record the date of birth (DOB).",
        # DATE-02 finds what is not a date
        fails="birth_date is null and not 'birth_date' = any(unreadable_columns)",
        catches={"birth_date": None, "unreadable_columns": []},
        passes=(
            {"birth_date": "2003-05-01", "unreadable_columns": []},
            {"birth_date": None, "unreadable_columns": ["birth_date"]},
        ),
    ),
    HEADER.code(
        "103", "ethnicity", "the child's ethnicity (ETHNIC)", required=True,
        unknown_found_by="CODE-02",
    ),
    HEADER.rule(
        "168",
        says="The unique pupil number does not have the form of one, or the code for an unknown "
        "number is not one of UN1 to UN5.",
        todo="Ask the school for the number (UPN).",
        fails="upn !~ '^[A-HJ-NP-RT-Z][0-9]{11}[0-9A-Z]$'"
        " or (upn_unknown_sent is not null and coalesce(upn_unknown_code, '') not in"
        " ('UN1', 'UN2', 'UN3', 'UN4', 'UN5'))",
        catches=({"upn": "S12345678901A"}, {"upn_unknown_sent": "UN7", "upn_unknown_code": "UN7"}),
        # a temporary number ends with a letter
        passes=({"upn": "A12345678901A"}, {"upn": "A123456789012"},
                {"upn_unknown_sent": "UN5", "upn_unknown_code": "UN5"}),
    ),
    HEADER.rule(
        "442",
        says="The child is looked after, but has neither a unique pupil number nor a reason why "
        "it is not known.",
        todo="Record the number, or one of UN1 to UN5 (UPN).",
        fails=f"has_care_in_year and {SENT}",
        catches={"has_care_in_year": True},
        passes=(
            {"has_care_in_year": True, "upn_unknown_sent": "UN1"},
            # a child with short breaks only needs none
            {"has_care_in_year": False},
        ),
    ),
    HEADER.rule(
        "444",
        says="Two or more children have the same unique pupil number.",
        todo="Find out whose it is. Merge the records if they are of one child.",
        fails="upn is not null and people_with_upn > 1",
        catches={"upn": "A12345678901A", "people_with_upn": 2},
        passes=({"upn": "A12345678901A", "people_with_upn": 1}, {"people_with_upn": 2}),
    ),
    HEADER.rule(
        "209",
        says="The child is of school age, but the reason for no pupil number is that they are not "
        "(UN1).",
        todo="Record the number (UPN), or another reason.",
        # of school age: four years old by the 31 August before the year began
        fails="upn_unknown_code = 'UN1'"
        " and birthday_4 <= make_date(collection_year - 2, 8, 31)",
        catches={"upn_unknown_code": "UN1", "birthday_4": "2017-08-31", "collection_year": 2019},
        passes=(
            {"upn_unknown_code": "UN1", "birthday_4": "2017-09-01", "collection_year": 2019},
            {"upn_unknown_code": "UN2", "birthday_4": "2010-09-01", "collection_year": 2019},
        ),
    ),
    HEADER.rule(
        "210",
        says="The child has been looked after for more than a week, but the reason for no pupil "
        "number is that care has just begun (UN4).",
        todo="Record the number (UPN), or another reason.",
        # a known validator flags those who came in the last week instead
        fails="upn_unknown_code = 'UN4' and is_looked_after"
        " and open_period_start_date < as_of_date - 7",
        catches={"upn_unknown_code": "UN4", "is_looked_after": True,
                 "open_period_start_date": "2019-03-23", "as_of_date": "2019-03-31"},
        passes={"upn_unknown_code": "UN4", "is_looked_after": True,
                "open_period_start_date": "2019-03-24", "as_of_date": "2019-03-31"},
    ),
    HEADER.rule(
        "232",
        says="The child's sex is recorded as unknown.",
        todo="Record the sex (SEX) if it is known.",
        fails="sex_code = 'U'",
        catches={"sex_code": "U"},
        passes={"sex_code": "F"},
    ),
    HEADER.rule(
        "301",
        says="The child was born after the end of the collection year.",
        todo="Correct the date of birth (DOB).",
        fails="birth_date > year_end",
        catches={"birth_date": "2019-04-01", "year_end": "2019-03-31"},
        passes={"birth_date": "2019-03-31", "year_end": "2019-03-31"},
    ),
    HEADER.rule(
        "351",
        says="The person was over 25 when the collection year began.",
        todo="Correct the date of birth (DOB).",
        fails="has_episode_in_year and birthday_25 < year_start",
        catches={"has_episode_in_year": True, "birthday_25": "2018-03-31",
                 "year_start": "2018-04-01"},
        passes={"has_episode_in_year": True, "birthday_25": "2018-04-01",
                "year_start": "2018-04-01"},
    ),
    _as_last_year("202", "sex_code", "The sex (SEX)", "F", "M"),
    _as_last_year("203", "birth_date", "The date of birth (DOB)", "2003-05-01", "2003-05-02"),
    _as_last_year("204", "ethnicity_code", "The ethnicity (ETHNIC)", "WBRI", "WIRI"),
    _as_last_year("208", "upn", "The unique pupil number (UPN)", "A12345678901A", "B12345678901A"),
    HEADER.rule(
        "207",
        says="Last year's return had the child as a mother, and this year's does not.",
        todo=LAST_YEAR,
        fails="last_year_is_mother and is_mother is distinct from true and has_episode_in_year",
        catches={"last_year_is_mother": True, "is_mother": False, "has_episode_in_year": True},
        passes=(
            # she may have become a mother since
            {"last_year_is_mother": False, "is_mother": True, "has_episode_in_year": True},
            {"last_year_is_mother": True, "is_mother": False, "has_episode_in_year": False},
        ),
    ),
    HEADER.rule(
        "165",
        says="A boy is recorded as a mother.",
        todo="Correct the sex (SEX) or the field mother (MOTHER).",
        fails="sex_code = 'M' and is_mother",
        catches={"sex_code": "M", "is_mother": True},
        passes=({"sex_code": "M", "is_mother": False}, {"sex_code": "F", "is_mother": True}),
    ),
    HEADER.rule(
        "174",
        says="For a boy, the date of birth of a mother's child is recorded.",
        todo="Correct the sex (SEX), or delete the child's date of birth (MC_DOB).",
        fails="sex_code = 'M' and first_childs_birth_date is not null",
        needs=("mother",),
        catches={"sex_code": "M", "first_childs_birth_date": "2018-05-01"},
        passes={"sex_code": "F", "first_childs_birth_date": "2018-05-01"},
    ),
    HEADER.rule(
        "393",
        says="A girl is looked after, but it is not recorded whether she is a mother.",
        todo="Record yes or no (MOTHER).",
        fails="sex_code = 'F' and has_care_in_year and is_mother is null",
        catches={"sex_code": "F", "has_care_in_year": True},
        passes=(
            {"sex_code": "F", "has_care_in_year": True, "is_mother": False},
            {"sex_code": "F", "has_care_in_year": False},
            {"sex_code": "M", "has_care_in_year": True},
        ),
    ),
    HEADER.rule(
        "607",
        says="A girl left care in the year, but it is not recorded whether she is a mother.",
        todo="Record yes or no (MOTHER).",
        fails="sex_code = 'F' and is_ceased_in_year and is_mother is null",
        catches={"sex_code": "F", "is_ceased_in_year": True},
        passes={"sex_code": "F", "is_ceased_in_year": True, "is_mother": True},
    ),
    HEADER.rule(
        "611",
        says="The girl is a mother, but her child's date of birth is not recorded.",
        todo="Record the date of birth of her first child (MC_DOB).",
        fails="is_mother and first_childs_birth_date is null",
        needs=("mother",),
        catches={"is_mother": True},
        passes=({"is_mother": True, "first_childs_birth_date": "2018-05-01"}, {"is_mother": False}),
    ),
    HEADER.rule(
        "612",
        says="A child's date of birth is recorded, but the field mother says no or is blank.",
        todo="Correct the field (MOTHER), or delete the child's date of birth (MC_DOB).",
        fails="first_childs_birth_date is not null and is_mother is distinct from true",
        needs=("mother",),
        catches={"first_childs_birth_date": "2018-05-01", "is_mother": False},
        passes={"first_childs_birth_date": "2018-05-01", "is_mother": True},
    ),
    HEADER.rule(
        "620",
        says="The girl is recorded as a mother, but is under 11.",
        todo="Correct the date of birth (DOB) or the field mother (MOTHER).",
        fails="is_mother and birthday_11 > as_of_date",
        catches={"is_mother": True, "birthday_11": "2019-04-01", "as_of_date": "2019-03-31"},
        passes={"is_mother": True, "birthday_11": "2019-03-31", "as_of_date": "2019-03-31"},
    ),
    HEADER.rule(
        "621",
        says="The mother is younger than her child.",
        todo="Find out which of the two dates of birth is wrong, and correct it.",
        fails="first_childs_birth_date < birth_date",
        needs=("mother",),
        catches={"first_childs_birth_date": "2003-04-30", "birth_date": "2003-05-01"},
        passes={"first_childs_birth_date": "2018-04-30", "birth_date": "2003-05-01"},
    ),
    HEADER.rule(
        "624",
        says="The date of birth of the girl's first child differs from last year's return.",
        todo=LAST_YEAR,
        fails="first_childs_birth_date <> last_year_first_childs_birth_date",
        needs=("mother",),
        catches={"first_childs_birth_date": "2017-05-01",
                 "last_year_first_childs_birth_date": "2017-05-02"},
        passes={"first_childs_birth_date": "2017-05-01"},
    ),
    HEADER.rule(
        "625",
        says="The girl's first child was born after the collection year, or after she left care.",
        todo="Correct the child's date of birth (MC_DOB), or leave it blank.",
        fails="first_childs_birth_date > year_end or first_childs_birth_date > care_end_date",
        needs=("mother",),
        catches={"first_childs_birth_date": "2018-06-01", "care_end_date": "2018-05-01",
                 "year_end": "2019-03-31"},
        passes={"first_childs_birth_date": "2018-06-01", "care_end_date": None,
                "year_end": "2019-03-31"},
    ),
    HEADER.rule(
        "626",
        says="The girl's first child was born before this year, but last year's return did not "
        "have her as a mother.",
        todo=LAST_YEAR,
        fails="is_mother and has_last_year_record and last_year_is_mother is distinct from true"
        " and first_childs_birth_date < year_start",
        needs=("mother",),
        catches={"is_mother": True, "has_last_year_record": True, "last_year_is_mother": False,
                 "first_childs_birth_date": "2017-05-01", "year_start": "2018-04-01"},
        passes=(
            {"is_mother": True, "has_last_year_record": True, "last_year_is_mother": False,
             "first_childs_birth_date": "2018-05-01", "year_start": "2018-04-01"},
            {"is_mother": True, "has_last_year_record": False,
             "first_childs_birth_date": "2017-05-01", "year_start": "2018-04-01"},
        ),
    ),
    HEADER.rule(
        "628",
        says="The return has a care leaver, not looked after in the year, with the field mother "
        "filled in.",
        todo="Leave the field (MOTHER) blank for care leavers.",
        only="is_new_in_return",
        fails="is_care_leaver and not has_episode_in_year and is_mother is not null",
        catches={"is_new_in_return": True, "is_care_leaver": True, "has_episode_in_year": False,
                 "is_mother": False},
        passes={"is_new_in_return": True, "is_care_leaver": True, "has_episode_in_year": True,
                "is_mother": False},
    ),
    HEADER.rule(
        "399",
        says="The child had only short breaks (V3 or V4) in the year, but is recorded as a mother.",
        todo="Leave the field (MOTHER) blank, or correct the legal status (LS).",
        fails="has_episode_in_year and not has_care_in_year and is_mother",
        catches={"has_episode_in_year": True, "has_care_in_year": False, "is_mother": True},
        passes={"has_episode_in_year": True, "has_care_in_year": True, "is_mother": True},
    ),
    ReturnFile(
        title="Header", subject="return_children", owner=STEWARD, judged="is_new_in_return",
        row={"is_new_in_return": True},
    ).rule(
        "EPI",
        says="The return has the child, but neither an episode of care nor a record as a care "
        "leaver.",
        todo="Send the child's episodes, or take the child out of the return.",
        fails="not has_episode and not is_care_leaver",
        catches={"has_episode": False, "is_care_leaver": False},
        passes={"has_episode": False, "is_care_leaver": True},
    ),
    MISSING.rule(
        "576",
        says="The last return had the child as missing or away and not back yet. No missing "
        "episode with that start is recorded now.",
        todo="Record the missing episode again (MIS_START), with its end once the child is back.",
        fails="lacks_last_years_missing",
        catches={"lacks_last_years_missing": True},
        passes=(
            {"lacks_last_years_missing": False},
            # a return has only children who were looked after in the year
            {"lacks_last_years_missing": True, "has_episode_in_year": False},
        ),
    ),
    ASYLUM.rule(
        "205A",
        says="Last year the child was an unaccompanied asylum seeker. This year they are not, but "
        "last year's record does not say that it ended.",
        todo="Record the day on which the status ended (DUC), or the status itself.",
        fails="was_uasc_last_year and not is_uasc and coalesce(last_year_uasc_end_date >="
        " year_start, true)",
        catches={"was_uasc_last_year": True, "is_uasc": False, "year_start": "2018-04-01"},
        passes=(
            {"was_uasc_last_year": True, "is_uasc": False, "year_start": "2018-04-01",
             "last_year_uasc_end_date": "2018-03-01"},
            {"was_uasc_last_year": False, "is_uasc": False, "year_start": "2018-04-01"},
        ),
    ),
    ASYLUM.rule(
        "205B",
        says="Last year's record said that the time as an unaccompanied asylum seeker had ended. "
        "This year the child is one again.",
        todo="Correct the day on which the status ended (DUC).",
        fails="was_uasc_last_year and is_uasc and last_year_uasc_end_date < year_start",
        catches={"was_uasc_last_year": True, "is_uasc": True,
                 "last_year_uasc_end_date": "2018-03-01", "year_start": "2018-04-01"},
        # the planned end on the 18th birthday is still to come
        passes={"was_uasc_last_year": True, "is_uasc": True,
                "last_year_uasc_end_date": "2019-03-01", "year_start": "2018-04-01"},
    ),
    ASYLUM.rule(
        "205D",
        says="The child is an unaccompanied asylum seeker this year, but was in last year's return "
        "without that status.",
        todo=LAST_YEAR,
        fails="is_uasc and has_last_year_record and not was_uasc_last_year"
        " and first_start_date < year_start",
        catches={"is_uasc": True, "has_last_year_record": True, "was_uasc_last_year": False,
                 "first_start_date": "2018-03-01", "year_start": "2018-04-01"},
        passes=(
            {"is_uasc": True, "has_last_year_record": True, "was_uasc_last_year": True,
             "first_start_date": "2018-03-01", "year_start": "2018-04-01"},
            # known to the department before, but not looked after
            {"is_uasc": True, "has_last_year_record": True, "was_uasc_last_year": False,
             "first_start_date": "2018-06-01", "year_start": "2018-04-01"},
        ),
    ),
    ASYLUM.rule(
        "231",
        says="The unaccompanied asylum seeker is 11 or younger.",
        todo="Check the date of birth (DOB). If it is right, explain it with the return.",
        fails="is_uasc and birthday_11 >= year_end",
        # a known validator reads a column that the return does not have, so it never finds one
        catches={"is_uasc": True, "birthday_11": "2019-04-30", "year_end": "2019-03-31"},
        passes={"is_uasc": True, "birthday_11": "2019-03-30", "year_end": "2019-03-31"},
    ),
    ASYLUM.rule(
        "304",
        says="The time as an unaccompanied asylum seeker ends after the 18th birthday.",
        todo="Correct the day on which the status ended (DUC): at the latest the 18th birthday.",
        fails="uasc_end_date > birthday_18",
        catches={"uasc_end_date": "2018-05-02", "birthday_18": "2018-05-01"},
        passes={"uasc_end_date": "2018-05-01", "birthday_18": "2018-05-01"},
    ),
    PERMANENCE.rule(
        "630",
        says="The child started to be looked after in the year, but no answer about an earlier "
        "adoption or special guardianship is recorded.",
        todo="Record the earlier order, or that there was none (PREV_PERM, Z1).",
        fails="has_care_in_year and latest_period_start_date >= year_start"
        " and not has_previous_permanence",
        catches={"has_care_in_year": True, "latest_period_start_date": "2018-05-01",
                 "year_start": "2018-04-01", "has_previous_permanence": False},
        passes=(
            {"has_care_in_year": True, "latest_period_start_date": "2018-05-01",
             "year_start": "2018-04-01", "has_previous_permanence": True},
            {"has_care_in_year": True, "latest_period_start_date": "2018-03-01",
             "year_start": "2018-04-01", "has_previous_permanence": False},
        ),
    ),
    PERMANENCE.rule(
        "632",
        says="The date of the earlier order on permanence is after the child came into care.",
        todo="Correct the date of the order (DATE_PERM).",
        fails="previous_order_date > latest_period_start_date",
        catches={"previous_order_date": "2018-05-02", "latest_period_start_date": "2018-05-01"},
        passes={"previous_order_date": "2018-04-30", "latest_period_start_date": "2018-05-01"},
    ),
    PERMANENCE.rule(
        "634",
        says="An earlier adoption or special guardianship is recorded. The Department asks for it "
        "only if the child came into care from 1 April 2016.",
        todo="Take the child out of the file on previous permanence (PrevPerm).",
        fails="has_previous_permanence and latest_period_start_date < date '2016-04-01'",
        catches={"has_previous_permanence": True, "latest_period_start_date": "2016-03-31"},
        passes={"has_previous_permanence": True, "latest_period_start_date": "2016-04-01"},
    ),
)  # fmt: skip
