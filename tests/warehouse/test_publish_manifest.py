"""The list of marts comes from a manifest of this code, also in a home that has never built."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from carepath.publish import mart_tables
from carepath.settings import get_settings
from carepath.warehouse.manifest import built_manifest, current_manifest, note_manifest


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a worker on which dbt has never run, and which reaches no warehouse."""
    with pytest.MonkeyPatch.context() as changed:
        folder = tmp_path_factory.mktemp("worker")
        changed.setenv("CAREPATH_HOME", str(folder))
        get_settings.cache_clear()
        yield folder
    get_settings.cache_clear()


def test_home_that_has_never_built_lists_the_marts_and_writes_them_once(home: Path) -> None:
    marts = {mart.name: mart for mart in mart_tables()}
    assert marts["kpi_pathway_plan"].key == ("authority", "as_at_date", "measure", "segment")
    manifest = current_manifest()
    assert manifest.is_relative_to(home)
    written = manifest.stat().st_mtime_ns
    assert {mart.name: mart for mart in mart_tables()} == marts
    assert manifest.stat().st_mtime_ns == written


def test_manifest_of_the_build_comes_first_while_it_is_of_this_code(home: Path) -> None:
    parsed, built = current_manifest(), built_manifest()
    built.parent.mkdir(parents=True)
    shutil.copy(parsed, built)
    assert current_manifest() == parsed, "nobody has said which code this one is of"
    note_manifest(built)
    assert current_manifest() == built
    built.write_text('{"nodes": {}}')  # a later run of dbt, from whatever code
    assert current_manifest() == parsed
    assert mart_tables()


def test_manifest_of_other_code_is_written_again(home: Path) -> None:
    marts = mart_tables()
    parsed = current_manifest()
    parsed.write_text('{"nodes": {}}')
    assert mart_tables() == marts
