"""Young people: who they are."""

from __future__ import annotations

from expectations import contradictions
from expectations.census import children
from expectations.kinds import in_order, known_code
from expectations.rule import LEAVING_CARE, STEWARD

RULES = (
    known_code(
        "CODE-01", "person", "sex", "the person's sex", STEWARD, department=("SSDA903 101",)
    ),
    known_code(
        "CODE-02",
        "person",
        "ethnicity",
        "the person's ethnicity",
        STEWARD,
        department=("SSDA903 103",),
    ),
    known_code(
        "CODE-07", "immigration_status", "immigration_status", "the immigration status", STEWARD
    ),
    in_order(
        "DATE-07",
        "immigration_status",
        ("start_date", "end_date"),
        "The immigration status ends before it starts.",
        LEAVING_CARE,
    ),
    in_order(
        "DATE-13",
        "person",
        ("birth_date", "death_date"),
        "The date of death is before the date of birth.",
        STEWARD,
        "Standard Safeguarding Dataset, ssd_person",
        department=("CIN census 8535Q",),
    ),
    *children.RULES,
    *contradictions.IN_YOUNG_PEOPLE,
)
