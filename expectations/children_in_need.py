"""Children in need: referrals, assessments and plans."""

from __future__ import annotations

from expectations import contradictions
from expectations.census import assessments, plans, referrals
from expectations.kinds import in_order, known_code
from expectations.rule import SAFEGUARDING

RULES = (
    known_code(
        "CODE-06",
        "cin_episodes",
        "primary_need",
        "the referral's category of need",
        SAFEGUARDING,
        department=("CIN census 8650",),
    ),
    in_order(
        "DATE-05",
        "cin_episodes",
        ("referral_date", "close_date"),
        "The referral was closed before it was made.",
        SAFEGUARDING,
        "children in need census guide, referral and closure dates",
        department=("CIN census 8630",),
    ),
    in_order(
        "DATE-08",
        "cin_plans",
        ("start_date", "end_date"),
        "The child in need plan ends before it starts.",
        SAFEGUARDING,
        department=("CIN census 4011",),
    ),
    in_order(
        "DATE-14",
        "cin_assessments",
        ("start_date", "authorised_date"),
        "The assessment was authorised before it started.",
        SAFEGUARDING,
        department=("CIN census 8608",),
    ),
    *referrals.RULES,
    *assessments.RULES,
    *plans.RULES,
    *contradictions.IN_CHILDREN_IN_NEED,
)
