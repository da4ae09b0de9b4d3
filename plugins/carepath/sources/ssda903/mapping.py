"""How rows of a return become rows of the contract: `mapping.yml`, made into functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, Strict, TypeAdapter, model_validator
from pydantic import ValidationInfo as Info
from pydantic.dataclasses import dataclass

from carepath.sources.blanks import trim
from carepath.sources.ssda903.layout import FieldType, ReturnTable, load_layout
from carepath.sources.ssda903.reading import parse_date, plain_flag, whole_number
from carepath.yaml_files import read_yaml, validate

MAPPING: Final = Path(__file__).with_name("mapping.yml")
Value = Callable[[Mapping[str, str]], str]  # a row's prepared values by column, to one value

_ACCOMMODATION = re.compile(r"([A-Za-z0])([0-9])", re.ASCII)


Flag = Annotated[bool, Strict()]
_AS_WRITTEN: Final = ConfigDict(extra="forbid")
# What a rule may do; the top of mapping.yml explains each.
_ACTIONS: Final = ("value", "join", "codes", "part", "matching", "not_matching")


def as_rule(rule: Any) -> Any:
    """Read a rule that is only a column's name as `{column: NAME}`."""
    return {"column": rule} if isinstance(rule, str) else rule


@dataclass(frozen=True, config=_AS_WRITTEN)
class Rule:
    """How a row of the return gives a column of the contract; see the top of mapping.yml."""

    column: str | None = None
    value: str | None = None
    codes: Mapping[str, str] | None = None
    part: Literal["accommodation", "suitability"] | None = None
    matching: re.Pattern[str] | None = None
    not_matching: re.Pattern[str] | None = None
    join: tuple[Annotated[Rule, BeforeValidator(as_rule)], ...] | None = None

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        actions = [action for action in _ACTIONS if getattr(self, action) is not None]
        if len(actions) > 1:
            raise ValueError(f"One rule has both {' and '.join(actions)}. | Keep one of them.")
        needs_column = not actions or actions[0] not in ("value", "join")
        if needs_column != (self.column is not None):
            raise ValueError(
                "A rule has a column, unless it has a value or a join. | Add or remove the column."
            )
        return self

    @property
    def reads(self) -> frozenset[str]:
        """The columns of the return that the rule reads."""
        own = {self.column} if self.column else set()
        return frozenset(own.union(*(each.reads for each in self.join or ())))

    def compiled(self) -> Value:
        """Return the function that gives the value for a row."""
        if self.value is not None:
            constant = self.value
            return lambda _: constant
        if self.join is not None:
            return _joined([each.compiled() for each in self.join])
        name = self.column or ""
        if self.codes is not None:
            codes = self.codes
            return lambda values: codes.get(values[name], values[name])
        if self.part is not None:
            position = ("accommodation", "suitability").index(self.part)
            return lambda values: split_accommodation(values[name])[position]
        pattern = self.matching or self.not_matching
        if pattern is None:
            return lambda values: values[name]
        found, wanted = pattern, self.matching is not None
        return lambda values: values[name] if _matches(found, values[name]) is wanted else ""


@dataclass(frozen=True, config=_AS_WRITTEN)
class Part:
    """One kind of row of a contract table: from which table of the return, which rows and how."""

    table: str
    columns: Mapping[str, Value]
    where: Mapping[str, frozenset[str]] = Field(default_factory=dict)
    filled: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _compile(cls, entry: Any, info: Info) -> Any:
        """Make functions of the columns' rules. They may only read columns of the return."""
        layout: Mapping[str, ReturnTable] = (info.context or {}).get("layout", {})
        if not isinstance(entry, dict) or not isinstance(entry.get("columns"), dict):
            return entry
        if entry.get("table") not in layout:
            raise ValueError(
                f"The return has no table {entry.get('table')}. | Use a name of layout.yml."
            )
        rules = _RULES.validate_python(entry["columns"])
        known = {column.name for column in layout[entry["table"]].columns}
        read = [*(entry.get("where") or {}), *(entry.get("filled") or ())]
        for name in [*(name for rule in rules.values() for name in sorted(rule.reads)), *read]:
            if name not in known:
                raise ValueError(
                    f"The table {entry['table']} has no column {name}. | Use a name of layout.yml."
                )
        return {**entry, "columns": {name: rule.compiled() for name, rule in rules.items()}}

    def keeps(self, values: Mapping[str, str]) -> bool:
        """Say whether a prepared row of the return becomes a row of the contract table."""
        return all(values[name] in wanted for name, wanted in self.where.items()) and (
            not self.filled or any(values[name] for name in self.filled)
        )


