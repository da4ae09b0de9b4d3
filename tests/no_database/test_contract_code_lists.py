"""Code lists: every spelling is understood, codes are valid in their collection years only."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carepath.contract.code_lists import (
    Code,
    code_part,
    collection_year,
    load,
    read,
    spelling_key,
)
from carepath.errors import SettingsError

LISTS = load()
CODES = [(name, code) for name, codes in LISTS.items() for code in codes.codes]
BLANK = st.text(" \t\n", max_size=3)
GAP = st.text(" \t\n", min_size=1, max_size=3)


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, str, str]:
    """Return a list's name, a code of it, and a spelling of the code as some system sends it."""
    name, code = draw(st.sampled_from(CODES))
    form = draw(
        st.sampled_from(
            (
                code.code,
                code.description,
                f"{code.code} - {code.description}",
                f"{code.code}: {code.description}",
                *code.aliases,
            )
        )
    )
    words = [draw(st.sampled_from((word, word.upper(), word.lower()))) for word in form.split(" ")]
    text = words[0]
    for word in words[1:]:
        text += draw(GAP) + word
    return name, code.code, draw(BLANK) + text + draw(BLANK)


@given(spelled())
def test_normalise_any_known_spelling_gives_the_code(case: tuple[str, str, str]) -> None:
    name, code, text = case
    assert LISTS[name].normalise(text) == code


@given(st.sampled_from(CODES), st.text(min_size=1, max_size=20), st.sampled_from((" - ", ": ")))
def test_normalise_description_with_more_behind_it_is_not_cut(
    case: tuple[str, Code], more: str, dash: str
) -> None:
    name, code = case
    known = LISTS[name]
    for text in {code.description, *code.aliases} - {each.code for each in known.codes}:
        sent = f"{text}{dash}{more}"
        read = known.normalise(sent)
        head = code_part(spelling_key(sent))
        assert read is None or spelling_key(sent) in known.spellings or head in known.heads


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("eligibility", "a) Relevant child", "R"),
        ("eligibility", "b) Former relevant child", "F"),
        ("eligibility", "c) Qualifying care leaver", "Q"),
        ("eligibility", "d) Eligible", "E"),
        ("eligibility", "No Current Eligibility", "N"),
        ("accommodation", "Y: Other accommodation", "Y"),
        ("accommodation", "o) With Former Foster Carer", "Z"),
        ("accommodation_suitability", "b) Not suitable", "2"),
        ("activity", "F1: Full time in higher education", "F1"),
        ("activity", "G5: Not in education, employment or training - other", "G5"),
        ("in_touch", "a) Yes", "YES"),
        ("abuse_category", "MUL: Neglect, Physical abuse", "MUL"),
        ("abuse_category", "Multiple: Neglect, Physical abuse", None),
        ("in_touch", "No - refused contact", None),
        ("in_touch", "NO: died in May", None),
        ("in_touch", "no - not in touch", "NO"),
        ("disability", "None - visual impairment suspected", None),
        ("activity", "Full time in training or employment - apprenticeship", None),
        ("activity", "f4 - apprenticeship, full time", "F4"),
        ("sex", "2", "F"),
        ("accommodation", "S1", None),
        ("activity", "F9", None),
        ("activity", "", None),
        ("activity", None, None),
    ],
)
def test_normalise_spelling_of_a_vendor_gives_the_code(
    name: str, text: str | None, code: str | None
) -> None:
    assert LISTS[name].normalise(text) == code


def test_accommodation_pair_is_the_list_of_rule_133() -> None:
    letters = "BCDEGHKRSTUVWXYZ"
    expected = {letter + digit for letter in letters for digit in "12"} - {"S1", "X1"} | {"0"}
    assert {code.code for code in LISTS["accommodation_pair"].codes} == expected


@pytest.mark.parametrize(
    ("name", "code", "last", "first"),
    [
        ("activity", "F3", 2021, None),
        ("activity", "P3", 2021, None),
        ("activity", "F4", None, 2022),
        ("activity", "P5", None, 2022),
        ("placement_type", "H5", 2024, None),
        ("placement_type", "K3", None, 2025),
        ("episode_end_reason", "E45", None, 2019),
    ],
)
def test_valid_in_knows_the_collection_year(
    name: str, code: str, last: int | None, first: int | None
) -> None:
    found = next(each for each in LISTS[name].codes if each.code == code)
    if last:
        assert found.valid_in(last)
        assert not found.valid_in(last + 1)
    if first:
        assert found.valid_in(first)
        assert not found.valid_in(first - 1)


@pytest.mark.parametrize(
    ("day", "year"),
    [(date(2019, 3, 31), 2019), (date(2019, 4, 1), 2020), (date(2018, 12, 1), 2019)],
)
def test_collection_year_ends_on_31_march(day: date, year: int) -> None:
    assert collection_year(day) == year


def row(code: str, description: str, aliases: str = "") -> dict[str, str]:
    return {
        "code_list": "colour",
        "code": code,
        "description": description,
        "aliases": aliases,
        "valid_from_year": "",
        "valid_to_year": "",
        "sort_order": "1",
    }


def test_read_one_spelling_of_two_codes_is_refused() -> None:
    with pytest.raises(SettingsError, match="'Crimson' means both R and C"):
        read([row("R", "Red", "crimson"), row("C", "Crimson")])


def test_read_code_declared_twice_is_refused() -> None:
    with pytest.raises(SettingsError, match="colour: A code is declared twice"):
        read([row("R", "Red"), row("R", "Rose")])


def test_description_fits_the_column_in_which_systems_send_it() -> None:
    assert [code for _, code in CODES if len(code.description) > 100] == []
