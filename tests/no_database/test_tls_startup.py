"""The first messages of PostgreSQL's protocol: what is understood, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carepath.door import startup
from carepath.door.admission import RefusedError, admit

VERSION = 3 << 16
word = st.binary(min_size=1, max_size=20).filter(lambda text: b"\0" not in text)


@given(st.dictionaries(word, word | st.just(b""), max_size=5))
def test_startup_message_that_is_written_is_read_again(parameters: dict[bytes, bytes]) -> None:
    message = startup.startup(VERSION, parameters)
    length, code = startup.head_of(message[: startup.HEAD])
    assert (length, code) == (len(message) - startup.HEAD, VERSION)
    assert startup.parameters_of(message[startup.HEAD :]) == parameters


@given(st.binary(max_size=60))
def test_bytes_are_understood_in_one_way_only_or_not_at_all(rest: bytes) -> None:
    try:
        found = startup.parameters_of(rest)
    except startup.MessageError:
        return
    assert startup.startup(VERSION, found)[startup.HEAD :] == rest


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"user\0bi_reader\0",
        b"user\0bi_reader\0\0\0",
        b"user\0bi_reader\0\0user\0carepath_owner\0\0",
        b"user\0bi_reader\0user\0carepath_owner\0\0",
        b"user\0bi_reader\0database\0\0warehouse\0\0",
    ],
)
def test_startup_message_with_two_meanings_is_refused(rest: bytes) -> None:
    with pytest.raises(startup.MessageError):
        startup.parameters_of(rest)


@pytest.mark.parametrize("length", [0, 4, 7, 10_001, 0x80000000, 0xFFFFFFFF])
def test_length_that_cannot_be_right_is_refused(length: int) -> None:
    with pytest.raises(startup.MessageError):
        startup.head_of(length.to_bytes(4, "big") + bytes(4))


@pytest.mark.parametrize("role", ["bi_reader", "published_reader"])
def test_readers_may_come_in(role: str) -> None:
    assert admit({b"user": role.encode(), b"database": b"warehouse"}) == role


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({b"user": b"carepath_owner", b"database": b"warehouse"}, "Use bi_reader"),
        ({b"user": b"carepath_administrator", b"database": b"warehouse"}, "Use bi_reader"),
        ({b"user": b"carepath_steward", b"database": b"warehouse"}, "Use bi_reader"),
        ({b"user": b"carepath_caseload", b"database": b"warehouse"}, "Use bi_reader"),
        ({b"user": b"bi_reader ", b"database": b"warehouse"}, "Use bi_reader"),
        ({b"user": b"BI_READER", b"database": b"warehouse"}, "Use bi_reader"),
        ({b"user": b"\xff", b"database": b"warehouse"}, "Use bi_reader"),
        ({b"database": b"warehouse"}, "Use bi_reader"),
        ({b"user": b"bi_reader"}, "Write warehouse as the database"),
        ({b"user": b"bi_reader", b"database": b"airflow"}, "Write warehouse as the database"),
        (
            {b"user": b"bi_reader", b"database": b"warehouse", b"replication": b"true"},
            "replica cannot",
        ),
    ],
)
def test_everyone_else_is_refused_in_words(parameters: dict[bytes, bytes], said: str) -> None:
    with pytest.raises(RefusedError) as refused:
        admit(parameters)
    assert said in refused.value.text


def test_log_has_no_name_that_is_not_a_role() -> None:
    with pytest.raises(RefusedError) as refused:
        admit({b"user": b"a-password-in-the-wrong-field", b"database": b"warehouse"})
    assert "a-password" not in f"{refused.value.reason} {refused.value.role} {refused.value.text}"
