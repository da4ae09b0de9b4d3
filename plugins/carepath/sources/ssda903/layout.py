"""The layout of the SSDA903 return, read from `layout.yml`: tables, columns, collection years."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Strict, TypeAdapter, model_validator
from pydantic.dataclasses import dataclass

from carepath.yaml_files import read_yaml, validate

FieldType = Literal["id", "text", "code", "flag", "integer", "date", "partial_date"]
LAYOUT: Final = Path(__file__).with_name("layout.yml")
Flag = Annotated[bool, Strict()]
_AS_WRITTEN: Final = ConfigDict(extra="forbid")


def _with_years(entry: Any) -> Any:
    """Return an entry of layout.yml with `since` and `until` as one value."""
    if not isinstance(entry, dict):
        return entry
    years = {key: entry[key] for key in ("since", "until") if key in entry}
    return {"years": years, **{key: value for key, value in entry.items() if key not in years}}


@dataclass(frozen=True, config=_AS_WRITTEN)
class Years:
    """The first and the last collection year of something; None where there is no limit."""

    since: int | None = None
    until: int | None = None

    def __contains__(self, year: object) -> bool:
        return isinstance(year, int) and (self.since or year) <= year <= (self.until or year)

    def __str__(self) -> str:
        if self.until is None:
            return "of any collection year" if self.since is None else f"from {self.since} on"
        return f"up to {self.until}" if self.since is None else f"{self.since} to {self.until}"


@dataclass(frozen=True, config=_AS_WRITTEN)
class ReturnColumn:
    """One column of a return's table. A blank in a `required` column makes a note."""

    name: str
    type: FieldType
    years: Years
    required: Flag = False

    @model_validator(mode="before")
    @classmethod
    def _written(cls, entry: Any) -> Any:
        return _with_years(entry)


@dataclass(frozen=True, config=_AS_WRITTEN)
class ReturnTable:
    """One table of the return; see the top of layout.yml for each attribute."""

    name: str
    title: str
    years: Years
    columns: tuple[ReturnColumn, ...]
    required: Flag = False
    may_be_empty: Flag = True
    unique: tuple[str, ...] = ()
    year_shown_by: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _written(cls, entry: Any) -> Any:
        """Take the columns as layout.yml has them: `NAME: type`, or `NAME: {type, ...}`."""
        if not isinstance(entry, dict) or not isinstance(entry.get("columns"), dict):
            return entry
        columns = [
            {"name": name, **(details if isinstance(details, dict) else {"type": details})}
            for name, details in entry["columns"].items()
        ]
        return _with_years({**entry, "columns": columns})

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


_TABLE: Final = TypeAdapter(ReturnTable)


@lru_cache(maxsize=1)
def load_layout() -> Mapping[str, ReturnTable]:
    """Read the tables of the return, by name, once per process.

    Raises:
        SettingsError: the file is wrong; the message names table, column and key.
    """
    return read_layout(LAYOUT)


def read_layout(path: Path) -> Mapping[str, ReturnTable]:
    """Read a layout; see load_layout."""
    return {
        name: validate(_TABLE, {"name": name, **entry}, where=f"{path.name}, {name}")
        for name, entry in read_yaml(path).items()
    }
