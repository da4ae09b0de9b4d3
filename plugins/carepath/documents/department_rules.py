"""The page `docs/department_rules.md`: what covers each rule of the Department's returns."""

from __future__ import annotations

from carepath.documents.templates import render
from expectations.department import RETURNS, numbers
from expectations.register import rules


def department_page() -> str:
    """Return the page: for each number the rules of the register, or why there are none."""
    returns = {title: numbers(name, rules()) for name, title in RETURNS.items()}
    return render("department_rules.md", returns=returns)
