"""sources.yml: what may stand in it, and what is said of what may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from carepath import demo
from carepath.errors import CarepathError, SourceError
from carepath.settings import get_settings
from carepath.sources import (
    SourceSpec,
    absolute_source,
    find_source,
    open_source,
    read_sources,
    write_sources,
)

GOOD = {
    "name": "liquidlogic",
    "authority": "E09900001",
    "authority_name": "London Borough of Ashmere",
    "url": "postgresql://reader:${SSD_PASSWORD}@db.example:5432/reporting",
}


def written(path: Path, text: str) -> Path:
    file = path / "sources.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_no_file_lists_no_source(tmp_path: Path) -> None:
    assert read_sources(tmp_path / "sources.yml") == []


def test_written_sources_are_read_back_and_private(tmp_path: Path) -> None:
    specs = [SourceSpec(**GOOD, schema="ssd", spelling="eclipse", is_partial=True)]
    file = tmp_path / "sources.yml"
    write_sources(specs, file)
    assert read_sources(file) == specs
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not readable as YAML"),
        ("name: x", "not a list"),
        ("- 7", "not a list of names and values"),
        ("- {name: a, authority: E09900001, url: 'x:y'}", "authority_name is missing"),
        ("- {name: a, authority: E1, authority_name: A, url: 'x:y'}", "not an ONS code"),
        ("- {name: A b, authority: E09900001, authority_name: A, url: 'x:y'}", "lower-case"),
        ("- {name: a, authority: E09900001, authority_name: A, url: nowhere}", "no SQLAlchemy URL"),
        ("- {name: a, authority: E09900001, authority_name: A, url: 'x:y', pw: 1}", "unknown"),
        (
            "- {name: a, authority: E09900001, authority_name: A, url: 'x:y', spelling: azeus}",
            "spelling azeus is none of",
        ),
        (
            "- &a {name: a, authority: E09900001, authority_name: A, url: 'x:y'}\n- *a",
            "two sources are called a",
        ),
    ],
)
def test_wrong_entry_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        read_sources(written(tmp_path, text))


def test_password_comes_from_the_environment_and_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = SourceSpec(**GOOD)
    with pytest.raises(SourceError, match="SSD_PASSWORD is not set"):
        open_source(spec)
    monkeypatch.setenv("SSD_PASSWORD", "hunter2")
    assert "hunter2" in spec.resolved_url()
    assert "hunter2" not in repr(spec) + repr(open_source(spec))


def test_unknown_source_is_answered_with_those_there_are() -> None:
    with pytest.raises(SourceError, match="there is no source nowhere"):
        find_source("nowhere")


def test_folder_of_returns_belongs_to_one_source_whatever_its_name(tmp_path: Path) -> None:
    first = find_source(f"ssda903:{tmp_path}/2017?authority=E09900001&period=2017")
    second = find_source(f"ssda903:{tmp_path}/2018?authority=E09900001")
    assert first.name == second.name == "ssda903-e09900001"
    assert first.url.endswith("period=2017")
    assert find_source(f"ssda903:{tmp_path}").authority == "E09900903"


def test_folder_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_source("ssda903:2017?period=2017") == f"ssda903:{tmp_path}/2017?period=2017"
    assert absolute_source("liquidlogic") == "liquidlogic"


def test_airflow_connection_is_looked_up_when_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CASES", "postgres://reader:secret@db.example:5433/reporting")
    source = open_source(SourceSpec(**{**GOOD, "url": "airflow://cases"}))
    assert source.kind == "postgresql"
    with pytest.raises(SourceError, match="Airflow has no connection absent"):
        open_source(SourceSpec(**{**GOOD, "url": "airflow://absent"}))


def test_driver_that_is_not_installed_is_named() -> None:
    with pytest.raises(SourceError, match="cannot be used"):
        open_source(SourceSpec(**{**GOOD, "url": "nosuchdb://x"}))


def test_demonstration_does_not_write_over_a_real_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "home", tmp_path)
    monkeypatch.setattr(demo, "ready", pytest.fail)
    real = SourceSpec("liquidlogic", "E09900001", "Ashmere", "sqlite://")
    write_sources([real])
    with pytest.raises(CarepathError, match="liquidlogic"):
        demo.run_demo(Console(quiet=True), scale=1, seed=1)
    assert read_sources() == [real]
