"""The layout of the SSDA903 return, read from `layout.yml`: tables, columns, collection years."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import yaml

FieldType = Literal["id", "text", "code", "integer", "date", "partial_date"]
LAYOUT: Final = Path(__file__).with_name("layout.yml")


@dataclass(frozen=True)
class Years:
    """Collection years in which something exists; None where the range is open."""

    since: int | None = None
    until: int | None = None

    def __contains__(self, year: object) -> bool:
        return isinstance(year, int) and (self.since or year) <= year <= (self.until or year)

    def __str__(self) -> str:
        if self.until is None:
            return "of any collection year" if self.since is None else f"from {self.since} on"
        return f"up to {self.until}" if self.since is None else f"{self.since} to {self.until}"


@dataclass(frozen=True)
class ReturnColumn:
    """One column of a return's table; a blank in a `required` one is a finding."""

    name: str
    type: FieldType
    required: bool
    years: Years


@dataclass(frozen=True)
class ReturnTable:
    """One table of the return; see the top of layout.yml for each attribute."""

    name: str
    title: str
    required: bool
    may_be_empty: bool
    unique: tuple[str, ...]
    year_shown_by: tuple[str, ...]
    years: Years
    columns: tuple[ReturnColumn, ...]

    def header_in(self, year: int) -> tuple[str, ...]:
        """Return the exact column headers of collection year `year`."""
        return tuple(column.name for column in self.columns if year in column.years)

    @cached_property
    def headers(self) -> tuple[tuple[str, ...], ...]:
        """Every header that the table ever had, the latest first."""
        changes = {
            year
            for years in (self.years, *(column.years for column in self.columns))
            for year in (years.since, years.until and years.until + 1)
            if year
        }
        return tuple(dict.fromkeys(map(self.header_in, sorted({1, *changes}, reverse=True))))

    def column(self, name: str) -> ReturnColumn:
        """Return the column called `name`; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")


@lru_cache(maxsize=1)
def load_layout() -> Mapping[str, ReturnTable]:
    """Read the tables of the return, by name, once per process."""
    raw: dict[str, dict[str, Any]] = yaml.safe_load(LAYOUT.read_text(encoding="utf-8"))
    return {name: _read_table(name, entry) for name, entry in raw.items()}


def _read_table(name: str, entry: dict[str, Any]) -> ReturnTable:
    return ReturnTable(
        name=name,
        title=entry["title"],
        required=entry.get("required", False),
        may_be_empty=entry.get("may_be_empty", True),
        unique=tuple(entry.get("unique", ())),
        year_shown_by=tuple(entry.get("year_shown_by", ())),
        years=Years(entry.get("since"), entry.get("until")),
        columns=tuple(
            _read_column(column, details if isinstance(details, dict) else {"type": details})
            for column, details in entry["columns"].items()
        ),
    )


def _read_column(name: str, details: dict[str, Any]) -> ReturnColumn:
    return ReturnColumn(
        name=name,
        type=details["type"],
        required=details.get("required", False),
        years=Years(details.get("since"), details.get("until")),
    )
