"""Where a source differs from the contract: missing, extra or mistyped, and what to do.

`compare` only uses names and types. The extract calls it before it reads anything, and learns from
it how the source calls each column. `carepath doctor --source` shows the result
(carepath.terminal.differences).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from carepath.contract.model import VENDORS, Column, ColumnType, Contract, Table
from carepath.errors import SourceError
from carepath.sources import SourceColumn

Family = Literal[
    "text", "date", "integer", "number", "float", "boolean", "json", "binary", "other", "unknown"
]
Kind = Literal["missing", "extra", "mistyped"]
Standing = Literal["kept", "broken", "not delivered"]

# The families of SQL types from which a contract type loses nothing.
TAKEN: Final[Mapping[ColumnType, frozenset[Family]]] = {
    "row_id": frozenset({"text", "integer", "number", "other"}),
    "id": frozenset({"text", "integer", "number", "other"}),
    "text": frozenset({"text"}),
    "date": frozenset({"date"}),
    "integer": frozenset({"integer"}),
    "number": frozenset({"number", "float", "integer"}),
    "flag": frozenset({"text", "boolean", "integer"}),
    "code": frozenset({"text", "integer"}),
    "json": frozenset({"text", "json"}),
}

# What to do about a column of another type, and what happens to its values.
MISTYPED: Final[Mapping[ColumnType, str]] = {
    "row_id": "Send it as text.",
    "id": "Send it as text.",
    "text": "Send it as text.",
    "date": "Send a date. In other types only yyyy-mm-dd and dd/mm/yyyy are understood. "
    "Staging shows other values as null, and names the column in unreadable_columns.",
    "integer": "Send a whole number. Staging shows anything else as null.",
    "number": "Send a number. Staging shows anything else as null.",
    "flag": "Send Y or N. Yes, no, true, false, 1 and 0 are understood too; others become null.",
    "code": "Send the code or its description as text.",
    "json": "Send JSON as text.",
}

# What happens to the values of these families, in a column of any contract type that is not theirs.
ARRIVING: Final[Mapping[Family, str]] = {
    "binary": "Its bytes arrive in hexadecimal, such as \\x00ff; in a flag, one byte arrives as 0 "
    "or 1.",
    "float": "Whole numbers arrive without a fraction; beyond 2^53 digits are lost.",
}

_FAMILIES: Final[Sequence[tuple[Family, str]]] = (
    ("date", r"date|time"),
    ("boolean", r"bool|bit\b"),
    ("json", r"json"),
    ("integer", r"(big|small|tiny|medium)?int(eger|\d|\b)|(big|small)?serial"),
    ("float", r"float|double|real|binary_(float|double)"),
    ("number", r"num|dec|money"),
    ("binary", r"(var)?binary|bytea|(tiny|medium|long)?blob|raw|image"),
    ("text", r"(n|ci|long|tiny|medium)?(var)?(char|text|clob)|string|uuid|name"),
)


@dataclass(frozen=True)
class Difference:
    """One difference from the contract: what it is, whether it stops the night, what to do."""

    table: str
    column: str  # the contract's name; the source's if the column is extra; "" for a table
    kind: Kind
    stops: bool
    todo: str


@dataclass(frozen=True)
class TableComparison:
    """How a source has one table of the contract.

    `columns` gives the source's name of each column, in the contract's order. It is None where the
    source does not have the column.
    """

    table: Table
    standing: Standing
    columns: Mapping[str, str | None]
    differences: tuple[Difference, ...]

    @property
    def delivered(self) -> bool:
        """Whether the source has the table at all."""
        return any(name is not None for name in self.columns.values())


@dataclass(frozen=True)
class SourceComparison:
    """How a source differs from the contract, table by table."""

    tables: Mapping[str, TableComparison]
    other_tables: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether a night can load the source, because it has everything that is required."""
        return not any(difference.stops for difference in self.differences)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """All differences, in the contract's order."""
        return tuple(d for table in self.tables.values() for d in table.differences)

    @property
    def delivered(self) -> tuple[TableComparison, ...]:
        """The tables that a night reads from this source."""
        return tuple(table for table in self.tables.values() if table.delivered)


