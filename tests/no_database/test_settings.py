"""Settings from the environment: a wrong value is named, and not shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from carepath.errors import SettingsError
from carepath.settings import get_settings


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Settings that are read again."""
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def test_wrong_value_names_its_variable_and_not_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREPATH_WAL_LEVEL", "invented")
    with pytest.raises(SettingsError, match="CAREPATH_WAL_LEVEL") as refused:
        get_settings()
    assert "'minimal' or 'replica'" in str(refused.value)
    assert "invented" not in str(refused.value)


@pytest.mark.parametrize("level", ["minimal", "replica"])
def test_level_of_the_log_of_changes_is_read(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    monkeypatch.setenv("CAREPATH_WAL_LEVEL", level)
    assert get_settings().wal_level == level


@pytest.mark.parametrize(
    "address",
    [
        "redis://:a-secret@127.0.0.1:6379/0",
        "redis://:a-secret@[::1]:6379/0",
        "redis://:a-secret@redis:6379/0",
        "rediss://user:a-secret@redis.example:6380/0",
    ],
)
def test_broker_with_a_password_is_taken_and_kept_out_of_sight(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("CAREPATH_BROKER_URL", address)
    broker = get_settings().broker_url
    assert broker is not None
    assert broker.get_secret_value() == address
    assert "a-secret" not in repr(get_settings())


@pytest.mark.parametrize("address", ["redis://redis.example:6379/0", "http://:a-secret@host/"])
def test_broker_that_anybody_could_use_is_refused(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("CAREPATH_BROKER_URL", address)
    with pytest.raises(SettingsError, match=r"CAREPATH_BROKER_URL.*with a password") as refused:
        get_settings()
    assert "a-secret" not in str(refused.value)


@pytest.mark.parametrize(
    "host", ["redis.example", "127.0.0.1.example", "192.0.2.7", "[2001:db8::7]"]
)
def test_broker_whose_network_could_read_the_password_is_refused(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("CAREPATH_BROKER_URL", f"redis://:a-secret@{host}:6379/0")
    with pytest.raises(SettingsError, match=r"CAREPATH_BROKER_URL.*rediss") as refused:
        get_settings()
    assert "a-secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("192.0.2.8:5432", ("192.0.2.8", 5432)),
        ("[::]:5432", ("::", 5432)),
        ("192.0.2.7:15432", ("192.0.2.7", 15432)),
    ],
)
def test_address_of_the_encrypted_door_is_read(
    monkeypatch: pytest.MonkeyPatch, listen: str, address: tuple[str, int]
) -> None:
    monkeypatch.setenv("CAREPATH_TLS_LISTEN", listen)
    assert get_settings().tls_address == address


@pytest.mark.parametrize(
    "listen", ["", "5432", "192.0.2.7", "192.0.2.7:0", "host:5432", "192.0.2.7:x"]
)
def test_address_of_the_encrypted_door_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, listen: str
) -> None:
    monkeypatch.setenv("CAREPATH_TLS_LISTEN", listen)
    with pytest.raises(SettingsError, match=r"CAREPATH_TLS_LISTEN.*IP address and a port"):
        get_settings()
