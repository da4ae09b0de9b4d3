"""SQL text from values that the rules themselves declare; never from a record."""

from __future__ import annotations

from collections.abc import Iterable


def literal(value: str) -> str:
    """Return `value` as an SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def listed(values: Iterable[str]) -> str:
    """Return `values` as the inside of an SQL `in (...)`."""
    return ", ".join(literal(value) for value in values)
