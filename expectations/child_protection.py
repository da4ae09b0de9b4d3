"""Child protection: enquiries and plans."""

from __future__ import annotations

from expectations import contradictions
from expectations.census import protection
from expectations.kinds import in_order
from expectations.rule import SAFEGUARDING

RULES = (
    in_order(
        "DATE-09",
        "cp_plans",
        ("start_date", "end_date"),
        "The child protection plan ends before it starts.",
        SAFEGUARDING,
        department=("CIN census 8925",),
    ),
    in_order(
        "DATE-15",
        "s47_enquiry",
        ("start_date", "end_date"),
        "The section 47 enquiry ends before it starts.",
        SAFEGUARDING,
    ),
    *protection.RULES,
    *contradictions.IN_CHILD_PROTECTION,
)
