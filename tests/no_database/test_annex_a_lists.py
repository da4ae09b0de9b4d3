"""The lists of Annex A: headings, words and the days that they cover."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import yaml

from carepath.annex_a.export import _blanks, _first_day, _word
from carepath.annex_a.lists import CODES, LISTS, AnnexList
from carepath.settings import PROJECT_ROOT

SCHEMA = PROJECT_ROOT.parent / "shared" / "reference" / "schemas" / "Annex_A_schema.yml"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """What Annex A says of each list and heading."""
    if not SCHEMA.exists():
        pytest.skip("the schema of Annex A is not beside the project")
    found: dict[str, Any] = yaml.load(SCHEMA.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return dict(found["column_map"])


@pytest.mark.parametrize("annex_list", LISTS, ids=lambda each: each.title)
def test_annex_a_headings_are_those_of_the_schema(
    schema: dict[str, Any], annex_list: AnnexList
) -> None:
    assert annex_list.headings == tuple(schema[f"list_{annex_list.number}"])


@pytest.mark.parametrize("annex_list", LISTS, ids=lambda each: each.title)
def test_annex_a_words_of_codes_are_those_of_the_schema(
    schema: dict[str, Any], annex_list: AnnexList
) -> None:
    for heading in annex_list.headings:
        categories = schema[f"list_{annex_list.number}"][heading].get("category", ())
        allowed = {
            {True: "Yes", False: "No"}.get(each["code"], each["code"])
            if isinstance(each["code"], bool)
            else each["code"]
            for each in categories
        }
        assert set(CODES.get(heading, {}).values()) <= allowed, heading


def test_annex_a_every_heading_with_codes_is_in_a_list() -> None:
    assert set(CODES) <= {heading for each in LISTS for heading in each.headings}


def test_annex_a_code_without_a_word_is_blank_and_counted() -> None:
    assert _word("Gender", "F") == "b) Female"
    assert _word("Gender", "X9") is None
    assert _word("Referral NFA?", False) == "No"
    assert _word("Number of Placements in the Last 12 months", 0) == 0
    contacts = LISTS[0]
    row = ("A1", None, "a) White", None, 7, dt.date(2019, 9, 1), "g) Police")
    known = ("A2", "a) Male", "a) White", dt.date(2010, 1, 1), 9, dt.date(2019, 9, 2), "g) Police")
    assert _blanks(contacts, [row, known]) == {"Gender": 1, "Date of Birth": 1}


@pytest.mark.parametrize(
    ("day", "months", "first"),
    [
        (dt.date(2019, 9, 30), 6, dt.date(2019, 4, 1)),
        (dt.date(2019, 3, 31), 12, dt.date(2018, 4, 1)),
        (dt.date(2020, 2, 28), 12, dt.date(2019, 2, 28)),
        (dt.date(2019, 8, 30), 6, dt.date(2019, 2, 28)),
        (dt.date(2019, 6, 30), 6, dt.date(2019, 1, 1)),
    ],
)
def test_annex_a_months_begin_on_their_first_day(day: dt.date, months: int, first: dt.date) -> None:
    assert _first_day(day, months) == first
