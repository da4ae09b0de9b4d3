"""The Department's own rules for the looked-after return (SSDA903), a module for each return file.

They judge every night what the Department would judge once a year, so that an error is put right
while people remember. The collection year is that of the load (`int_collection_year`), so a code
that was withdrawn is found in the first return that may not have it.

docs/department_rules.md lists all numbers, and why some have no rule.
"""

from __future__ import annotations

from expectations.looked_after_return import (
    adoption,
    care_leavers,
    children,
    episodes,
    health,
    missing,
    reviews,
    social_workers,
)
from expectations.rule import Rule

FILES = (
    children,
    episodes,
    reviews,
    missing,
    health,
    care_leavers,
    adoption,
    social_workers,
)
RULES: tuple[Rule, ...] = tuple(rule for file in FILES for rule in file.RULES)
