"""The generated pages: up to date, complete, and free of dead ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from carepath.quality.pages import combinations_page, rule_book
from carepath.settings import PROJECT_ROOT
from expectations.register import rules


@pytest.mark.parametrize(
    ("name", "write"), [("rule_book.md", rule_book), ("combinations.md", combinations_page)]
)
def test_page_is_up_to_date(name: str, write: Callable[[], str]) -> None:
    found = (PROJECT_ROOT / "docs" / name).read_text(encoding="utf-8")
    assert found == write(), f"run `carepath docs`: docs/{name} is stale"


def test_rule_book_has_every_rule_with_its_parts() -> None:
    book = rule_book()
    for rule in rules():
        entry = book.partition(f"### {rule.rule_id}\n")[2].partition("\n### ")[0]
        for part in (rule.says, rule.todo, rule.owner, rule.reference, rule.because):
            assert part in entry, rule.rule_id
