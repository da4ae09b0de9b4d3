"""Reviews (file Reviews) and earlier permanence (file PrevPerm) of looked-after children."""

from __future__ import annotations

from expectations.looked_after_return.entries import ReturnFile
from expectations.rule import LOOKED_AFTER

REVIEWS = ReturnFile(
    title="Reviews",
    subject="return_reviews",
    owner=LOOKED_AFTER,
    judged="is_in_year and has_episode",
    row={"is_in_year": True, "has_episode": True},
)
EARLIER = ReturnFile(title="PrevPerm", subject="cla_previous_permanence", owner=LOOKED_AFTER)

RULES = (
    ReturnFile(title="Reviews", subject="return_reviews", owner=LOOKED_AFTER).rule(
        "166",
        says="The return has a review without a date.",
        todo="Record the day of the review (REVIEW).",
        fails="is_new_in_return and review_date is null",
        catches={"is_new_in_return": True},
        # a recording system has reviews that are still to be held
        passes={"is_new_in_return": False},
    ),
    REVIEWS.code(
        "167", "participation", "how the child took part in the review (REVIEW_CODE)",
        required=True,
    ),
    REVIEWS.rule(
        "440",
        says="The review says that the child was under 4 (PN0), but the child was 4 or over.",
        todo="Correct how the child took part (REVIEW_CODE), or a date.",
        fails="participation_code = 'PN0' and review_date >= birthday_4",
        catches={"participation_code": "PN0", "review_date": "2018-05-01",
                 "birthday_4": "2018-05-01"},
        passes={"participation_code": "PN0", "review_date": "2018-04-30",
                "birthday_4": "2018-05-01"},
    ),
    REVIEWS.rule(
        "441",
        says="The review says how a child of 4 or over took part, but the child was under 4.",
        todo="Correct how the child took part (REVIEW_CODE) to PN0, or a date.",
        fails="participation_code <> 'PN0' and review_date < birthday_4",
        catches={"participation_code": "PN1", "review_date": "2018-04-30",
                 "birthday_4": "2018-05-01"},
        passes={"participation_code": "PN1", "review_date": "2018-05-01",
                "birthday_4": "2018-05-01"},
    ),
    REVIEWS.rule(
        "399",
        part="B",
        says="The return has a review of a child who had only short breaks (V3 or V4) in the year.",
        todo="Leave the review out of the return, or correct the legal status (LS).",
        only="is_new_in_return",
        fails="has_episode_in_year and not has_care_in_year",
        needs=("legal_status",),
        catches={"is_new_in_return": True, "has_episode_in_year": True,
                 "has_care_in_year": False},
        passes={"is_new_in_return": True, "has_episode_in_year": True, "has_care_in_year": True},
    ),
    EARLIER.code("631", "permanence_option", "the earlier permanence option (PREV_PERM)"),
    EARLIER.rule(
        "633",
        says="The authority that arranged the earlier order is not one of the Department's codes.",
        todo="Record the three-digit code of the authority, or WAL, SCO, NIR or NUK (LA_PERM).",
        fails="period is not null and arranged_by !~ '^([23489][0-9]{2}|WAL|SCO|NIR|NUK)$'",
        catches={"period": "2019", "arranged_by": "Ashmere"},
        # a recording system may write the authority's name
        passes=({"period": "2019", "arranged_by": "202"}, {"period": "2019", "arranged_by": "WAL"},
                {"arranged_by": "Ashmere"}),
    ),
    EARLIER.rule(
        "635",
        says="The child had no earlier permanence option (Z1), but a date or an authority of one "
        "is recorded.",
        todo="Correct the option (PREV_PERM), or delete date and authority.",
        # a known validator tests whether the option is blank instead
        fails="permanence_option_code = 'Z1' and (num_nonnulls(order_date, arranged_by) > 0"
        " or 'order_date' = any(unreadable_columns))",
        catches=(
            {"permanence_option_code": "Z1", "arranged_by": "202", "unreadable_columns": []},
            {"permanence_option_code": "Z1", "order_date": "2015-05-01",
             "unreadable_columns": []},
        ),
        passes=(
            {"permanence_option_code": "Z1", "unreadable_columns": []},
            {"permanence_option_code": "P1", "arranged_by": "202", "unreadable_columns": []},
        ),
    ),
)  # fmt: skip
