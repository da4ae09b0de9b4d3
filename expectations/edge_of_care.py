"""Edge of care: pre-proceedings and panels."""

from __future__ import annotations

from expectations import contradictions

RULES = contradictions.IN_EDGE_OF_CARE
