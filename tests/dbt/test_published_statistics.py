"""Files in, figures out: rates, comparisons and equity, by SQL of the test's own words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import published_statistics as files
import pytest
from published_statistics import built

from carepath.statistics import read_statistics
from carepath.statistics.data_sets import published_measures

pytestmark = pytest.mark.usefixtures("warehouse")


def figures(connection: psycopg.Connection[Any], code: str) -> Mapping[tuple[str, int], Any]:
    rows = connection.execute(
        "select area_code, year, published_value, symbol from core.fct_published_figures"
        " where figure_code = %s",
        (code,),
    ).fetchall()
    return {
        (area, year): symbol if value is None else float(value)
        for area, year, value, symbol in rows
    }


def test_figures_of_small_files_have_shares_rates_and_symbols(tmp_path: Path) -> None:
    paths = [files.referrals(tmp_path), files.children(tmp_path), files.neighbours(tmp_path)]
    with built(paths) as connection:
        shares = figures(connection, "rereferral_share")
        assert shares["E92000001", 2019] == 0.22
        assert shares["E09000004", 2019] == "c"
        rates = figures(connection, "referral_rate")
        # 31 March 2019: the children of mid-2018
        assert rates["E92000001", 2019] == round(1_000 / 42_018 * 10_000, 6)
        assert rates["E09000001", 2019] == 500.0
        assert rates["E09000002", 2019] == "no population"
        beside = connection.execute(
            "select neighbour_area_code from core.bridge_statistical_neighbour"
            " where area_code = 'E09000001' order by neighbour_rank"
        ).fetchall()
        assert [code for (code,) in beside] == list(files.AUTHORITIES)[1:11]


def test_figures_of_the_samples_are_those_of_the_files(shared_dir: Path) -> None:
    folder = shared_dir / "samples" / "dfe_statistics"
    paths = [path for path in sorted(folder.glob("*.csv")) if path.name != "dashboard_metrics.csv"]
    with built(paths) as connection:
        for measure in published_measures():
            found = figures(connection, measure.figure_code)
            assert found, measure.figure_code
            assert ("E92000001", 2024) in found, measure.figure_code
        # the files' own words, read again without Carepath's reader of figures
        (looked_after,) = read_statistics(folder / "cla_number_and_rate_per_10k_children.csv")
        at_date = "Children looked after on 31 March each year"
        own = {
            (row.area, row.period): row.cells["rate_per_10000"]
            for row in looked_after.rows
            if row.cells["population_type"] == at_date
        }
        rates = figures(connection, "cla_rate")
        assert len(own) == len(rates) == 835
        for place, text in own.items():
            assert rates[place] == (float(text) if text[0].isdigit() else text), place
        # where the Department gives numbers only: England's 632,830 referrals of 2025 among
        # the 12,183,016 children of mid-2024
        assert figures(connection, "referral_rate")["E92000001", 2025] == round(
            632_830 / 12_183_016 * 10_000, 6
        )
        ten = connection.execute(
            "select area_code, count(*) from core.bridge_statistical_neighbour group by 1"
        ).fetchall()
        assert len(ten) == 153
        assert {count for _, count in ten} == {10}
