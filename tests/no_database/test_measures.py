"""What the KPI marts declare about their measures (config.meta.measures)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from carepath.errors import SettingsError
from carepath.measures import MARTS, read_measures

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def changed_mart(tmp_path: Path) -> Callable[[Change], Path]:
    """Two KPI marts, one of them with a change to config.meta."""

    def change(edit: Change) -> Path:
        for name in ("kpi_eet", "kpi_uasc"):
            shutil.copy(MARTS / "leaving_care" / f"{name}.yml", tmp_path)
        path = tmp_path / "kpi_uasc.yml"
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
        edit(declared["models"][0]["config"]["meta"])
        path.write_text(yaml.safe_dump(declared), encoding="utf-8")
        return tmp_path

    return change


def test_measures_of_every_kpi_mart_are_complete() -> None:
    found = read_measures()
    assert len(found) >= 48
    assert {measure.code for measure in found["kpi_eet"]} == {
        "care_leavers_eet",
        "care_leavers_neet",
    }
    assert found["kpi_change"] == ()
    said = [(each.title, each.differs or "") for several in found.values() for each in several]
    assert not [words for words in said if "\n" in "".join(words)]


def test_measures_unit_comes_from_the_statistic() -> None:
    (mean,) = read_measures()["kpi_services_used"]
    share = read_measures()["kpi_eet"][0]
    assert (mean.unit_in_words, share.unit_in_words) == ("services", "share")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda meta: meta.pop("measures"), "declares no measures"),
        (lambda meta: meta["measures"][0].pop("title"), "title"),
        (lambda meta: meta["measures"][0].update(code="UASC"), "code"),
        (lambda meta: meta["measures"][0].update(code="care_leavers_eet"), "kpi_eet uses too"),
        (lambda meta: meta["measures"][0].update(period="a while"), "not a period"),
        (lambda meta: meta["measures"][0].update(code="care_leavers_*"), "both end with"),
        (lambda meta: meta["measures"][0].update(statistic="mean"), "without a unit"),
        (lambda meta: meta["measures"][0].update(colour="red"), "colour"),
        (lambda meta: meta["measures"].append(meta["measures"][0]), "twice"),
        (lambda meta: meta.update(key=["authority", "measure"]), "its key is not"),
    ],
)
def test_measures_declared_wrongly_are_refused_with_the_reason(
    changed_mart: Callable[[Change], Path], edit: Change, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        read_measures(changed_mart(edit))
