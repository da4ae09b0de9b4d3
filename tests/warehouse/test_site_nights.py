"""A night runs with the council's settings as its plan validated them, and records them."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carepath import site
from carepath.demonstration.settings import SETTINGS
from carepath.errors import SettingsError
from carepath.night.steps import plan
from carepath.settings import get_settings
from carepath.site import effective_folder, read_site, with_thresholds
from carepath.sources import SourceSpec, write_sources
from carepath.warehouse.connect import connect
from carepath.warehouse.models import _code
from expectations.register import rules

pytestmark = pytest.mark.usefixtures("warehouse")

NIGHT = dt.date(2019, 6, 30)
HEADER = "authority,unit_cost_code,amount_gbp,per,price_year,source"


@pytest.fixture
def home() -> Iterator[Path]:
    """The suite's home without settings of its own, one source aside; put back afterwards."""
    folder = get_settings().home
    (folder / "site").rename(folder / "site-aside")
    write_sources([SourceSpec("one", "E09900001", "Ashmere", "sqlite://")])
    with connect("carepath_owner") as owner:
        owner.execute("delete from ops.runs")
    yield folder
    for name in ("site", "site-effective"):
        shutil.rmtree(folder / name)
    (folder / "site-aside").rename(folder / "site")


def unit_costs(home: Path, *rows: str) -> None:
    (home / "site" / "unit_costs.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")


def recorded() -> list[tuple[Any, ...]]:
    with connect("carepath_analyst") as analyst:
        return analyst.execute(
            "select run_id, file, is_default, row_count, changed_by is not null,"
            " changed_at is not null, length(content_hash) from ops.site_settings"
            " where file = 'unit_costs.csv' order by setting_id"
        ).fetchall()


def end(run_id: str) -> None:
    with connect("carepath_loader") as loader:
        loader.execute("update ops.runs set state = 'failed' where run_id = %s", (run_id,))


def test_change_counts_from_the_next_night_and_is_recorded_with_its_author(home: Path) -> None:
    def made_with() -> str:
        with connect("carepath_loader") as loader:
            return _code(loader)

    plan("night-1", NIGHT, None, "test")
    end("night-1")
    default = made_with()
    unit_costs(home, ",FOSTER_WEEK,700,child and week,2019,our own")
    assert made_with() == default  # until the next night, what runs is what was validated
    plan("night-2", NIGHT, None, "test")
    end("night-2")
    assert made_with() != default
    seed = effective_folder() / site.SEEDS / "unit_costs.csv"
    assert seed.read_text(encoding="utf-8") == (
        f"{HEADER}\n,FOSTER_WEEK,700,child and week,2019,our own\n"
    )
    plan("night-3", NIGHT, None, "test")
    end("night-3")
    assert recorded() == [
        ("night-1", "unit_costs.csv", True, 3, False, False, 64),
        ("night-2", "unit_costs.csv", False, 1, True, True, 64),
    ]
    (home / "site" / "unit_costs.csv").unlink()
    plan("night-4", NIGHT, None, "test")
    assert recorded()[-1] == ("night-4", "unit_costs.csv", True, 3, False, False, 64)
    assert made_with() == default


def test_invalid_setting_refuses_the_night_before_anything_is_touched(home: Path) -> None:
    plan("night-1", NIGHT, None, "test")
    end("night-1")
    before = {path: path.read_bytes() for path in effective_folder().rglob("*.*")}
    unit_costs(home, ",FOSTER_WEEK,-700,child and week,2019,our own")
    with pytest.raises(SettingsError) as refused:
        plan("night-2", NIGHT, None, "test")
    assert str(refused.value) == (
        "site/unit_costs.csv, row 2, column amount_gbp: -700 is not allowed. "
        "It must be greater than 0. What to do: correct the cell."
    )
    assert {path: path.read_bytes() for path in effective_folder().rglob("*.*")} == before
    with connect("carepath_analyst") as analyst:
        runs = analyst.execute("select run_id from ops.runs").fetchall()
    assert runs == [("night-1",)]


def test_dbt_project_of_the_home_is_the_checkouts_but_for_the_settings(home: Path) -> None:
    folder = site.dbt_project()
    (folder / "models").unlink()
    (folder / "models").symlink_to(home)  # as after the checkout has moved
    assert site.dbt_project() == folder
    checkout = site.SITE_DEFAULTS.parent
    own = {path.name for path in checkout.iterdir() if path.name[0] != "."}
    assert {path.name for path in folder.iterdir()} == own - {"target", "logs"}
    for path in folder.iterdir():
        assert (path.resolve() == checkout / path.name) == (path.name != "site"), path


def test_threshold_of_the_council_replaces_that_of_the_register(home: Path) -> None:
    (home / "site" / "rules.yml").write_text(
        "REC-03:\n  threshold: 0.25\n  because: The old system left keys blank.\n",
        encoding="utf-8",
    )
    plan("night-1", NIGHT, None, "test")
    changed = {
        rule.rule_id: (rule.threshold, rule.because)
        for rule, own in zip(rules(), with_thresholds(rules()), strict=True)
        if rule != own
        for rule in (own,)
    }
    assert changed == {"REC-03": (0.25, "The old system left keys blank.")}


def test_demonstrations_settings_are_those_of_the_suite() -> None:
    tables = read_site().tables
    assert {name for name, table in tables.items() if not table.is_default} == {
        path.stem for path in SETTINGS.glob("*.csv")
    }