def compare(
    contract: Contract,
    described: Mapping[str, Sequence[SourceColumn]],
    spelling: str | None,
    *,
    is_partial: bool = False,
) -> SourceComparison:
    """Compare what a source has with what the contract asks for.

    Args:
        contract: the tables and columns asked for.
        described: the columns of each table of the source; case of names does not matter.
        spelling: the vendor of the source's column names; None for the contract's names.
        is_partial: whether other sources deliver the required tables that this one lacks.
    """
    found = {name.lower(): columns for name, columns in described.items()}
    compared = {
        table.name: _compare_table(table, found.get(table.name.lower()), spelling, is_partial)
        for table in contract.tables.values()
    }
    known = {name.lower() for name in contract.tables}
    others = tuple(sorted(name for name in described if name.lower() not in known))
    return SourceComparison(compared, others)


def require_kept(comparison: SourceComparison, source: str) -> None:
    """Stop before reading a source that lacks a required table or column.

    Raises:
        SourceError: names every missing table and column.
    """
    missing = [d for d in comparison.differences if d.stops]
    if missing:
        names = ", ".join(f"{d.table}.{d.column}" if d.column else d.table for d in missing)
        raise SourceError(
            f"The source does not keep the contract, because it has no {names}.",
            where=f"source {source}",
            todo=f"{missing[0].todo} `carepath doctor --source {source}` shows the whole list. "
            "Nothing was loaded.",
        )


def family(sql_type: str) -> Family:
    """Return the family of a SQL type of any database; "unknown" if the type is blank."""
    text = sql_type.strip().lower()
    if not text:
        return "unknown"
    for name, pattern in _FAMILIES:
        if re.match(pattern, text):
            return name
    return "other"


def _compare_table(
    table: Table,
    columns: Sequence[SourceColumn] | None,
    spelling: str | None,
    is_partial: bool,
) -> TableComparison:
    nothing: dict[str, str | None] = dict.fromkeys(table.column_names)
    if not columns:
        todo = f"Grant the reader account select on {table.name}, or build the table in the source."
        missing = Difference(table.name, "", "missing", True, todo)
        if table.required and not is_partial:
            return TableComparison(table, "broken", nothing, (missing,))
        return TableComparison(table, "not delivered", nothing, ())
    there = {column.name.lower(): column for column in columns}
    mapped: dict[str, str | None] = {}
    differences: list[Difference] = []
    for column in table.columns:
        actual = _look_up(column, there, spelling)
        mapped[column.name] = actual.name if actual else None
        if actual is None:
            differences += _missing(table, column, there, spelling)
        elif not _is_taken(column, actual, spelling):
            said = (ARRIVING.get(family(actual.type), ""), MISTYPED[column.type])
            todo = f"It is {actual.type}; the contract says {column.type}. " + " ".join(
                filter(None, said)
            )
            differences.append(Difference(table.name, column.name, "mistyped", False, todo))
    read = set(mapped.values())
    differences += [
        Difference(table.name, column.name, "extra", False, "Nothing. It is not read.")
        for column in columns
        if column.name not in read
    ]
    broken = any(difference.stops for difference in differences)
    return TableComparison(table, "broken" if broken else "kept", mapped, tuple(differences))


def _look_up(
    column: Column, there: Mapping[str, SourceColumn], spelling: str | None
) -> SourceColumn | None:
    """Return the source's column by the vendor's name, or else by the contract's name."""
    theirs = column.spelling(spelling).name
    return there.get((theirs or column.name).lower()) or there.get(column.name.lower())


def _missing(
    table: Table, column: Column, there: Mapping[str, SourceColumn], spelling: str | None
) -> list[Difference]:
    if column.spelling(spelling).absent and not column.required:
        return []
    for vendor in VENDORS:
        name = column.spelling(vendor).name
        if name and name.lower() in there:
            todo = f"{vendor} calls it {name}. Set `spelling: {vendor}` for the source."
            break
    else:
        name = column.spelling(spelling).name or column.name
        todo = (
            f"Add {name} to {table.name} in the source."
            if column.required
            else f"Nothing. Without {name}, staging shows {column.as_name} as null."
        )
    return [Difference(table.name, column.name, "missing", column.required, todo)]


def _is_taken(column: Column, actual: SourceColumn, spelling: str | None) -> bool:
    found = family(actual.type)
    declared = column.spelling(spelling).type
    return (
        found == "unknown"
        or found in TAKEN[column.type]
        or (declared is not None and found == family(declared))
    )
