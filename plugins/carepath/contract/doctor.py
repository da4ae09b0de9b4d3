"""Does a source keep its contract? What is missing, extra or mistyped, and what to do.

`compare` decides, from names and types alone; the extract asks it before it reads anything
and takes the columns' names in the source from it, and `carepath doctor --source` prints it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from carepath.contract.model import VENDORS, Column, ColumnType, Contract, Table
from carepath.errors import SourceError
from carepath.sources import SourceColumn

Family = Literal["text", "date", "integer", "number", "boolean", "json", "other", "unknown"]
Kind = Literal["missing", "extra", "mistyped"]
Verdict = Literal["kept", "broken", "not delivered"]

# The families of SQL types that a contract type takes without loss.
TAKEN: Final[Mapping[ColumnType, frozenset[Family]]] = {
    "row_id": frozenset({"text", "integer", "number", "other"}),
    "id": frozenset({"text", "integer", "number", "other"}),
    "text": frozenset({"text"}),
    "date": frozenset({"date"}),
    "integer": frozenset({"integer"}),
    "number": frozenset({"number", "integer"}),
    "flag": frozenset({"text", "boolean", "integer"}),
    "code": frozenset({"text", "integer"}),
    "json": frozenset({"text", "json"}),
}

# What the loader makes of another type, for a person to weigh.
MISTYPED: Final[Mapping[ColumnType, str]] = {
    "row_id": "Send it as text.",
    "id": "Send it as text.",
    "text": "Send it as text.",
    "date": "Send a date. From other types only yyyy-mm-dd and dd/mm/yyyy are understood; "
    "staging shows the rest as null and names the column in unreadable_columns.",
    "integer": "Send a whole number; staging shows anything else as null.",
    "number": "Send a number; staging shows anything else as null.",
    "flag": "Send Y or N; yes, no, true, false, 1 and 0 are understood, the rest becomes null.",
    "code": "Send the code or its description as text.",
    "json": "Send JSON as text.",
}

_FAMILIES: Final[Sequence[tuple[Family, str]]] = (
    ("date", r"date|time"),
    ("boolean", r"bool|bit\b"),
    ("json", r"json"),
    ("integer", r"(big|small|tiny|medium)?int(eger|\d|\b)|(big|small)?serial"),
    ("number", r"num|dec|float|double|real|money"),
    ("text", r"(n|ci|long|tiny|medium)?(var)?(char|text|clob)|string|uuid|name"),
)


@dataclass(frozen=True)
class Finding:
    """One departure from the contract: what it is, whether it stops the night, what to do."""

    table: str
    column: str  # as the contract calls it; for an extra column, as the source does; "" for none
    kind: Kind
    stops: bool
    todo: str


@dataclass(frozen=True)
class TableReport:
    """How one contracted table stands in the source.

    `columns` gives for each contract column, in the contract's order, the name that the source
    has for it, or None where the source has no such column.
    """

    table: Table
    verdict: Verdict
    columns: Mapping[str, str | None]
    findings: tuple[Finding, ...]

    @property
    def delivered(self) -> bool:
        """Whether the source has the table at all."""
        return any(name is not None for name in self.columns.values())


@dataclass(frozen=True)
class SourceReport:
    """How a source stands to the contract."""

    tables: Mapping[str, TableReport]
    other_tables: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether a night can load the source: nothing that is required is missing."""
        return not any(finding.stops for finding in self.findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All departures, in the contract's order."""
        return tuple(f for report in self.tables.values() for f in report.findings)

    @property
    def delivered(self) -> tuple[TableReport, ...]:
        """The tables that a night reads from this source."""
        return tuple(report for report in self.tables.values() if report.delivered)


def compare(
    contract: Contract,
    described: Mapping[str, Sequence[SourceColumn]],
    spelling: str | None,
    *,
    is_partial: bool = False,
) -> SourceReport:
    """Compare what a source has with what the contract asks for.

    Args:
        contract: the tables and columns asked for.
        described: the columns of each table of the source; names compare without case.
        spelling: whose column names the source uses; None for the contract's own.
        is_partial: whether other sources deliver the required tables that this one lacks.
    """
    found = {name.lower(): columns for name, columns in described.items()}
    reports = {
        table.name: _compare_table(table, found.get(table.name.lower()), spelling, is_partial)
        for table in contract.tables.values()
    }
    known = {name.lower() for name in contract.tables}
    others = tuple(sorted(name for name in described if name.lower() not in known))
    return SourceReport(reports, others)


def require_kept(report: SourceReport, source: str) -> None:
    """Stop before anything is read from a source that lacks what is required.

    Raises:
        SourceError: names every missing table and column.
    """
    missing = [f for f in report.findings if f.stops]
    if missing:
        names = ", ".join(f"{f.table}.{f.column}" if f.column else f.table for f in missing)
        raise SourceError(
            f"the contract is broken: missing {names}",
            where=f"source {source}",
            todo=f"{missing[0].todo} `carepath doctor --source {source}` shows the whole list; "
            "nothing was loaded.",
        )


def family(sql_type: str) -> Family:
    """Return the family of a SQL type in any vendor's words; "unknown" if the source says none."""
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
) -> TableReport:
    nothing: dict[str, str | None] = dict.fromkeys(table.column_names)
    if not columns:
        todo = f"Grant the reader select on {table.name}, or build the table in the source."
        missing = Finding(table.name, "", "missing", True, todo)
        if table.required and not is_partial:
            return TableReport(table, "broken", nothing, (missing,))
        return TableReport(table, "not delivered", nothing, ())
    there = {column.name.lower(): column for column in columns}
    mapped: dict[str, str | None] = {}
    findings: list[Finding] = []
    for column in table.columns:
        actual = _look_up(column, there, spelling)
        mapped[column.name] = actual.name if actual else None
        if actual is None:
            findings += _missing(table, column, there, spelling)
        elif not _is_taken(column, actual, spelling):
            todo = f"It is {actual.type}, the contract says {column.type}. {MISTYPED[column.type]}"
            findings.append(Finding(table.name, column.name, "mistyped", False, todo))
    read = set(mapped.values())
    findings += [
        Finding(table.name, column.name, "extra", False, "Nothing; it is not read.")
        for column in columns
        if column.name not in read
    ]
    broken = any(finding.stops for finding in findings)
    return TableReport(table, "broken" if broken else "kept", mapped, tuple(findings))


