"""Each rule of the Department's returns is covered by a rule of the register, or has a reason."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from carepath.documents.department_rules import department_page
from expectations.department import RETURNS, faults, numbers
from expectations.register import rules

# the reference files beside the checkout, and their column of numbers
REFERENCE = {
    "SSDA903": ("ssda903_rules_2026_27.csv", "code"),
    "CIN census": ("cin_census_rules_2025_26.csv", "rule"),
}


@pytest.mark.parametrize("name", RETURNS)
def test_each_number_is_covered_or_has_one_reason(name: str) -> None:
    assert faults(name, rules()) == []


@pytest.mark.parametrize("name", RETURNS)
def test_numbers_are_those_of_the_reference_file(shared_dir: Path, name: str) -> None:
    file, column = REFERENCE[name]
    with (shared_dir / "reference" / file).open(encoding="utf-8", newline="") as lines:
        expected = {row[column] for row in csv.DictReader(lines)}
    assert {each.number for each in numbers(name, rules())} == expected


def test_page_links_each_covered_number_to_the_rule_book() -> None:
    page = department_page()
    assert "| 345 | [CL-08](rule_book.md#cl-08) |" in page
    for name in RETURNS:
        for each in numbers(name, rules()):
            assert f"\n| {each.number} | " in page
