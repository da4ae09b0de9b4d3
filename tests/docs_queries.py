"""The queries of a page, with the roles that run them and the columns that it shows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from carepath.settings import get_settings

BLOCK = re.compile(r"```sql\n-- as (\w+)\n(.*?)```\n\n\|([^\n]*)\|\n", re.DOTALL)


@dataclass(frozen=True)
class DocumentedQuery:
    """A query of a page.

    Attributes:
        role: who runs it.
        text: the query as printed.
        columns: the head of the table printed below it.
    """

    role: str
    text: str
    columns: tuple[str, ...]


def queries_of(page: str) -> list[DocumentedQuery]:
    """Return the queries of a page of docs/ that name their role."""
    text = (get_settings().project_root / "docs" / page).read_text(encoding="utf-8")
    return [
        DocumentedQuery(role, query, tuple(cell.strip() for cell in head.split("|")))
        for role, query, head in BLOCK.findall(text)
    ]
