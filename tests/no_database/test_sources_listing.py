"""`carepath source add` and `remove`: the rest of sources.yml stays as it was."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from carepath.errors import SourceError
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
