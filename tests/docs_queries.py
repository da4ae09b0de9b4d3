"""The queries of a page, with the roles that run them, and the columns and rows that it shows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from carepath.settings import get_settings

BLOCK = re.compile(
    r"```sql\n-- as (\w+)\n(.*?)```\n\n\|([^\n]*)\|\n\|[-|: ]+\|\n((?:\|[^\n]*\|\n)+)", re.DOTALL
)


@dataclass(frozen=True)
class DocumentedQuery:
    """A query of a page.

    Attributes:
        role: who runs it.
        text: the query as printed.
        columns: the head of the table printed below it.
        rows: that table.
    """

    role: str
    text: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def queries_of(page: str) -> list[DocumentedQuery]:
    """Return the queries of a page of docs/ that name their role."""
    text = (get_settings().project_root / "docs" / page).read_text(encoding="utf-8")
    return [
        DocumentedQuery(
            role, query, cells(head), tuple(cells(row[1:-1]) for row in body.splitlines())
        )
        for role, query, head, body in BLOCK.findall(text)
    ]


def cells(row: str) -> tuple[str, ...]:
    """Return the cells of a row of a Markdown table, given without its outer bars."""
    return tuple(cell.strip() for cell in row.split("|"))


def as_shown(row: Iterable[object]) -> tuple[str, ...]:
    """Return a row of a result as a page shows it: nothing for null, 4.7 for 4.70."""
    return tuple(
        ""
        if value is None
        else f"{value.normalize():f}"
        if isinstance(value, Decimal)
        else str(value)
        for value in row
    )
