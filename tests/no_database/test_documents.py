"""Generated pages: none is out of date, a change is noticed, and none hides a missing fact."""

from __future__ import annotations

import ast
from pathlib import Path

import jinja2
import pytest

import carepath
from carepath.documents import generated
from carepath.documents.settings_page import settings_page
from carepath.documents.templates import render


def test_generated_files_are_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that dbt has to read the project for are tested in tests/dbt."""
    monkeypatch.setattr(generated, "PAGES_OF_DBT", {})
    assert generated.stale() == []


def test_stale_page_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generated, "PAGES_OF_DBT", {})
    monkeypatch.setattr(generated, "PAGES", {"docs/settings.md": lambda: "another text"})
    assert generated.stale() == ["docs/settings.md"]


def test_settings_page_names_every_setting() -> None:
    page = settings_page()
    assert "`CAREPATH_WAREHOUSE_URL`" in page
    assert "`CAREPATH_ALERT_URLS`" in page


def test_template_that_shows_what_it_was_not_given_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="kpis"):
        render("kpis.md", labels={})


@pytest.mark.parametrize("room", ["documents", "lineage"])
def test_desk_reads_documents_and_they_do_not_read_the_desk(room: str) -> None:
    read = {
        node.module or ""
        for path in (Path(carepath.__file__).parent / room).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
    }
    assert f"carepath.{room}.templates" in read or "carepath.contract" in read
    assert not [name for name in read if name.startswith("carepath.desk")]
