"""Education: education, health and care (EHC) plans."""

from __future__ import annotations

from expectations import contradictions

RULES = contradictions.IN_EDUCATION
