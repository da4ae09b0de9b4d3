"""The page `docs/data_contract.md`: what a source delivers, written from the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from carepath.contract.code_lists import Code, CodeList
from carepath.contract.code_lists import load as load_code_lists
from carepath.contract.model import VENDORS, Column, Contract, load_contract
from carepath.documents.templates import render


@dataclass(frozen=True)
class ColumnRow:
    """One row of a table's list of columns.

    Attributes:
        column: as the contract declares it.
        staged: its names in staging; none for a row id.
        marks: whether it is required, personal, or both.
        vendors: how each vendor's export departs from the contract, where it does.
    """

    column: Column
    staged: tuple[str, ...]
    marks: tuple[str, ...]
    vendors: tuple[str, ...]


def contract_page() -> str:
    """Return the page as Markdown."""
    return page(load_contract(), load_code_lists())


def page(contract: Contract, code_lists: Mapping[str, CodeList]) -> str:
    """Return the page of a contract as Markdown: tables by domain, then code lists."""
    domains = sorted({table.domain for table in contract.tables.values()})
    return render(
        "data_contract.md",
        domains={
            domain: [table for table in contract.tables.values() if table.domain == domain]
            for domain in domains
        },
        columns={
            table.name: [_row(column) for column in table.columns]
            for table in contract.tables.values()
        },
        code_lists=[code_lists[name] for name in sorted(code_lists)],
        years=_years,
    )


def _row(column: Column) -> ColumnRow:
    if column.type == "row_id":
        staged: tuple[str, ...] = ()
    elif column.type == "code":
        staged = (f"{column.as_name}_code", f"{column.as_name}_sent")
    else:
        staged = (column.as_name,)
    marks = (("required", column.required), ("personal", column.personal))
    return ColumnRow(
        column, staged, tuple(mark for mark, on in marks if on), tuple(_vendors(column))
    )


def _vendors(column: Column) -> Iterator[str]:
    for vendor in VENDORS:
        spelling = column.spelling(vendor)
        parts = []
        if spelling.absent:
            parts.append("absent")
        if spelling.name:
            parts.append(f"`{spelling.name}`")
        if spelling.type:
            parts.append(spelling.type)
        if column.arrives_as and column.arrival(vendor) != "code":
            parts.append(f"as {column.arrival(vendor)}")
        if parts:
            yield f"{vendor}: {', '.join(parts)}"


def _years(code: Code) -> str:
    """Return the collection years in which a code is valid; empty for all of them."""
    first, last = code.valid_from_year, code.valid_to_year
    if first is not None and last is not None:
        return f"{first} to {last}"
    if first is not None:
        return f"from {first}"
    return "" if last is None else f"to {last}"
