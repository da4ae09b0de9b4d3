"""What each measure needs agrees with the marts; what a source holds is counted without values."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache

import pytest

from carepath.contract import load_contract
from carepath.measures import MARTS, read_measures
from carepath.sources.content import lines, may_be_shown, year_of, years_in_words
from carepath.without_data import measures_without_data, read_needs, rules_without_data

MODELS: Mapping[str, frozenset[str]] = {
    path.stem: frozenset(re.findall(r"ref\(\s*'(\w+)'", path.read_text(encoding="utf-8")))
    for path in MARTS.parent.rglob("*.sql")
}
TABLES = load_contract().tables
EVERYTHING = frozenset(TABLES) | {
    f"{table.name}.{column}" for table in TABLES.values() for column in table.column_names
}


@cache
def behind(model: str) -> frozenset[str]:
    """All models that a model is made from."""
    direct = MODELS.get(model, frozenset())
    return direct.union(*(behind(each) for each in direct))


def test_every_measure_says_what_it_needs() -> None:
    for mart, measures in read_measures().items():
        for measure in measures:
            assert any(
                need.mart == mart and fnmatchcase(measure.code, need.measure)
                for need in read_needs()
            ), measure.code


def test_every_need_is_about_a_measure_and_of_the_contract() -> None:
    for need in read_needs():
        codes = [measure.code for measure in read_measures()[need.mart]]
        assert [code for code in codes if fnmatchcase(code, need.measure)], need
        for one in need.needs:
            assert EVERYTHING.issuperset(one), need


def test_every_needed_table_is_behind_its_mart() -> None:
    for need in read_needs():
        if need.mart == "kpi_rates":
            continue  # it reads the other marts' counts by a name that it makes up
        for name in (name for one in need.needs for name in one):
            entity = TABLES[name.partition(".")[0]].entity
            found = behind(need.mart)
            assert {f"stg_{entity}", f"stg_{entity}_versions"} & found or (
                "." in name and "stg_table_deliveries" in found
            ), (need.mart, name)


def test_whole_contract_leaves_nothing_without_data() -> None:
    assert not list(measures_without_data(EVERYTHING))
    assert not list(rules_without_data(EVERYTHING))


def test_missing_table_and_missing_column_are_each_named_once() -> None:
    without = EVERYTHING - {"ssd_sdq_scores", "ssd_person.pers_send_flag"}
    found = {each.code: each.missing for each in measures_without_data(without)}
    assert found["care_sdq_mean"] == ("ssd_sdq_scores",)
    assert found["care_ehc_plan"] == ("ssd_person.pers_send_flag",)
    assert "care_dental_check" not in found


def test_column_of_a_missing_table_is_not_named_too() -> None:
    without = {name for name in EVERYTHING if not name.startswith("ssd_missing")}
    found = {each.code: each.missing for each in measures_without_data(without)}
    assert found["return_interviews_offered"] == ("ssd_missing",)


def test_alternatives_are_missing_only_together() -> None:
    one = EVERYTHING - {"ssd_cp_reviews"}
    assert "reviews_in_time" not in {each.code for each in measures_without_data(one)}
    both = one - {"ssd_cla_reviews"}
    found = {each.code: each.missing for each in measures_without_data(both)}
    assert found["reviews_in_time"] == ("ssd_cp_reviews or ssd_cla_reviews",)


def test_rule_without_a_table_that_it_needs_is_found() -> None:
    found = {each.code: each for each in rules_without_data(EVERYTHING - {"ssd_cla_placement"})}
    assert found["NEED-21"].missing == ("ssd_cla_placement",)
    assert "AGE-03" not in found


@pytest.mark.parametrize(
    ("value", "year"),
    [
        ("2017-05-01", 2017),
        (" 2091-01-01 00:00:00", 2091),
        ("1/5/2017", 2017),
        ("01/05/2017 10:00", 2017),
        ("1900-01-01", None),
        ("01/01/1900", None),
        ("43069", None),
        ("", None),
    ],
)
def test_year_is_that_of_a_date_as_staging_reads_it(value: str, year: int | None) -> None:
    assert year_of(value) == year


@pytest.mark.parametrize("value", ["X2", "07", "F", "AB12"])
def test_value_like_a_code_is_shown_from_ten_records_on(value: str) -> None:
    assert may_be_shown(value, 10)
    assert not may_be_shown(value, 9)


@pytest.mark.parametrize("value", ["JO", "Ann", "SMITH", "ABC1", "1234567", "see notes", "F 1", ""])
def test_word_initials_or_id_is_never_shown(value: str) -> None:
    assert not may_be_shown(value, 10_000)


def test_years_far_away_are_counted_together() -> None:
    years = {1899: 2, 2015: 1, 2016: 3, 2025: 1_200, 2027: 4, 2091: 1}
    assert years_in_words(years, dt.date(2025, 6, 1)) == [
        "before 2016: 3", "2016: 3", "2025: 1,200", "after 2026: 5",
    ]  # fmt: skip


def test_row_that_is_cut_in_two_by_a_chunk_is_whole_again() -> None:
    assert list(lines([b"a\tb\nc", b"\td\n", b"e\tf\n"])) == [b"a\tb", b"c\td", b"e\tf"]
