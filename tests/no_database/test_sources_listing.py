"""`carepath source add` and `remove`: the rest of sources.yml stays as it was."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from small_recording_system import TABLES
from typer.testing import CliRunner

from carepath.cli import app
from carepath.errors import SourceError
from carepath.settings import get_settings
from carepath.sources import read_sources
from carepath.sources.listing import add_source, checked, remove_source

BEFORE = """\
# ours
- name: first   # the old system
  authority: E09000001
  authority_name: Invented
  url: sqlite:////first.db

# the second one
- name: second
  authority: E09000001
  authority_name: Invented
  url: sqlite:////second.db
"""


def entry(name: str, url: str = "mysql://reader:${PW}@db/ssd") -> dict[str, object]:
    return {"name": name, "authority": "E09000002", "authority_name": "Invented", "url": url}


def test_source_is_added_at_the_end_and_removed_again(tmp_path: Path) -> None:
    file = tmp_path / "site" / "sources.yml"
    spec = checked(**entry("third"), schema="ssd", spelling="mosaic", is_partial=True)
    add_source(spec, file)
    assert read_sources(file) == [spec]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text(BEFORE)
    add_source(spec, file)
    assert file.read_text().startswith(BEFORE)
    assert [each.name for each in read_sources(file)] == ["first", "second", "third"]
    remove_source("third", file)
    assert file.read_text() == BEFORE


def test_removing_a_source_keeps_the_comments_of_the_others(tmp_path: Path) -> None:
    file = tmp_path / "sources.yml"
    file.write_text(BEFORE)
    remove_source("first", file)
    assert file.read_text() == "# ours\n" + BEFORE[BEFORE.index("# the second") :]
    remove_source("second", file)
    assert read_sources(file) == []


def test_names_that_are_taken_or_unknown_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "sources.yml"
    file.write_text(BEFORE)
    with pytest.raises(SourceError, match="There is a source first already"):
        add_source(checked(**entry("first")), file)
    with pytest.raises(SourceError, match=r"There is no source other\. Listed: first, second"):
        remove_source("other", file)
    assert file.read_text() == BEFORE


def test_file_that_cannot_be_changed_safely_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "sources.yml"
    flow = "[{name: a, authority: E09000001, authority_name: I, url: 'sqlite:///a'}]\n"
    file.write_text(flow)
    with pytest.raises(SourceError, match="Edit it by hand"):
        add_source(checked(**entry("third")), file)
    assert file.read_text() == flow
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("url", ["mysql://reader:hunter2@db/ssd", "oracle://r:${A}hunter2@db/x"])
def test_password_on_the_command_line_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(SourceError, match="The address contains a password") as caught:
        checked(**entry("third", url))
    assert "hunter2" not in str(caught.value)


def test_wrong_value_is_named() -> None:
    with pytest.raises(SourceError, match="is not an ONS code"):
        checked(**{**entry("third"), "authority": "Croydon"})


def test_command_asks_tries_and_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "home", tmp_path)
    monkeypatch.setenv("SSD_FOLDER", str(tmp_path))
    file = tmp_path / "site" / "sources.yml"
    url = "sqlite:///${SSD_FOLDER}/cases.db"
    answers = f"E09000002\nInvented\n{url}\n\nliquidlogic\n"

    def add(*options: str) -> tuple[str, BaseException | None]:
        done = CliRunner().invoke(app, ["source", "add", "ours", *options], input=answers)
        return done.output, done.exception

    said, error = add()
    for asked in ("ONS code", "Name of the authority", "Address", "Schema", "Vendor"):
        assert asked in said
    assert "The source cannot be reached: its file cannot be opened" in str(error)
    assert not file.exists()

    with closing(sqlite3.connect(tmp_path / "cases.db")) as connection:
        for name, columns in TABLES.items():
            connection.execute(f"create table {name} ({columns})")
        connection.commit()
    said, error = add()  # the required tables of people are not there
    assert "The contract is broken" in said
    assert "nothing was written" in str(error)
    assert not file.exists()

    said, error = add("--partial")
    assert error is None
    assert "a night can load this source" in said
    assert "carepath doctor --source ours" in said
    (spec,) = read_sources(file)
    assert (spec.url, spec.spelling, spec.schema, spec.is_partial) == (
        url, "liquidlogic", None, True,
    )  # fmt: skip
    assert "There is a source ours already" in str(add("--partial")[1])
    assert CliRunner().invoke(app, ["source", "remove", "ours"]).exit_code == 0
    assert read_sources(file) == []
    assert add("--untested")[1] is None
