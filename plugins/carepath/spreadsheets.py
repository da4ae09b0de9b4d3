"""What keeps a spreadsheet from running a text that a recording system has sent."""

from __future__ import annotations

from typing import Final

BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def inert(value: object) -> object:
    """Return a text so that a spreadsheet shows it. Any other value stays as it is."""
    return f"'{value}" if isinstance(value, str) and value.startswith(BEGINS_A_FORMULA) else value