_RULES: Final = TypeAdapter(dict[str, Annotated[Rule, BeforeValidator(as_rule)]])


@dataclass(frozen=True, config=_AS_WRITTEN)
class TableMapping:
    """How a return fills one table of the contract; see the top of mapping.yml."""

    name: str
    accumulates: Flag
    parts: tuple[Part, ...]
    distinct: Flag = False
    replaces: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _written(cls, entry: Any) -> Any:
        """Take the parts from the key `from`, which is a reserved word in Python."""
        if not isinstance(entry, dict) or "from" not in entry:
            return entry
        return {"parts": entry["from"], **{k: v for k, v in entry.items() if k != "from"}}

    @model_validator(mode="after")
    def _replaces_known_columns(self) -> Self:
        """Refuse columns that no row fills, and a table whose latest return replaces all."""
        if self.replaces and not self.accumulates:
            raise ValueError("Only a table that accumulates can have `replaces`. | Leave it out.")
        for name in self.replaces:
            if any(name not in part.columns for part in self.parts):
                raise ValueError(f"No rule fills the column {name}. | Use one of `columns`.")
        return self


_TABLE: Final = TypeAdapter(TableMapping)


@lru_cache(maxsize=1)
def load_mapping() -> Mapping[str, TableMapping]:
    """Read the mapping, by the contract's table, once per process.

    Raises:
        SettingsError: the file is wrong; the message names the table and the key.
    """
    return read_mapping(MAPPING)


def read_mapping(path: Path) -> Mapping[str, TableMapping]:
    """Read a mapping; see load_mapping."""
    context = {"layout": load_layout()}
    return {
        name: validate(
            _TABLE, {"name": name, **entry}, where=f"{path.name}, {name}", context=context
        )
        for name, entry in read_yaml(path).items()
    }


def prepare(value: str, kind: FieldType) -> str:
    """Return a field in the contract's form: a date as yyyy-mm-dd, `1.0` as `1`, text as sent.

    All lose the blanks around them, as the checks do, so that a field of blanks is blank. A partial
    date (zz/05/2020) stays as it is, because the SSD records it like that.
    """
    value = trim(value)
    if kind in ("date", "partial_date"):
        return _iso(value)
    if kind == "flag":
        return plain_flag(value)
    return whole_number(value) if kind in ("code", "integer") else value


@lru_cache(maxsize=65536)
def _iso(value: str) -> str:
    day = parse_date(value)
    return day.isoformat() if day else value


def split_accommodation(code: str) -> tuple[str, str]:
    """Return type and suitability of an ACCOM code: "K" and "2" for K2, "0" and "" for 0.

    An invalid pair such as 02 is split too, so that the rule on pairs finds it. A value that cannot
    be split stays as sent, so that the rule on unknown codes finds it.
    """
    found = _ACCOMMODATION.fullmatch(code)
    return (found.group(1), found.group(2)) if found else (code, "")


def _joined(each: Sequence[Value]) -> Value:
    return lambda values: "-".join(value(values) for value in each)


def _matches(pattern: re.Pattern[str], value: str) -> bool:
    return pattern.fullmatch(value) is not None
