"""The contract with a source, read from `tables/*.yml`: tables, columns, keys, vendor spellings.

A table is one object of the Standard Safeguarding Dataset (data-to-insight/ssd-data-model) or
a local extension (prefix `local_`). The YAML of a table reads:

    table: ssd_care_leavers          name in the source
    entity: care_leavers             staging model stg_care_leavers; default: name without prefix
    domain: leaving_care             folder of the models
    required: true                   a source without the table stops the night
    natural_key: [clea_person_id]    from meaning; never an id that the vendor's export invents
    key_note: why this key
    versions: true                   staging also shows all versions (stg_<entity>_versions)
    columns:
      - name: clea_care_leaver_activity
        as: activity                 name in staging; default: name without the table's prefix
        type: code                   one of TYPES
        code_list: activity
        required: true               default false
        personal: true               default false: a name, date of birth, address, identifier
        arrives_as: {liquidlogic: description, default: code}
        vendors: {mosaic: {name: other_name, type: int}, eclipse: {absent: true}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

import yaml

from carepath.contract.code_lists import load as load_code_lists
from carepath.errors import SettingsError

ColumnType = Literal["row_id", "id", "text", "date", "integer", "number", "flag", "code", "json"]
Vendor = Literal["liquidlogic", "mosaic", "eclipse"]
Arrival = Literal["code", "description", "code - description"]

TYPES: Final[tuple[str, ...]] = get_args(ColumnType)
VENDORS: Final[tuple[Vendor, ...]] = get_args(Vendor)
ARRIVALS: Final[tuple[str, ...]] = get_args(Arrival)
FOLDER: Final = Path(__file__).parent / "tables"

# What history and staging add to every table; a contract column may not take these names.
RESERVED: Final = frozenset(
    {
        "authority",
        "record_key",
        "content_hash",
        "known_from",
        "known_to",
        "from_load",
        "to_load",
        "period",
        "sentinel_columns",
        "unreadable_columns",
    }
)

_TABLE_KEYS = {
    "table",
    "entity",
    "domain",
    "description",
    "required",
    "natural_key",
    "key_note",
    "versions",
    "columns",
}
_COLUMN_KEYS = {
    "name",
    "as",
    "type",
    "code_list",
    "required",
    "personal",
    "description",
    "arrives_as",
    "vendors",
}


@dataclass(frozen=True)
class VendorSpelling:
    """How one vendor's export departs from the contract in one column.

    `name` is the vendor's own name for the column, `type` its SQL type where that belongs to
    another family than the contract's, `absent` says that the export has no such column.
    """

    name: str | None = None
    type: str | None = None
    absent: bool = False


@dataclass(frozen=True)
class Column:
    """One column that a source delivers.

    `as_name` is its name in staging: a code column becomes `<as_name>_code` and
    `<as_name>_sent`, a flag `is_...` or `has_...`.
    """

    name: str
    as_name: str
    type: ColumnType
    description: str
    required: bool = False
    personal: bool = False
    code_list: str | None = None
    arrives_as: Mapping[str, Arrival] | None = None
    vendors: Mapping[str, VendorSpelling] | None = None

    def spelling(self, vendor: str | None) -> VendorSpelling:
        """Return how `vendor` spells this column; the contract's own spelling where unsaid."""
        return (self.vendors or {}).get(vendor or "", VendorSpelling())

    def arrival(self, vendor: str | None) -> Arrival:
        """Return the form in which `vendor` sends a code column."""
        forms = self.arrives_as or {}
        return forms.get(vendor or "", forms.get("default", "code"))


@dataclass(frozen=True)
class Table:
    """One table that a source delivers, and the key by which its records are known."""

    name: str
    entity: str
    domain: str
    description: str
    required: bool
    natural_key: tuple[str, ...]
    key_note: str
    versions: bool
    columns: tuple[Column, ...]

    @property
    def local(self) -> bool:
        """True for an extension that the Standard Safeguarding Dataset lacks."""
        return self.name.startswith("local_")

    @property
    def column_names(self) -> tuple[str, ...]:
        """The contract's column names, in the order of landing and history."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column called `name`; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")

    @property
    def person_column(self) -> str | None:
        """The column that holds the person's case id; None for a table not about a person."""
        return next((c.name for c in self.columns if c.as_name == "person_id"), None)


@dataclass(frozen=True)
class Contract:
    """All tables that a source may deliver, by name."""

    tables: Mapping[str, Table]

    def owners(self, as_name: str) -> list[Table]:
        """Return the tables about persons whose records are known by an id of this name."""
        return [
            table
            for table in self.tables.values()
            if table.person_column and table.person_column not in table.natural_key
            for column in map(table.column, table.natural_key)
            if column.type == "id" and column.as_name == as_name
        ]

    def by_entity(self, entity: str) -> Table:
        """Return the table whose staging model is stg_<entity>; KeyError if there is none."""
        for table in self.tables.values():
            if table.entity == entity:
                return table
        raise KeyError(entity)


@lru_cache(maxsize=1)
def load_contract() -> Contract:
    """Read the contract that this package ships, once per process.

    Raises:
        SettingsError: a file contradicts itself or another; the message names table and column.
    """
    return read_contract(FOLDER, code_lists=frozenset(load_code_lists()))


