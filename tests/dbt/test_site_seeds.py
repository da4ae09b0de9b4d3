"""A council's own settings reach dbt, and dbt leaves the files as they are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from carepath import site
from carepath.settings import get_settings
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt

pytestmark = pytest.mark.usefixtures("warehouse")


@pytest.fixture
def own_settings() -> Iterator[Path]:
    """A folder of settings that has one programme, and else the defaults."""
    folder = get_settings().home / "site"
    aside = folder.rename(folder.with_name("site-aside"))
    folder.mkdir()
    (folder / "programmes.csv").write_text(
        "# ours\nprogramme_code,programme,other_spellings,programme_kind\n"
        'NEW,"Ben\'s team, north",Team 9,other\n',
        encoding="utf-8",
    )
    shutil.rmtree(folder.with_name("site-effective"), ignore_errors=True)
    yield folder
    shutil.rmtree(folder)
    shutil.rmtree(folder.with_name("site-effective"))
    aside.rename(folder)


def test_seeds_are_the_council_s_or_the_defaults_and_stay_as_they_are(own_settings: Path) -> None:
    seeds = site.effective_folder() / site.SEEDS
    before = {path.name: path.read_bytes() for path in seeds.iterdir()}
    for _ in range(2):
        run_dbt(["seed", "--select", *site.FILES], layer="core")
    assert {path.name: path.read_bytes() for path in seeds.iterdir()} == before
    with connect("carepath_analyst") as analyst:
        assert analyst.execute("select * from core.programmes").fetchall() == [
            ("NEW", "Ben's team, north", "Team 9", "other")
        ]
        counts = {
            name: analyst.execute(f"select count(*) from core.{name}").fetchone()
            for name in ("targets", "timescales", "cohort_groups")
        }
    assert counts == {"targets": (0,), "timescales": (8,), "cohort_groups": (0,)}