def _look_up(
    column: Column, there: Mapping[str, SourceColumn], spelling: str | None
) -> SourceColumn | None:
    """Return the source's column: by the vendor's name if it has one, else by the contract's."""
    theirs = column.spelling(spelling).name
    return there.get((theirs or column.name).lower()) or there.get(column.name.lower())


def _missing(
    table: Table, column: Column, there: Mapping[str, SourceColumn], spelling: str | None
) -> list[Finding]:
    if column.spelling(spelling).absent and not column.required:
        return []
    for vendor in VENDORS:
        name = column.spelling(vendor).name
        if name and name.lower() in there:
            todo = f"{name} is how {vendor} spells it: set `spelling: {vendor}` for the source."
            break
    else:
        name = column.spelling(spelling).name or column.name
        todo = (
            f"Add {name} to {table.name} in the source."
            if column.required
            else f"Nothing must be done; without {name} staging shows {column.as_name} as null."
        )
    return [Finding(table.name, column.name, "missing", column.required, todo)]


def _is_taken(column: Column, actual: SourceColumn, spelling: str | None) -> bool:
    found = family(actual.type)
    declared = column.spelling(spelling).type
    return (
        found == "unknown"
        or found in TAKEN[column.type]
        or (declared is not None and found == family(declared))
    )


def print_report(console: Console, report: SourceReport) -> None:
    """Print the findings per table, the tables without any, and the verdict."""
    grid = RichTable(title="Source against contract", title_justify="left", expand=False)
    for heading in ("table", "column", "finding", "what to do"):
        grid.add_column(heading, overflow="fold")
    order = {"missing": 0, "mistyped": 1, "extra": 2}
    for finding in sorted(report.findings, key=lambda f: (not f.stops, f.table, order[f.kind])):
        kind = "[bold red]missing, required[/]" if finding.stops else finding.kind
        grid.add_row(finding.table, escape(finding.column) or "(table)", kind, escape(finding.todo))
    if grid.row_count:
        console.print(grid)
    whole = [r.table.name for r in report.tables.values() if r.delivered and not r.findings]
    absent = [r.table.name for r in report.tables.values() if r.verdict == "not delivered"]
    if whole:
        console.print(f"As contracted ({len(whole)}): {', '.join(whole)}")
    if absent:
        console.print(f"Optional, not delivered ({len(absent)}): {', '.join(absent)}")
    if report.other_tables:
        console.print(f"Not read ({len(report.other_tables)}): {', '.join(report.other_tables)}")
    stops = sum(finding.stops for finding in report.findings)
    if report.kept:
        console.print("[green]The contract is kept[/]: a night can load this source.")
    else:
        console.print(f"[bold red]The contract is broken[/]: {stops} required missing.")
