"""Front door: contacts and early help."""

from __future__ import annotations

from expectations.kinds import in_order
from expectations.rule import SAFEGUARDING

RULES = (
    in_order(
        "DATE-10",
        "early_help_episodes",
        ("start_date", "end_date"),
        "The early help episode ends before it starts.",
        SAFEGUARDING,
    ),
)
