"""A new kind of source is one module: the registry finds it, and nothing else is edited."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_recording_system import warehouse_rows

import carepath.sources
from carepath.errors import SourceError
from carepath.landing import load_source
from carepath.settings import get_settings
from carepath.sources import (
    SourceSpec,
    absolute_source,
    find_source,
    open_source,
    registry,
    write_sources,
)
from carepath.sources.kind import Kind

MODULE = r'''
"""A folder with a text file for each table: one person's id a line."""

from contextlib import contextmanager
from pathlib import Path

from carepath.sources.kind import Kind, SourceColumn
from carepath.sources.spec import SourceSpec


class Session:
    period, accumulates, is_partial, parallel = None, {}, True, None

    def __init__(self, folder):
        self.files = {path.stem: path for path in folder.glob("*.txt")}

    def describe(self):
        names = ("pers_person_id", "pers_sex", "pers_ethnicity", "pers_dob")
        return {"ssd_person": [SourceColumn(name, "text") for name in names]}

    def stream(self, table, columns):
        for line in self.files[table.name].read_text().splitlines():
            fields = [line if name == "pers_person_id" else r"\N" for name in columns]
            yield "\t".join(fields).encode() + b"\n"

    def count_now(self, tables, /):
        return {table.name: len(self.files[table.name].read_text().split()) for table in tables}


class TextSource:
    kind = "text"

    def __init__(self, spec):
        self.name, self.authority = spec.name, spec.authority
        self.folder = Path(spec.url.removeprefix("text:"))

    @contextmanager
    def open(self):
        yield Session(self.folder)


KIND = Kind(
    example="text:FOLDER",
    handles=lambda url: url.startswith("text:"),
    source=TextSource,
    named_by=lambda url, listed: SourceSpec("text", "E09900077", "Invented", url),
    absolute=lambda url: "text:" + str(Path(url.removeprefix("text:")).resolve()),
)
'''


@pytest.fixture
def new_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put one module beside the others; return a folder that it can read."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "text_files.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.setattr(carepath.sources, "__path__", [*carepath.sources.__path__, str(package)])
    registry.kinds.cache_clear()
    folder = tmp_path / "people"
    folder.mkdir()
    (folder / "ssd_person.txt").write_text("P1\nP2\n", encoding="utf-8")
    yield folder
    registry.kinds.cache_clear()
    sys.modules.pop("carepath.sources.text_files", None)


@pytest.fixture
def no_sources() -> Iterator[None]:
    """Remove the list of sources after each test: the suite has none."""
    yield
    get_settings().sources_file.unlink()


@pytest.mark.usefixtures("warehouse", "no_sources")
def test_kind_of_one_module_is_listed_opened_and_loaded(new_kind: Path) -> None:
    write_sources([SourceSpec("people", "E09900077", "Invented", f"text:{new_kind}")])
    spec = find_source("people")
    assert open_source(spec).kind == "text"
    result = load_source(None, spec, dt.date(2017, 11, 30))
    assert [(each.table, each.row_count) for each in result.tables] == [("ssd_person", 2)]
    assert warehouse_rows(
        "select pers_person_id from history.ssd_person where authority = 'E09900077' order by 1"
    ) == [("P1",), ("P2",)]


def test_kind_of_one_module_may_be_named_on_the_command_line(
    new_kind: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(get_settings(), "home", tmp_path)
    monkeypatch.chdir(new_kind.parent)
    assert absolute_source("text:people") == f"text:{new_kind}"
    assert find_source("text:people").authority == "E09900077"
    with pytest.raises(SourceError, match="text:FOLDER"):
        find_source("nowhere")


def test_every_kind_says_which_urls_are_its_own() -> None:
    found = registry.kinds()
    assert all(isinstance(kind, Kind) and kind.handles(kind.example) for kind in found)
    assert [kind.is_general for kind in found].count(True) == 1
    for kind in found:
        chosen = registry.kind_of(kind.example)
        assert chosen is kind
    assert registry.kind_of("no URL at all") is None
