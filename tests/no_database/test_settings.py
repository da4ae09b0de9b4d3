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
