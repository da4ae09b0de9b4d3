"""How rows of a return become rows of the contract: `mapping.yml`, compiled to functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

from carepath.sources.ssda903.layout import FieldType
from carepath.sources.ssda903.reading import parse_date, whole_number

MAPPING: Final = Path(__file__).with_name("mapping.yml")
Value = Callable[[Mapping[str, str]], str]  # a row's prepared values by column, to one value

_ACCOMMODATION = re.compile(r"([A-Za-z0])([0-9])", re.ASCII)


@dataclass(frozen=True)
class Part:
    """One kind of row of a contract table: the return's table, which of its rows, the columns."""

    table: str
    where: Mapping[str, frozenset[str]]
    filled: tuple[str, ...]
    columns: Mapping[str, Value]

    def keeps(self, values: Mapping[str, str]) -> bool:
        """Say whether a row of the return becomes a row of the contract table."""
        return all(values[name].strip() in wanted for name, wanted in self.where.items()) and (
            not self.filled or any(values[name].strip() for name in self.filled)
        )


@dataclass(frozen=True)
class TableMapping:
    """How a return fills one table of the contract; see the top of mapping.yml."""

    name: str
    accumulates: bool
    distinct: bool
    parts: tuple[Part, ...]


@lru_cache(maxsize=1)
def load_mapping() -> Mapping[str, TableMapping]:
    """Read the mapping, by the contract's table, once per process."""
    raw: dict[str, dict[str, Any]] = yaml.safe_load(MAPPING.read_text(encoding="utf-8"))
    return {
        name: TableMapping(
            name=name,
            accumulates=entry["accumulates"],
            distinct=entry.get("distinct", False),
            parts=tuple(map(_read_part, entry["from"])),
        )
        for name, entry in raw.items()
    }


def prepare(value: str, kind: FieldType) -> str:
    """Return a field as the contract takes it: dates as yyyy-mm-dd, `1.0` as `1`, else as sent.

    A partial date (zz/05/2020) stays as it is: the SSD records it so.
    """
    if kind in ("date", "partial_date"):
        return _iso(value)
    if kind in ("code", "integer"):
        return whole_number(value.strip())
    return value


@lru_cache(maxsize=65536)
def _iso(value: str) -> str:
    day = parse_date(value.strip())
    return day.isoformat() if day else value


def split_accommodation(code: str) -> tuple[str, str]:
    """Return type and suitability of an ACCOM code: K2 is K and 2; 0 is 0 and nothing.

    An invalid pair such as 02 is split as well, so that the rule on pairs names it; what can't
    be split is passed as sent, for the rule on unknown codes to name.
    """
    found = _ACCOMMODATION.fullmatch(code.strip())
    return (found.group(1), found.group(2)) if found else (code, "")


def _read_part(entry: dict[str, Any]) -> Part:
    return Part(
        table=entry["table"],
        where={name: frozenset(wanted) for name, wanted in entry.get("where", {}).items()},
        filled=tuple(entry.get("filled", ())),
        columns={name: _compile(rule) for name, rule in entry["columns"].items()},
    )


def _compile(rule: str | dict[str, Any]) -> Value:
    if isinstance(rule, str):
        return lambda values: values[rule]
    if "value" in rule:
        constant: str = rule["value"]
        return lambda _: constant
    if "join" in rule:
        return _joined([_compile(each) for each in rule["join"]])
    name: str = rule["column"]
    if "codes" in rule:
        codes: dict[str, str] = rule["codes"]
        return lambda values: codes.get(values[name], values[name])
    if "part" in rule:
        position = ("accommodation", "suitability").index(rule["part"])
        return lambda values: split_accommodation(values[name])[position]
    pattern = re.compile(rule.get("matching") or rule["not_matching"])
    wanted = "matching" in rule
    return lambda values: values[name] if _matches(pattern, values[name]) is wanted else ""


def _joined(each: Sequence[Value]) -> Value:
    return lambda values: "-".join(value(values).strip() for value in each)


def _matches(pattern: re.Pattern[str], value: str) -> bool:
    return pattern.fullmatch(value.strip()) is not None
