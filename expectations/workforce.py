"""Workforce: workers and who they work with."""

from __future__ import annotations

from expectations import contradictions
from expectations.kinds import in_order
from expectations.rule import STEWARD

RULES = (
    in_order(
        "DATE-11",
        "involvements",
        ("start_date", "end_date"),
        "The worker's involvement ends before it starts.",
        STEWARD,
    ),
    *contradictions.IN_WORKFORCE,
)
