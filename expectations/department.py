"""The Department's rules: which rule of the register expresses each number, or why none does.

A rule names its numbers in `department`. department_rules.yml holds the reasons for all the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from carepath.yaml_files import read_yaml, validate
from expectations.rule import Rule, Text

REASONS: Final = Path(__file__).with_name("department_rules.yml")
RETURNS: Final[Mapping[str, str]] = {
    "SSDA903": "Looked-after return (SSDA903), rules of 2026/27",
    "CIN census": "Children in need census, rules of 2025/26",
}
_AS_WRITTEN: Final = ConfigDict(extra="forbid")

Numbers = Annotated[tuple[str, ...], Field(min_length=1)]


@dataclass(frozen=True, config=_AS_WRITTEN)
class Reason:
    """Why no rule expresses these numbers."""

    because: Text
    numbers: Numbers


@dataclass(frozen=True, config=_AS_WRITTEN)
class Remark:
    """What the rules of the register leave out of these numbers."""

    what: Text
    numbers: Numbers


@dataclass(frozen=True, config=_AS_WRITTEN)
class Reasons:
    """The entries of one return."""

    not_covered: tuple[Reason, ...]
    in_part: tuple[Remark, ...]


@dataclass(frozen=True)
class Number:
    """One rule of the Department.

    Attributes:
        number: as the Department writes it, such as 143 or 8770Q.
        rule_ids: the rules of the register that express it.
        because: the reasons why none does; empty if one does.
        in_part: what those rules leave out of it.
    """

    number: str
    rule_ids: tuple[str, ...]
    because: tuple[str, ...]
    in_part: tuple[str, ...]


@lru_cache(maxsize=1)
def reasons() -> Mapping[str, Reasons]:
    """Read department_rules.yml, by return.

    Raises:
        SettingsError: the file is wrong; the message names the entry and the key.
    """
    model = TypeAdapter(dict[str, Reasons])
    return validate(model, read_yaml(REASONS), where=REASONS.name)


def numbers(name: str, rules: Sequence[Rule]) -> list[Number]:
    """Return every number of a return that a rule or a reason names, in order.

    Args:
        name: a return, as in `RETURNS`.
        rules: the register.
    """
    covered: dict[str, list[str]] = {}
    for rule in rules:
        for each in rule.department:
            if each.startswith(f"{name} "):
                covered.setdefault(each.removeprefix(f"{name} "), []).append(rule.rule_id)
    because = _texts((each.because, each.numbers) for each in reasons()[name].not_covered)
    in_part = _texts((each.what, each.numbers) for each in reasons()[name].in_part)
    return [
        Number(
            number,
            tuple(covered.get(number, ())),
            tuple(because.get(number, ())),
            tuple(in_part.get(number, ())),
        )
        for number in sorted({*covered, *because, *in_part}, key=_order)
    ]


def faults(name: str, rules: Sequence[Rule]) -> list[str]:
    """Return what is wrong with the page of a return: each number has rules or one reason."""
    found = []
    for each in numbers(name, rules):
        if each.rule_ids and each.because:
            found.append(f"{each.number}: {each.rule_ids[0]} covers it, but there is a reason too")
        if len(each.because) > 1:
            found.append(f"{each.number}: two reasons")
        if each.in_part and not each.rule_ids:
            found.append(f"{each.number}: in part, but no rule covers it")
    return found


def _texts(entries: Iterable[tuple[str, Numbers]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text, of in entries:
        for number in of:
            found.setdefault(number, []).append(text)
    return found


def _order(number: str) -> tuple[str, int, str]:
    """Sort 99 before 101 and 392a before 392b; numbers with letters in front come last."""
    found = re.fullmatch(r"([A-Za-z]*)(\d*)(.*)", number)
    letters, digits, rest = found.groups() if found else (number, "", "")
    return letters.upper(), int(digits or 0), rest.upper()
