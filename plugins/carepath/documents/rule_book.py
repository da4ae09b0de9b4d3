"""The page `docs/rule_book.md`: every rule of both gates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from carepath.contract.model import load_contract
from carepath.documents.templates import render
from carepath.quality.figures.rules import FIGURE_RULES
from expectations.judged import judges
from expectations.kinds import KINDS, About
from expectations.register import DOMAINS, rules
from expectations.rule import FEW_RECORDS, Row, Rule
from expectations.subjects import subject
from expectations.table_facts import PLANNED


@dataclass(frozen=True)
class KindEntry:
    """A kind of contradiction: its rules as links, and the number of tables that they judge."""

    about: About
    links: str
    tables: int


def rule_book() -> str:
    """Return the rule book: every rule with what it means, what to do, and examples."""
    return render(
        "rule_book.md",
        domains=DOMAINS,
        few_records=FEW_RECORDS,
        figure_rules=FIGURE_RULES,
        judges=partial(judges, mark="`"),
        needed=_needed,
        example=_example,
        kinds=_kinds(),
        table_count=len(load_contract().tables),
        planned=[
            (load_contract().by_entity(entity).name, column, why)
            for entity, columns in PLANNED.items()
            for column, why in columns.items()
        ],
    )


def _kinds() -> list[KindEntry]:
    """Return every kind with the rules that find it."""
    found = []
    for kind, about in KINDS.items():
        members = [rule for rule in rules() if rule.kind == kind]
        tables = {subject(name).entity for rule in members for name in rule.subjects}
        links = ", ".join(f"[{rule.rule_id}](#{rule.rule_id.lower()})" for rule in members)
        found.append(KindEntry(about, links, len(tables)))
    return found


def _needed(rule: Rule) -> list[str]:
    """Return the tables without which a rule does not apply."""
    return [load_contract().by_entity(name).name for name in rule.needs]


def _example(rows: tuple[Row, ...]) -> str:
    return " and ".join(
        ", ".join(f"`{name}` {_value(value)}" for name, value in row.items()) or "one record"
        for row in rows
    )


def _value(value: object) -> str:
    if value is None:
        return "blank"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)
