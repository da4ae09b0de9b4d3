"""Addresses with any character in any part: each arrives as it is, and none is shown."""

from __future__ import annotations

import json
import traceback
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carepath.errors import SourceError
from carepath.sources import SourceSpec, open_source
from carepath.sources.address import Address, resolve
from carepath.sources.postgres import PostgresSource

# what has a meaning in a URL, and what has none in ASCII
HARD = [
    "Winter@Hush2025",
    "a%40b",
    "100%",
    "a/b",
    "a:b",
    "a?b=c",
    "a#b",
    "a b",
    "a+b",
    "\u00a3\u017e",
]
PARTS = ["username", "password", "host", "database"]


def spec(url: str) -> SourceSpec:
    return SourceSpec("secret", "E09910020", "Invented", url)


@pytest.mark.parametrize("value", HARD)
@pytest.mark.parametrize("part", PARTS)
def test_value_of_a_variable_arrives_as_it_is(
    monkeypatch: pytest.MonkeyPatch, part: str, value: str
) -> None:
    monkeypatch.setenv("VALUE", value)
    parts = {"username": "reader", "password": "pw", "host": "db.example", "database": "ssd"}
    parts[part] = "${VALUE}"
    url = "postgresql://{username}:{password}@{host}:5432/{database}".format(**parts)
    address = resolve(spec(url))
    expected = {**parts, part: value}
    assert {name: getattr(address.url, name) for name in PARTS} == expected
    assert address.url.port == 5432


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_password_arrives_as_it_is(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("VALUE", value)
    address = resolve(spec("postgresql://reader:${VALUE}@db.example/ssd"))
    assert (address.url.password, address.url.host) == (value, "db.example")


def test_variables_may_be_any_part_and_several(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"U": "a@b", "P": "c:d", "PORT": "6543", "MODE": "require"}.items():
        monkeypatch.setenv(name, value)
    url = resolve(spec("postgresql://${U}:${P}@h:${PORT}/d?sslmode=${MODE}")).url
    assert (url.username, url.password, url.port) == ("a@b", "c:d", 6543)
    assert url.query == {"sslmode": "require"}


def test_text_of_the_file_is_decoded_and_values_of_variables_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VALUE", "a%40b")
    assert resolve(spec("postgresql://r:a%40b@h/d")).url.password == "a@b"
    assert resolve(spec("postgresql://r:${VALUE}@h/d")).url.password == "a%40b"


def test_password_with_an_at_sign_in_the_file_itself_is_refused_and_not_shown() -> None:
    with pytest.raises(SourceError, match=r"more than one @.*write \$\{NAME\}") as caught:
        open_source(spec("postgresql://reader:Winter@Hush2025@127.0.0.1:5432/reporting"))
    assert "Hush2025" not in str(caught.value)
    assert "Winter" not in str(caught.value)


def shown(error: BaseException) -> str:
    """Return all that a log could print of an error."""
    return "".join(traceback.format_exception(error)) + repr(error) + json.dumps(str(error))


@pytest.mark.parametrize("value", HARD)
@pytest.mark.parametrize("part", ["username", "password", "host"])
@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg2"])
def test_source_that_cannot_be_reached_shows_no_part_of_a_value(
    monkeypatch: pytest.MonkeyPatch, scheme: str, part: str, value: str
) -> None:
    monkeypatch.setenv("VALUE", value)
    parts = {"username": "reader", "password": "pw", "host": "127.0.0.1"}
    parts[part] = "${VALUE}"
    url = "{}://{username}:{password}@{host}:9/ssd".format(scheme, **parts)
    with pytest.raises(SourceError, match="cannot be reached") as caught:
        open_source(spec(url)).open().__enter__()
    pieces = {value, *value.replace("@", " ").split()} - {"a", "b"}
    assert not [piece for piece in pieces if piece in shown(caught.value)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("failed to resolve host 'Hush2025@h': [Errno -2]", "its host is not known"),
        ('connection to server at "h", port 9 failed: Connection refused', "nothing answers"),
        ('FATAL:  password authentication failed for user "Hush2025"', "user or the password"),
        ('FATAL:  no pg_hba.conf entry for host "h", user "Hush2025"', "pg_hba.conf"),
        ('FATAL:  database "Hush2025" does not exist', "no such database or user"),
        ('invalid connection option "Hush2025"', "an option of its URL"),
        ("something new about Hush2025", "the connection failed"),
    ],
)
def test_what_libpq_says_is_passed_on_in_fixed_words(text: str, says: str) -> None:
    source: Any = open_source(spec("postgresql://reader:pw@127.0.0.1/ssd"))
    error = source.failed("The source cannot be reached", psycopg.OperationalError(text))
    assert says in str(error)
    assert "Hush2025" not in str(error)


def test_hide_takes_out_every_form_of_a_secret() -> None:
    address = Address(resolve(spec("sqlite://")).url, ("Winter@Hush2025", "x"))
    text = "for Winter@Hush2025 or Winter%40Hush2025 at x"
    assert address.hide(text) == "for *** or *** at x"


def test_airflow_connection_may_have_any_character_in_any_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for value in HARD:
        connection = {
            "conn_type": "postgres", "login": value, "password": value, "host": "db.example",
            "schema": value, "port": 5433, "extra": {"sslmode": "require"},
        }  # fmt: skip
        monkeypatch.setenv("AIRFLOW_CONN_CASES", json.dumps(connection))
        source: Any = open_source(spec("airflow://cases"))
        assert isinstance(source, PostgresSource)
        asked = source._parameters
        assert (asked["user"], asked["password"], asked["dbname"]) == (value, value, value)
        assert (asked["host"], asked["port"], asked["sslmode"]) == ("db.example", "5433", "require")
        assert value not in repr(source)


def test_airflow_connection_that_is_not_a_database_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MAIL", json.dumps({"conn_type": "", "password": "hunter2"}))
    with pytest.raises(SourceError) as caught:
        open_source(spec("airflow://mail"))
    assert "hunter2" not in shown(caught.value)
