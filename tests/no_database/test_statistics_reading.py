"""Files of published statistics: recognised by their columns, and read whole or refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import published_statistics as files
import pytest

from carepath.documents.kpi_book import compared_measures, rates_of_counts
from carepath.errors import StatisticsError
from carepath.measures import MARTS, read_measures
from carepath.statistics import Statistics, read_statistics
from carepath.statistics.data_sets import counts_of_rates, published_measures


def only(path: Path) -> Statistics:
    (found,) = read_statistics(path)
    return found


def test_department_file_keeps_numbers_and_symbols_as_they_are(tmp_path: Path) -> None:
    found = only(files.referrals(tmp_path, "any name.csv"))
    assert (found.data_set, found.row_count, found.periods) == ("referrals", 14, [2019])
    by_area = {row.area: row.cells for row in found.rows}
    # a thousands separator goes; a symbol is no number and stays
    assert by_area["E92000001"]["referral_count"] == "1000"
    assert by_area["E09000004"]["rereferral_percent"] == "c"
    assert {(a.code, a.level, a.old_code, a.region_code) for a in found.areas} >= {
        ("E92000001", "National", None, None),
        ("E12000007", "Regional", None, None),
        ("E09000004", "Local authority", "304", "E12000007"),
    }


def test_department_period_of_six_digits_is_the_year_in_which_it_ends(tmp_path: Path) -> None:
    path = files.referrals(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace("\n2019,", "\n201819,"), "utf-8")
    assert only(path).periods == [2019]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("E09000003,", "E19000003,", r"line 6, column new_la_code: 'E19000003' is not an auth"),
        (",13,13,", ",13,s13,", r"line 6, column rereferral_percent: 's13' is neither a number"),
        ("2019,Reporting year,Regional", "2018-19,Reporting year,Regional",
         r"line 3, column time_period: '2018-19' is not a year"),
        ("Regional", "School", r"line 3, column geographic_level: 'School' is not National"),
        ("E12000007,London,,,", "E1200000,London,,,", r"line 3, column region_code"),
        (",303,E09000003", ",302,E09000002", r"line 6, column time_period: Line 5 has the same"),
        (",8,150,30", ",8,150", r"line 3, column not_in_need_percent: The line has 17 cells"),
    ],
)  # fmt: skip
def test_department_file_that_is_not_understood_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = files.referrals(tmp_path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StatisticsError, match=message) as refused:
        read_statistics(path)
    assert "c1.csv" in str(refused.value)
    assert "Nothing was changed." in str(refused.value)


def test_department_row_that_two_authorities_share_is_left_out_and_named(tmp_path: Path) -> None:
    path = files.referrals(tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(",E09000003,", ",E09000021 / E0900002,"), encoding="utf-8")
    found = only(path)
    assert (found.row_count, found.left_out) == (
        13, "rows that two authorities share: Authority 303.",
    )  # fmt: skip


def test_two_data_sets_with_the_same_columns_are_told_apart_by_their_values(
    tmp_path: Path,
) -> None:
    columns = f"{files.PLACE},care_leaver_age,breakdown,care_leaver_count,care_leaver_percent"
    found = only(
        files.lay(
            tmp_path, "x.csv", columns,
            [
                f"2019,Reporting year,{files.ENGLAND},17 to 18 years,{breakdown},90,9"
                for breakdown in ("Accommodation considered suitable", "No information")
            ],
        )
    )  # fmt: skip
    # the line that no figure is on is not kept
    assert (found.data_set, found.row_count) == ("care leavers' accommodation", 1)


def test_population_of_children_without_a_number_is_not_kept(tmp_path: Path) -> None:
    found = only(files.children(tmp_path))
    assert found.data_set == "population aged 0 to 17"
    assert {(p.year, p.area, p.people) for p in found.populations} == {
        (2017, "E92000001", 42_017), (2018, "E92000001", 42_018),
        (2017, "E09000001", 2_000), (2018, "E09000001", 2_000),
    }  # fmt: skip


def test_population_by_age_adds_ages_up_to_17_only(tmp_path: Path) -> None:
    found = only(files.by_age(tmp_path))
    people = {(p.sex, p.age_from, p.age_to): p.people for p in found.populations}
    assert people["all", 0, 17] == 18 * 3_000
    assert people["F", 0, 17] == 18 * 1_000
    assert people["M", 16, 17] == 2 * 2_000
    assert found.left_out == "1 areas that are districts or are outside England."


def test_population_by_age_without_one_age_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StatisticsError, match="E09000001 has only 17 of the ages 0 to 17"):
        read_statistics(files.by_age(tmp_path, missing_age=3))


def test_population_by_ethnic_group_counts_children_in_broad_groups(tmp_path: Path) -> None:
    found = only(files.by_ethnic_group(tmp_path))
    assert {(p.ethnic_group, p.age_to, p.people) for p in found.populations} == {
        ("White British", 17, 1_000), ("White other", 17, 120), ("Other", 17, 30),
    }  # fmt: skip


def test_population_of_a_band_that_is_partly_over_17_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StatisticsError, match="'Aged 15 to 19 years' is partly over 17"):
        read_statistics(files.by_ethnic_group(tmp_path, age="Aged 15 to 19 years"))


def test_neighbours_are_ten_different_authorities(tmp_path: Path) -> None:
    found = only(files.neighbours(tmp_path))
    assert [n.neighbour_old_code for n in found.neighbours] == [
        "302", "303", "304", "305", "306", "307", "308", "309", "310", "311",
    ]  # fmt: skip
    path = files.neighbours(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace("303,Close", "302,Close"), "utf-8")
    with pytest.raises(StatisticsError, match="column SN_2: 302 is named twice"):
        read_statistics(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p.write_text("a,b\n1,2\n"), "Carepath does not know these columns: a, b"),
        (lambda p: p.write_bytes(b"PK\x03\x04\x00\x00"), "is not a CSV file"),
        (lambda p: p.write_text("a,a\n1,2\n"), "Two columns have this name"),
        (lambda p: p.write_text("time_period,geographic_level\n"), "has no rows"),
        (lambda p: None, "cannot be read"),
    ],
)
def test_other_files_are_refused_with_what_to_do(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    path = tmp_path / "other.csv"
    make(path)
    with pytest.raises(StatisticsError, match=message) as refused:
        read_statistics(path)
    assert "What to do" in str(refused.value) or "Nothing was changed" in str(refused.value)


# what joins own and published figures


def copy_of(marts: Path, names: tuple[str, ...]) -> Path:
    """The YAML of some KPI marts, to change."""
    marts.mkdir()
    for name in names:
        (path,) = MARTS.rglob(f"{name}.yml")
        shutil.copy(path, marts)
    return marts


def test_measure_without_a_matching_official_code_is_not_compared(tmp_path: Path) -> None:
    marts = copy_of(tmp_path / "marts", ("kpi_referrals", "kpi_rates"))
    compared = {each["code"] for each in compared_measures(marts)}
    assert {"rereferrals_12_months", "referrals_no_further_action"} <= compared
    path = marts / "kpi_referrals.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[CSCD 2, LAIT 271, CIN C1]", "[CIN C1]"), encoding="utf-8")
    read_measures.cache_clear()
    assert {each["code"] for each in compared_measures(marts)} == (
        compared - {"rereferrals_12_months"}
    )
    path.write_text(text.replace("[LAIT 305, CIN C1]", "[CIN C1]"), encoding="utf-8")
    read_measures.cache_clear()
    assert rates_of_counts(marts) == []


def test_measure_of_another_statistic_is_not_compared(tmp_path: Path) -> None:
    marts = copy_of(tmp_path / "marts", ("kpi_referrals",))
    path = marts / "kpi_referrals.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("statistic: share", "statistic: count"), encoding="utf-8")
    read_measures.cache_clear()
    assert compared_measures(marts) == []


def test_each_published_figure_is_beside_one_measure_in_its_own_segment() -> None:
    compared = compared_measures()
    assert len({each["figure_code"] for each in compared}) == len(compared)
    beside = {each["figure_code"]: (each["code"], each["segment"]) for each in compared}
    # one code, two age bands: the whole cohort is beside neither figure
    assert beside["leavers_eet_17_18_share"] == ("care_leavers_17_21_eet", "aged 17 to 18")
    assert beside["leavers_eet_19_21_share"] == ("care_leavers_17_21_eet", "aged 19 to 21")
    assert beside["referral_rate"] == ("referral_rate", "all")


def test_each_rate_divides_one_count_and_is_declared() -> None:
    declared = {measure.code for measure in read_measures()["kpi_rates"]}
    named = [rate for rate, _, _ in counts_of_rates()]
    assert sorted(named) == sorted(declared)
    rates = {each["rate"]: each["code"] for each in rates_of_counts()}
    assert rates["referrals per 10,000"] == "referrals_12_months"
    assert rates["looked after per 10,000"] == "children_looked_after"


def test_samples_of_the_department_are_read_whole(shared_dir: Path) -> None:
    found = {
        statistics.data_set: statistics
        for path in sorted((shared_dir / "samples" / "dfe_statistics").glob("*.csv"))
        if path.name != "dashboard_metrics.csv"
        for statistics in read_statistics(path)
    }
    assert {name: each.row_count for name, each in found.items()} == {
        "children in need": 2132, "referrals": 2132, "repeat child protection plans": 2132,
        "duration of child protection plans": 2132, "looked-after children": 2505,
        "placement stability": 2505, "social worker stability": 165,
        "care leavers' activity": 2505, "care leavers' accommodation": 1670,
        "social work workforce": 1449, "population aged 0 to 17": 2111,
        "population by ethnic group": 918, "statistical neighbours": 1530,
    }  # fmt: skip
    # each figure of the list is in a file, so no line of the list is about a column that is not
    assert {measure.data_set for measure in published_measures()} <= set(found)
