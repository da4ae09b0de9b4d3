"""sources.yml: what it may contain, and the messages about anything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from carepath.demonstration import nights
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
from carepath.sources.address import resolve

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
        ("{", "sources.yml: The file is not readable as YAML near line 1"),
        ("name: x", "The file is not a list of sources"),
        ("- 7", "entry 1: entry 7 is not a list of names and values"),
        ("- {name: a, authority: E09900001, url: 'x:y'}", "authority_name is missing"),
        ("- {name: a, authority: E1, authority_name: A, url: 'x:y'}", "not an ONS code"),
        ("- {name: A b, authority: E09900001, authority_name: A, url: 'x:y'}", "lower-case"),
        (
            "- {name: a, authority: E09900001, authority_name: A, url: nowhere}",
            "not a SQLAlchemy URL",
        ),
        (
            "- {name: a, authority: E09900001, authority_name: A, url: 'x:y', pw: 1}",
            "unknown entry pw",
        ),
        (
            "- {name: a, authority: E09900001, authority_name: A, url: 'x:y', is_partial: 1}",
            "is_partial 1 is not true or false",
        ),
        (
            "- {name: a, authority: E09900001, authority_name: A, url: 'x:y${SECRET-1}'}",
            "does not name an environment variable",
        ),
        (
            "- {name: a, authority: E09900001, authority_name: A, url: 'x:y', spelling: azeus}",
            "unknown spelling azeus.* Use one of 'liquidlogic', 'mosaic' or 'eclipse'",
        ),
        (
            "- &a {name: a, authority: E09900001, authority_name: A, url: 'x:y'}\n- *a",
            "Two sources are called a",
        ),
    ],
)
def test_wrong_entry_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        read_sources(written(tmp_path, text))


def test_error_in_an_entry_with_a_password_does_not_quote_the_url(tmp_path: Path) -> None:
    entry = "{name: a, authority: E1, url: ['postgresql://r:hunter2@h/d'], password: hunter2}"
    for text in (f"- {entry}", f"- {entry[:-1]}", "- {url: hunter2}", "- url: hunter2\n bad: x: y"):
        with pytest.raises(SourceError) as caught:
            read_sources(written(tmp_path, text))
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "entry",
    [
        "postgresql://r:hunter2@h/d",
        "{name: 'postgresql://r:hunter2@h/d'}",
        "{name: a, authority: 'postgresql://r:hunter2@h/d', authority_name: b, url: 'x:y'}",
        "{name: a, authority: E09000001, authority_name: b, url: 'x:y', 'c://r:hunter2@h/d': 1}",
        "{name: a, authority: E09000001, authority_name: b, url: 'x:y', is_partial: 'c://hunter2'}",
    ],
)
def test_error_does_not_quote_an_address_that_stands_in_a_wrong_place(
    tmp_path: Path, entry: str
) -> None:
    with pytest.raises(SourceError) as caught:
        read_sources(written(tmp_path, f"- {entry}"))
    assert "hunter2" not in str(caught.value)
    assert "entry 1" in str(caught.value)


def test_password_comes_from_the_environment_and_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = SourceSpec(**GOOD)
    with pytest.raises(SourceError, match="SSD_PASSWORD is not set"):
        open_source(spec)
    monkeypatch.setenv("SSD_PASSWORD", "hunter2")
    assert resolve(spec).url.password == "hunter2"
    assert "hunter2" not in repr(resolve(spec)) + str(resolve(spec))
    assert "hunter2" not in repr(spec) + repr(open_source(spec))


def test_unknown_source_is_answered_with_those_there_are() -> None:
    with pytest.raises(SourceError, match="There is no source nowhere"):
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
    monkeypatch.setattr(nights, "ready", pytest.fail)
    real = SourceSpec("liquidlogic", "E09900001", "Ashmere", "sqlite://")
    write_sources([real])
    with pytest.raises(CarepathError, match="liquidlogic"):
        nights.run_demo(Console(quiet=True), scale=1, seed=1)
    assert read_sources() == [real]
