"""The register: every rule of the gate, collected from the modules of this package and checked.

To add a rule, add one entry to `RULES` of its domain's module. A new domain is a new module,
named in `DOMAINS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from carepath.errors import SettingsError
from expectations import care, care_leavers, codes, dates, eet, practice, programmes, records
from expectations.rule import Rule, problems
from expectations.subjects import subject_names

DOMAINS: Mapping[str, tuple[Rule, ...]] = {
    "Education, employment and training": eet.RULES,
    "Care leavers": care_leavers.RULES,
    "Children in care": care.RULES,
    "Practice": practice.RULES,
    "Codes": codes.RULES,
    "Dates": dates.RULES,
    "Programmes and costs": programmes.RULES,
    "Records and people": records.RULES,
}


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """Return every rule, in the order of the rule book.

    Raises:
        SettingsError: a rule contradicts itself or another; the message names it.
    """
    return check(tuple(rule for domain in DOMAINS.values() for rule in domain))


def domain_of(rule: Rule) -> str:
    """Return the heading under which the rule book shows a rule."""
    return next(name for name, members in DOMAINS.items() if rule in members)


def check(register: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return the rules as given, or refuse them.

    Raises:
        SettingsError: an id is used twice, or a rule lacks something.
    """
    ids = [rule.rule_id for rule in register]
    for rule in register:
        found = problems(rule, subject_names())
        if ids.count(rule.rule_id) > 1:
            found.append("the id is used twice")
        if found:
            raise SettingsError(
                f"the rule {rule.rule_id} cannot be used: {'; '.join(found)}",
                where="expectations/",
                todo="mend the entry; expectations/rule.py says what each part means.",
            )
    return register
