"""The register: every rule of gate 1, collected from the modules of this package and checked.

To add a rule, add an entry to `RULES` in the module of its domain. Each domain of
carepath/domains.py has a module. A rule for many tables belongs in `every_table`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import ModuleType

from carepath.errors import SettingsError
from expectations import (
    child_protection,
    children_in_need,
    edge_of_care,
    education,
    every_table,
    front_door,
    in_care,
    leaving_care,
    looked_after_return,
    practice,
    programmes,
    workforce,
    young_people,
)
from expectations.measures import measure_names
from expectations.rule import Rule, problems
from expectations.subjects import subject_names

MODULES = (
    front_door,
    children_in_need,
    child_protection,
    edge_of_care,
    in_care,
    leaving_care,
    programmes,
    practice,
    workforce,
    education,
    young_people,
    every_table,
    looked_after_return,
)


def _heading(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2].replace("_", " ").capitalize()


DOMAINS: Mapping[str, tuple[Rule, ...]] = {_heading(module): module.RULES for module in MODULES}


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """Return every rule, in the order of the rule book.

    Raises:
        SettingsError: a rule is incomplete or its id is used twice; the message names it.
    """
    return check(tuple(rule for domain in DOMAINS.values() for rule in domain))


def domain_of(rule: Rule) -> str:
    """Return the heading under which the rule book shows a rule."""
    return next(name for name, members in DOMAINS.items() if rule in members)


def check(register: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return the rules unchanged, or refuse them.

    Raises:
        SettingsError: a rule is incomplete or its id is used twice.
    """
    ids = [rule.rule_id for rule in register]
    for rule in register:
        found = problems(rule, subject_names(), measure_names())
        if ids.count(rule.rule_id) > 1:
            found.append("the id is used twice")
        if found:
            raise SettingsError(
                f"The rule {rule.rule_id} cannot be used: {'; '.join(found)}.",
                where="expectations/",
                todo="Correct the entry. expectations/rule.py says what each part means.",
            )
    return register
