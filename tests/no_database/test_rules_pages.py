"""The generated pages: up to date, complete, and free of dead ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from carepath import domains
from carepath.documents.combinations import combinations_page
from carepath.documents.rule_book import rule_book
from carepath.settings import PROJECT_ROOT
from expectations.register import MODULES, rules
from expectations.subjects import subject


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


def test_rules_are_in_the_module_that_has_the_name_of_their_domain() -> None:
    staging = PROJECT_ROOT / "dbt_project" / "models" / "staging"
    folders = {path.stem.removeprefix("stg_"): path.parent.name for path in staging.rglob("*.sql")}
    for module in MODULES:
        name = module.__name__.rpartition(".")[2]
        # a return's rules are about the tables that its files are made of
        if name in ("every_table", "looked_after_return"):
            continue
        assert name in domains.DOMAINS
        found = {folders[subject(s).entity] for rule in module.RULES for s in rule.subjects}
        assert found == {name}
