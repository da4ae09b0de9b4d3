"""Generated pages: none is stale, and a change is noticed."""

from __future__ import annotations

import pytest

from carepath import documents


def test_generated_files_are_up_to_date() -> None:
    assert documents.stale() == []


def test_stale_page_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(documents.PAGES, "docs/settings.md", lambda: "another text")
    assert documents.stale() == ["docs/settings.md"]


def test_settings_page_names_every_setting() -> None:
    page = documents.settings_page()
    assert "`CAREPATH_WAREHOUSE_URL`" in page
    assert "`CAREPATH_ALERT_EMAIL`" in page
