"""How records of the census become rows of the contract: `mapping.yml`, made into functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass

from carepath.sources.cin_census.layout import MODULES, Row
from carepath.yaml_files import read_yaml, validate

MAPPING: Final = Path(__file__).with_name("mapping.yml")
_AS_WRITTEN: Final = ConfigDict(extra="forbid")
# the elements that a record may read: its own, and those of the modules around it
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(module.elements).union(
        *(MODULES[outer].elements for outer in ("Child", "CINdetails", module.inside) if outer)
    )
    for name, module in MODULES.items()
}


def _as_rule(rule: Any) -> Any:
    """Read a rule that is only an element's name as `{first: [NAME]}`."""
    return {"first": [rule]} if isinstance(rule, str) else rule


@dataclass(frozen=True, config=_AS_WRITTEN)
class Rule:
    """How a record gives a column of the contract; see the top of mapping.yml."""

    first: tuple[str, ...] = ()
    id: str | None = None
    json: str | None = None
    of: str | None = None
    codes: Mapping[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if [bool(self.first), bool(self.id), bool(self.json)].count(True) != 1 or (
            bool(self.json) != bool(self.of)
        ):
            raise ValueError("A rule has either first, id, or json with of. | Keep one of them.")
        return self

    @property
    def reads(self) -> frozenset[str]:
        """The elements that the rule reads."""
        return frozenset((*self.first, *([self.of] if self.of else ())))

    def value(self, row: Row) -> str:
        """Return the column's value for a record; blank if it is not there."""
        if self.id:
            return row[f"id:{self.id}"]
        names = (self.of,) if self.of else self.first
        sent = next((row[name] for name in names if row[name]), "")
        value = self.codes.get(sent, sent)
        return json.dumps({self.json: value}) if self.json and value else value


@dataclass(frozen=True, config=_AS_WRITTEN)
class Part:
    """One kind of row of a contract table: from which records, and how."""

    record: str
    columns: Mapping[str, Annotated[Rule, BeforeValidator(_as_rule)]]
    filled: tuple[str, ...] = ()
    blank: tuple[str, ...] = ()
    unless: Mapping[str, frozenset[str]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_of_the_census(self) -> Self:
        if self.record not in MODULES:
            raise ValueError(f"The census has no record {self.record}. | Use a name of layout.py.")
        read = self.reads.union(self.filled, self.blank, self.unless)
        if unknown := sorted(read - _KNOWN[self.record]):
            raise ValueError(
                f"A record {self.record} has no element {unknown[0]}. | Use a name of layout.py."
            )
        return self

    @cached_property
    def reads(self) -> frozenset[str]:
        """The elements that become columns."""
        return frozenset().union(*(rule.reads for rule in self.columns.values()))

    def keeps(self, row: Row) -> bool:
        """Say whether a record becomes a row of the contract table."""
        return (
            (not self.filled or any(row[name] for name in self.filled))
            and not any(row[name] for name in self.blank)
            and not any(row[name] in values for name, values in self.unless.items())
        )


@dataclass(frozen=True, config=_AS_WRITTEN)
class TableMapping:
    """How a census fills one table of the contract."""

    name: str
    parts: tuple[Part, ...]

    @model_validator(mode="before")
    @classmethod
    def _written(cls, entry: Any) -> Any:
        """Take the parts from the key `from`, which is a reserved word in Python."""
        if not isinstance(entry, dict) or "from" not in entry:
            return entry
        return {"parts": entry["from"], **{k: v for k, v in entry.items() if k != "from"}}


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
    return {
        name: validate(_TABLE, {"name": name, **entry}, where=f"{path.name}, {name}")
        for name, entry in read_yaml(path).items()
    }


@lru_cache(maxsize=32)
def parts_of(record: str) -> tuple[Part, ...]:
    """Return every part of the mapping that reads a kind of record."""
    return tuple(
        part for table in load_mapping().values() for part in table.parts if part.record == record
    )
