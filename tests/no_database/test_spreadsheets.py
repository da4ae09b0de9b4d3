"""Workbooks as a person opens them."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest

from carepath.spreadsheets import Sheet, inert, write_workbook


def test_workbook_shows_texts_as_texts_and_dates_as_dates() -> None:
    file = io.BytesIO()
    strange = ("=1+1", "@SUM(A1)", "00123", "https://example.org", "'=already")
    write_workbook(
        file,
        [
            Sheet("List 1", ["Reference", "Number", "Date"], [(each, 7, None) for each in strange]),
            Sheet("List 2", ["D"], iter([[dt.date(2019, 6, 30)]])),
            Sheet("List 3", ["Nothing"], []),
        ],
        dates="dd/mm/yyyy",
        fixed_columns=1,
    )
    book = openpyxl.load_workbook(file)
    first = book["List 1"]
    assert [tuple(row) for row in first.iter_rows(min_row=2, values_only=True)] == [
        ("'=1+1", 7, None),
        ("'@SUM(A1)", 7, None),
        ("00123", 7, None),
        ("https://example.org", 7, None),
        ("'=already", 7, None),
    ]
    assert {row[0].data_type for row in first.iter_rows(min_row=2)} == {"s"}
    assert (first.freeze_panes, first.auto_filter.ref) == ("B2", "A1:C6")
    day = book["List 2"]["A2"]
    assert (day.value, day.number_format) == (dt.datetime.fromisoformat("2019-06-30"), "dd/mm/yyyy")
    assert [tuple(row) for row in book["List 3"].iter_rows(values_only=True)] == [("Nothing",)]


@pytest.mark.parametrize("sign", "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
def test_text_that_begins_a_formula_is_shown(sign: str) -> None:
    assert inert(f"{sign}cmd|'/c calc'!A1") == f"'{sign}cmd|'/c calc'!A1"


@pytest.mark.parametrize("value", ["W-5", "Zo\u00eb", "", "3=3", -4, None])
def test_any_other_value_stays(value: object) -> None:
    assert inert(value) == value
