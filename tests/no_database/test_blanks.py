"""Blanks around values go before landing; everything else arrives byte for byte."""

from __future__ import annotations

import random

import pytest

from carepath.contract import load_contract
from carepath.sources.blanks import BLANKS, trim, without_blanks
from carepath.sources.database import encode

CONTACTS = load_contract().tables["ssd_contacts"]
COLUMNS = ("cont_contact_id", "cont_contact_source_desc", "cont_contact_source_code")
# return files lose other control characters too; a database seldom has them
KINDS = sorted(each for each in BLANKS if each in "\b\t\n\v\f\r" or each > "\x7f")


def sent(rows: list[tuple[str | None, ...]]) -> bytes:
    """Return rows as a source sends them."""
    return b"".join(encode([rows])) if rows else b""


def arrived(data: bytes, size: int = 1 << 17) -> bytes:
    """Return what arrives of data in chunks of some size."""
    chunks = [data[n : n + size] for n in range(0, len(data), size)]
    return b"".join(without_blanks(chunks, CONTACTS, COLUMNS))


@pytest.mark.parametrize("blank", KINDS, ids=lambda blank: f"{ord(blank):04x}")
def test_blank_of_any_kind_goes_from_both_ends_of_an_id(blank: str) -> None:
    forms = (f"P1{blank}", f"{blank}P1", f"{blank}{blank}P1{blank}", f" {blank} P1 {blank} ")
    text = f"{blank}two{blank}lines{blank}"
    data = sent([(form, text, f"1{blank}A") for form in forms])
    assert arrived(data) == sent([("P1", text, f"1{blank}A")] * len(forms))


def test_blanks_alone_become_empty() -> None:
    assert arrived(sent([("\r", "\r", "\u00a0 \t")])) == sent([("", "\r", "")])


def test_spaces_alone_stay_as_sent() -> None:
    data = sent([(" P1 ", " x ", "1A "), ("P2", None, None)])
    assert arrived(data) == data


def test_letter_behind_a_backslash_is_no_blank() -> None:
    data = sent([("P1\\r", "\\n", "\\"), ("\\t", "a\\", "\\\\n")])
    assert arrived(data) == data
    assert arrived(sent([("P1\\\r", "x", "y")])) == sent([("P1\\", "x", "y")])


def test_rows_are_those_that_a_plain_reading_gives_however_they_are_cut() -> None:
    chance = random.Random(2026)  # noqa: S311 - the same every time
    parts = [*KINDS, " ", "P", "é", "£", "\u2014", "\u3042", "\\", "r", "N", "\U0001f600"]

    def value() -> str | None:
        length = chance.choice([0, 1, 2, 5, 9])
        return "".join(chance.choices(parts, k=length)) if chance.random() < 0.8 else None

    def plain(value: str | None) -> str | None:
        if value is None or trim(value) == value.strip(" "):
            return value
        return trim(value)

    for _ in range(60):
        rows = [(value(), value(), value()) for _ in range(40)]
        expected = sent([(plain(key), text, plain(code)) for key, text, code in rows])
        data = sent(rows)
        for size in (1, 7, 100, len(data)):
            assert arrived(data, size) == expected


def test_last_row_without_a_line_end_is_kept() -> None:
    assert arrived(b"P1\\r\tx\ty\nP2\\r\tx\ty") == b"P1\tx\ty\nP2\tx\ty"