def read_contract(folder: Path, *, code_lists: frozenset[str]) -> Contract:
    """Read the tables of `folder/*.yml` in order of their names.

    Args:
        folder: one YAML file per table, called like the table.
        code_lists: the code lists that a column may refer to.

    Raises:
        SettingsError: see load_contract.
    """
    tables = [_read_table(path, code_lists) for path in sorted(folder.glob("*.yml"))]
    for what, names in (
        ("table", [table.name for table in tables]),
        ("entity", [table.entity for table in tables]),
    ):
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SettingsError(
                f"the contract declares the {what} {twice[0]} twice",
                where=str(folder.name),
                todo="keep one file per table and one table per entity.",
            )
    return Contract({table.name: table for table in tables})


def _read_table(path: Path, code_lists: frozenset[str]) -> Table:
    where = f"contract {path.name}"
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    _check_keys(raw, _TABLE_KEYS, {"table", "domain", "natural_key", "columns"}, where)
    name = str(raw["table"])
    if name != path.stem:
        _refuse(f"the file declares {name}", where, "call the file like its table.")
    columns = tuple(_read_column(item, where, code_lists) for item in raw["columns"])
    table = Table(
        name=name,
        entity=raw.get("entity") or name.removeprefix("ssd_").removeprefix("local_"),
        domain=raw["domain"],
        description=_one_line(raw.get("description", "")),
        required=bool(raw.get("required", False)),
        natural_key=tuple(raw["natural_key"]),
        key_note=_one_line(raw.get("key_note", "")),
        versions=bool(raw.get("versions", False)),
        columns=columns,
    )
    _check_table(table, where)
    return table


def _read_column(raw: dict[str, Any], where: str, code_lists: frozenset[str]) -> Column:
    here = f"{where}, column {raw.get('name', '?') if isinstance(raw, dict) else raw}"
    _check_keys(raw, _COLUMN_KEYS, {"name", "type"}, here)
    name, kind, code_list = raw["name"], raw["type"], raw.get("code_list")
    if kind not in TYPES:
        _refuse(f"unknown type {kind}", here, f"use one of {', '.join(TYPES)}.")
    if (kind == "code") != (code_list is not None):
        _refuse("type code and code_list belong together", here, "give both or neither.")
    if code_list is not None and code_list not in code_lists:
        _refuse(f"unknown code list {code_list}", here, "add it to seeds/code_lists.csv.")
    arrives_as = raw.get("arrives_as") or {}
    for vendor, form in arrives_as.items():
        if vendor not in (*VENDORS, "default") or form not in ARRIVALS:
            _refuse(f"cannot read arrives_as {vendor}: {form}", here, "see model.py.")
    vendors = {}
    for vendor, spelling in (raw.get("vendors") or {}).items():
        if vendor not in VENDORS:
            _refuse(f"unknown vendor {vendor}", here, f"use one of {', '.join(VENDORS)}.")
        _check_keys(spelling, {"name", "type", "absent"}, set(), f"{here}, {vendor}")
        vendors[vendor] = VendorSpelling(**spelling)
    return Column(
        name=name,
        as_name=raw.get("as") or name.partition("_")[2],
        type=kind,
        description=_one_line(raw.get("description", "")),
        required=bool(raw.get("required", False)),
        personal=bool(raw.get("personal", False)),
        code_list=code_list,
        arrives_as=cast("dict[str, Arrival]", arrives_as),
        vendors=vendors,
    )


def _check_table(table: Table, where: str) -> None:
    names, as_names = table.column_names, [column.as_name for column in table.columns]
    for twice in {n for n in (*names, *as_names) if names.count(n) > 1 or as_names.count(n) > 1}:
        _refuse(f"the column {twice} is declared twice", where, "give each its own name.")
    if taken := RESERVED.intersection((*names, *as_names)):
        _refuse(f"{min(taken)} is a name that history adds itself", where, "choose another.")
    if not table.natural_key:
        _refuse("there is no natural key", where, "name the columns that identify a record.")
    for key in table.natural_key:
        if key not in names:
            _refuse(f"the key column {key} is not declared", where, "declare it.")
        if table.column(key).type == "row_id":
            _refuse(f"{key} is a row id, which may change every night", where, "use meaning.")
        if table.column(key).personal:
            _refuse(f"{key} is personal, but keys are kept in quality", where, "leave it out.")


def _check_keys(raw: object, allowed: set[str], needed: set[str], where: str) -> None:
    if not isinstance(raw, dict):
        _refuse("expected names and values", where, "see the top of contract/model.py.")
    keys = set(cast("dict[str, Any]", raw))
    if missing := needed - keys:
        _refuse(f"{min(missing)} is missing", where, "add it.")
    if unknown := keys - allowed:
        _refuse(f"unknown entry {min(unknown)}", where, f"use {', '.join(sorted(allowed))}.")


def _refuse(what: str, where: str, todo: str) -> None:
    raise SettingsError(what, where=where, todo=todo)


def _one_line(text: str) -> str:
    return " ".join(text.split())
