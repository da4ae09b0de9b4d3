"""The contract with a source, read from `tables/*.yml`: tables, columns, keys, vendor spellings.

A table is one object of the Standard Safeguarding Dataset (data-to-insight/ssd-data-model) or
a local extension (prefix `local_`). The YAML of a table reads:

    table: ssd_care_leavers          name in the source
    entity: care_leavers             staging model stg_care_leavers; default: name without prefix
    domain: leaving_care             folder of the models
    required: true                   a source without the table stops the night
    natural_key: [clea_person_id]    what identifies a record; never an id that the export makes up
    key_note: why this key
    versions: true                   staging also has all versions (stg_<entity>_versions)
    columns:
      - name: clea_care_leaver_activity
        as: activity                 name in staging; default: name without the table's prefix
        type: code                   one of TYPES
        code_list: activity
        range: [0, 40]               for type integer or number: no real value lies outside. Make
                                     it wide enough for rules to judge unlikely values
        required: true               default false
        personal: true               default false: a name, date of birth, address, identifier
        indexed: true                default false: a text that is part of a key of a mart
        arrives_as: {liquidlogic: description, default: code}
        vendors: {mosaic: {name: other_name, type: int}, eclipse: {absent: true}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import BeforeValidator, ConfigDict, Field, Strict, TypeAdapter, model_validator
from pydantic import ValidationInfo as Info
from pydantic.dataclasses import dataclass as checked

from carepath.contract.code_lists import load as load_code_lists
from carepath.errors import SettingsError
from carepath.yaml_files import read_yaml, validate

ColumnType = Literal["row_id", "id", "text", "date", "integer", "number", "flag", "code", "json"]
Vendor = Literal["liquidlogic", "mosaic", "eclipse"]
Arrival = Literal["code", "description", "code - description"]

TYPES: Final[tuple[str, ...]] = get_args(ColumnType)
VENDORS: Final[tuple[Vendor, ...]] = get_args(Vendor)
ARRIVALS: Final[tuple[str, ...]] = get_args(Arrival)
# The most bytes of a value that becomes part of an index, and of a record's whole key. PostgreSQL
# allows about 2,700 bytes for all parts of an index entry together.
LONGEST_VALUE: Final = 500
LONGEST_KEY: Final = 2_000
FOLDER: Final = Path(__file__).parent / "tables"

# The columns that history and staging add to every table; the contract may not use these names.
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

Flag = Annotated[bool, Strict()]
Text = Annotated[
    str, BeforeValidator(lambda text: " ".join(str(text).split()))
]  # white space becomes single spaces
_AS_WRITTEN: Final = ConfigDict(extra="forbid")


@checked(frozen=True, config=_AS_WRITTEN)
class VendorSpelling:
    """How one vendor's export differs from the contract in one column.

    `name` is the vendor's name for the column. `type` is its SQL type, if that belongs to another
    family than the contract's. `absent` is true if the export does not have the column.
    """

    name: str | None = None
    type: str | None = None
    absent: Flag = False


@checked(frozen=True, config=_AS_WRITTEN)
class Column:
    """One column that a source delivers.

    `as_name` is its name in staging. A code column becomes `<as_name>_code` and `<as_name>_sent`; a
    flag is called `is_...` or `has_...`. `range` is the least and the greatest value of a number:
    staging shows values outside it as null, and NaN and Infinity too.
    """

    name: str
    as_name: str
    type: ColumnType
    description: Text = ""
    required: Flag = False
    personal: Flag = False
    code_list: str | None = None
    range: tuple[int, int] | None = None
    indexed: Flag = False
    arrives_as: Mapping[Vendor | Literal["default"], Arrival] = Field(default_factory=dict)
    vendors: Mapping[Vendor, VendorSpelling] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _named(cls, raw: Any) -> Any:
        """Take the name in staging from `as`, or else from the name without its prefix."""
        if not isinstance(raw, dict) or not isinstance(raw.get("name"), str):
            return raw
        others = {key: value for key, value in raw.items() if key != "as"}
        return {"as_name": raw.get("as") or raw["name"].partition("_")[2], **others}

    @model_validator(mode="after")
    def _agrees(self, info: Info) -> Self:
        if (self.type == "code") != (self.code_list is not None):
            raise ValueError("type code and code_list belong together. | Write both or neither.")
        known = (info.context or {}).get("code_lists")
        if self.code_list and known is not None and self.code_list not in known:
            raise ValueError(
                f"There is an unknown code list {self.code_list}. | Add it to seeds/code_lists.csv."
            )
        if (self.type in ("integer", "number")) != (self.range is not None):
            raise ValueError(
                "Types integer and number have a range, others do not. | Add or remove it."
            )
        if self.range and self.range[0] >= self.range[1]:
            raise ValueError("The range is empty. | Write [least, greatest], as whole numbers.")
        return self

    def spelling(self, vendor: str | None) -> VendorSpelling:
        """Return how `vendor` spells this column; as in the contract if not stated."""
        spellings = self.vendors.items()
        return next((found for name, found in spellings if name == vendor), VendorSpelling())

    def arrival(self, vendor: str | None) -> Arrival:
        """Return the form in which `vendor` sends a code column."""
        default = self.arrives_as.get("default", "code")
        return next((form for name, form in self.arrives_as.items() if name == vendor), default)


@checked(frozen=True, config=_AS_WRITTEN)
class Table:
    """One table that a source delivers, and the natural key of its records."""

    name: str
    entity: str
    domain: str
    natural_key: tuple[str, ...]
    columns: tuple[Column, ...]
    description: Text = ""
    key_note: Text = ""
    required: Flag = False
    versions: Flag = False

    @model_validator(mode="before")
    @classmethod
    def _named(cls, raw: Any) -> Any:
        """Take the entity from the table's name if the file does not give one."""
        if not isinstance(raw, dict) or not isinstance(raw.get("table"), str):
            return raw
        others = {key: value for key, value in raw.items() if key != "table"}
        name = raw["table"]
        return {
            "name": name,
            "entity": name.removeprefix("ssd_").removeprefix("local_"),
            **others,
        }

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        names, as_names = self.column_names, [column.as_name for column in self.columns]
        for name in (*names, *as_names):
            if names.count(name) > 1 or as_names.count(name) > 1:
                raise ValueError(
                    f"The column {name} is declared twice. | Give each column its own name."
                )
        if taken := RESERVED.intersection((*names, *as_names)):
            raise ValueError(
                f"{min(taken)} is a name that history adds itself. | Choose another name."
            )
        if not self.natural_key:
            raise ValueError("There is no natural key. | Name the columns that identify a record.")
        for key in self.natural_key:
            if key not in names:
                raise ValueError(f"The key column {key} is not declared. | Declare it.")
            if self.column(key).type == "row_id":
                raise ValueError(
                    f"{key} is a row id, which may change every night. | Choose columns that "
                    "identify the record."
                )
            if self.column(key).personal:
                raise ValueError(
                    f"{key} is personal, but keys are kept in quality. | Remove it from the key."
                )
        return self

    @property
    def local(self) -> bool:
        """True for a local extension, which is not in the Standard Safeguarding Dataset."""
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
    def indexed_columns(self) -> tuple[str, ...]:
        """The columns that become part of an index: ids, parts of keys, names in marts."""
        return tuple(
            column.name
            for column in self.columns
            if column.type == "id" or column.indexed or column.name in self.natural_key
        )

    @property
    def person_column(self) -> str | None:
        """The column with the person's case id; None if the table is not about persons."""
        return next((c.name for c in self.columns if c.as_name == "person_id"), None)


@dataclass(frozen=True)
class Contract:
    """All tables that a source may deliver, by name."""

    tables: Mapping[str, Table]

    def owners(self, as_name: str) -> list[Table]:
        """Return the tables about persons that have an id of this name in their natural key."""
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
        SettingsError: a file is wrong or contradicts another; names table and column.
    """
    return read_contract(FOLDER, code_lists=frozenset(load_code_lists()))


def read_contract(folder: Path, *, code_lists: frozenset[str]) -> Contract:
    """Read the tables of `folder/*.yml` in order of their names.

    Args:
        folder: one YAML file per table, with the table's name.
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
                f"The contract declares the {what} {twice[0]} twice.",
                where=str(folder.name),
                todo="Keep one file per table and one table per entity.",
            )
    return Contract({table.name: table for table in tables})


_TABLE: Final = TypeAdapter(Table)


def _read_table(path: Path, code_lists: frozenset[str]) -> Table:
    where = f"contract {path.name}"
    table = validate(
        _TABLE, read_yaml(path, where=where), where=where, context={"code_lists": code_lists}
    )
    if table.name != path.stem:
        raise SettingsError(
            f"The file declares {table.name}.",
            where=where,
            todo="Give the file the name of its table.",
        )
    return table
