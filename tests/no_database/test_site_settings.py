"""A council's own settings: what they may contain, and the messages about anything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carepath.contract.code_lists import read_programmes
from carepath.demonstration.settings import SETTINGS, lay_settings
from carepath.doctor import listed_sources
from carepath.documents import staging
from carepath.errors import SettingsError
from carepath.settings import get_settings
from carepath.site import FILES, SITE_DEFAULTS, read_site
from carepath.site.reading import Site
from carepath.site.starter import described, write_starters
from carepath.sources import read_sources

TARGET = (
    "E09000001,eet,leaving care,young people in EET,increase,15,2017-11-30,2019-10-31,"
    "the share of open cases,care_leavers_eet,open_cases,share,Cabinet paper"
)
HEADER = ",".join(FILES["targets"].columns)


def read(folder: Path, **files: str) -> Site:
    for name, text in files.items():
        (folder / name.replace("_yml", ".yml")).with_suffix(
            ".yml" if name.endswith("_yml") else ".csv"
        ).write_text(text, encoding="utf-8")
    return read_site(folder)


def complaint(folder: Path, **files: str) -> str:
    (problem,) = read(folder, **files).problems
    return str(problem)


def changed(column: str, value: str) -> str:
    cells = dict(zip(FILES["targets"].columns, TARGET.split(","), strict=True))
    return f"# ours\n{HEADER}\n{','.join((cells | {column: value}).values())}\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(get_settings(), "home", tmp_path)
    return tmp_path


def test_defaults_are_valid_and_described_column_by_column(tmp_path: Path) -> None:
    site = read_site(tmp_path)
    assert site.problems == ()
    assert all(table.is_default for table in site.tables.values())
    assert {path.stem for path in SITE_DEFAULTS.glob("*.csv")} == set(FILES)
    for name, file in FILES.items():
        columns = [column["name"] for column in described(name)["columns"]]
        assert columns == list(file.columns), name


def test_own_file_takes_the_place_of_the_default_as_a_whole(tmp_path: Path) -> None:
    site = read(tmp_path, unit_costs=f"{','.join(FILES['unit_costs'].columns)}\n")
    assert site.require_valid().tables["unit_costs"].rows == ()
    assert not site.tables["unit_costs"].is_default
    assert site.tables["timescales"].is_default


def test_spreadsheet_file_is_understood(tmp_path: Path) -> None:
    text = (
        "\ufeff" + f'"# ours, ""2019""",,\r\n{HEADER},,\r\n'
        f"{TARGET.replace('2017-11-30', '30/11/2017')},,\r\n,,,,,,,,,,,,,,,\r\n"
    )
    site = read(tmp_path, targets=text).require_valid()
    assert site.tables["targets"].text() == f"{HEADER}\n{TARGET}\n"


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("authority", "Havering", "'Havering' is not an ONS code such as E09000001"),
        ("direction", "fewer", "'fewer' is not one of: 'increase', 'decrease'"),
        ("target_change_percent", "-15", "An increase must be above 0"),
        ("target_change_percent", "many", "'many' is not a number"),
        ("baseline_date", "31/11/2017", "'31/11/2017' is not a date"),
        ("due_date", "2017-01-31", "It must be after baseline_date"),
        ("measure_code", "nonsense", "There is no measure with the code 'nonsense'"),
        ("segment_code", "open cases", "Write open_cases if you mean that"),
        ("statistic", "value", "The measure care_leavers_eet has no value. It has: count, share"),
        ("measure", "", "It is blank"),
    ],
)
def test_wrong_cell_is_named_by_file_row_and_column(
    tmp_path: Path, column: str, value: str, words: str
) -> None:
    said = complaint(tmp_path, targets=changed(column, value))
    assert said.startswith(f"site/targets.csv, row 3, column {column}: ")
    assert words in said
    assert "What to do: " in said


def test_row_after_a_text_of_several_lines_keeps_its_number(tmp_path: Path) -> None:
    two = TARGET.replace("Cabinet paper", '"Cabinet\npaper"')
    said = complaint(tmp_path, targets=f"{HEADER}\n{two}\n{TARGET.replace('share,C', 'half,C')}\n")
    assert said.startswith("site/targets.csv, row 4, column statistic: ")


def test_unquoted_comma_is_explained(tmp_path: Path) -> None:
    said = complaint(tmp_path, targets=f"{HEADER}\n{TARGET}, 2017\n")
    assert "row 2: The row has 14 cells, but the header has 13" in said
    assert "double quotes" in said


def test_targets_by_labels_are_told_their_codes(tmp_path: Path) -> None:
    labels = HEADER.replace("measure_code,segment_code", "mart,measure_name,segment")
    by_label = TARGET.replace("care_leavers_eet,open_cases", "{}")
    rows = (
        by_label.format("kpi_eet,EET,open cases"),
        by_label.format("kpi_pathway_costs,fixed costs: legal & advice,all"),
        by_label.format("kpi_eet,a measure of our own,all"),
    )
    said = complaint(tmp_path, targets="\n".join([labels, *rows, ""]))
    assert said.startswith("site/targets.csv, row 1")
    assert "eet: care_leavers_eet,open_cases;" in said
    assert "eet: pathway_costs_fixed_legal_advice,all;" in said
    assert "eet: look up its codes in docs/kpis.md." in said


@pytest.mark.parametrize(
    ("files", "place", "words"),
    [
        ({"targets": f"{HEADER},colour\n"}, "targets.csv, row 1, column colour", "does not know"),
        ({"targets": "authority,target_code\n"}, "targets.csv, row 1", "The column is missing"),
        ({"targets": "# nothing\n"}, "targets.csv: The file has no header", "make the header"),
        (
            {"targets": f"{HEADER}\n{TARGET}\n{TARGET}\n"},
            "targets.csv, row 3, column target_code",
            "The row has the same authority, target_code as row 2",
        ),
        (
            {"first_report_dates": "authority,first_report_date\nE09000001,2015-09-30\n"},
            "first_report_dates.csv, column authority",
            "One row must have a blank authority",
        ),
        (
            {
                "timescales": "topic,plan_type_code,step,day_count,is_working_days,source\n"
                "visit,LAC,2,42,false,\n"
            },
            "timescales.csv, row 2, column step",
            "Step 1 of the same topic and plan type is missing",
        ),
        (
            {"cohort_groups": "authority,programme_code,cohort_group,cohort\n,XYZ,all,1\n"},
            "cohort_groups.csv, row 2, column programme_code",
            "'XYZ' is not in programmes.csv",
        ),
        (
            {
                "programmes": "programme_code,programme,other_spellings,programme_kind\n"
                "A,Families,,other\nB,Carers,families|x,other\n"
            },
            "programmes.csv, row 3, column other_spellings",
            "'families' already means A",
        ),
        ({"target": HEADER}, "site/target.csv", "rename it to targets.csv"),
        ({"rules_yml": "EET-99:\n  threshold: 0.1\n  because: x\n"}, "rule EET-99", "no rule"),
        ({"rules_yml": "REC-01:\n  threshold: 0.1\n  because: x\n"}, "rule REC-01", "critical"),
        ({"rules_yml": "REC-03:\n  threshold: 2\n  because: x\n"}, "rule REC-03", "is not allowed"),
        ({"rules_yml": "REC-03:\n  threshold: 0.1\n"}, "rule REC-03, because", "missing"),
        ({"rules_yml": "REC-03:\n  because: x\n"}, "rule REC-03", "neither threshold nor"),
        ({"rules_yml": "REC-03: [\n"}, "site/rules.yml, row 2", "cannot be read as YAML"),
    ],
)
def test_wrong_file_is_named_with_what_to_do(
    tmp_path: Path, files: dict[str, str], place: str, words: str
) -> None:
    said = complaint(tmp_path, **files)
    assert place in said
    assert words in said
    assert "What to do: " in said


def test_several_problems_are_counted_in_the_one_sentence(tmp_path: Path) -> None:
    site = read(tmp_path, targets=f"{HEADER}\n{TARGET.replace('share,C', 'half,C')}\n", other="a\n")
    with pytest.raises(SettingsError, match="`carepath site check` shows 1 more"):
        site.require_valid()


def test_threshold_of_a_warning_rule_is_read(tmp_path: Path) -> None:
    site = read(tmp_path, rules_yml="REC-03:\n  threshold: 0.2\n  because: old system\n")
    assert site.require_valid().thresholds["REC-03"].threshold == 0.2


def test_number_of_records_alone_is_read_and_keeps_the_share_of_the_register(
    tmp_path: Path,
) -> None:
    site = read(tmp_path, rules_yml="REC-03:\n  threshold_count: 20\n  because: old system\n")
    own = site.require_valid().thresholds["REC-03"]
    assert (own.threshold, own.threshold_count) == (None, 20)


def test_decisions_of_a_council_are_read(tmp_path: Path) -> None:
    text = (
        "one_person_decides: true\nbecause: One person.\n"
        "budgets:\n  kpi_eet:\n    share: 0.05\n    count: 5\n    because: We clean up.\n"
    )
    decisions = read(tmp_path, decisions_yml=text).require_valid().decisions
    assert decisions.one_person_decides
    assert (decisions.budget("kpi_eet").share, decisions.budget("kpi_eet").count) == (0.05, 5)
    assert (decisions.budget("kpi_mothers").share, decisions.budget("kpi_mothers").count) == (
        0.03, 3,
    )  # fmt: skip
    assert not read(tmp_path / "none").decisions.one_person_decides


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("one_person_decides: true\n", "why one person decides alone"),
        ("budgets:\n  kpi_none: {share: 0.1, count: 1, because: x}\n", "no KPI mart 'kpi_none'"),
        ("budgets:\n  kpi_eet: {share: 2, count: 1, because: x}\n", "budgets, kpi_eet, share"),
        ("one_person: true\n", "does not know it"),
        ("budgets: [\n", "cannot be read as YAML"),
    ],
)
def test_wrong_decisions_are_named(tmp_path: Path, text: str, words: str) -> None:
    said = complaint(tmp_path, decisions_yml=text)
    assert "site/decisions.yml" in said
    assert words in said
    assert "What to do: " in said


def test_starters_are_valid_and_change_nothing(home: Path) -> None:
    before = read_site(home / "site")
    written = write_starters(list(FILES))
    assert [path.stem for path in written] == list(FILES)
    after = read_site(home / "site").require_valid()
    for name, table in after.tables.items():
        assert table.text() == before.tables[name].text(), name
    assert {path.name for path in write_starters()} == {"sources.yml", "rules.yml"}
    assert read_site(home / "site").thresholds == {}
    assert read_sources() == []
    assert write_starters() == []
    with pytest.raises(SettingsError, match="There is no settings file target"):
        write_starters(["target"])


def test_list_of_sources_at_its_old_place_is_read_until_it_is_moved(home: Path) -> None:
    text = (
        "- {name: a, authority: E09000001, authority_name: A, url: 'postgresql://h/d', schema: s}\n"
    )
    (home / "sources.yml").write_text(text, encoding="utf-8")
    assert [spec.name for spec in read_sources()] == ["a"]
    found = listed_sources()
    assert found.well
    assert f"mv {home / 'sources.yml'} {home / 'site' / 'sources.yml'}" in found.text
    assert home / "site" / "sources.yml" not in write_starters()
    (home / "site").mkdir(exist_ok=True)
    (home / "site" / "sources.yml").write_text(text.replace("name: a,", "name: b,"))
    assert [spec.name for spec in read_sources()] == ["b"]
    assert not listed_sources().well


def test_demonstration_keeps_a_file_of_the_council(home: Path) -> None:
    (home / "site").mkdir()
    own = home / "site" / "targets.csv"
    own.write_text(f"{HEADER}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"targets\.csv"):
        lay_settings()
    assert own.read_text(encoding="utf-8") == f"{HEADER}\n"
    own.unlink()
    lay_settings()
    lay_settings()
    assert read_site(home / "site").problems == ()
    assert not any((SETTINGS / path.name).read_bytes() != path.read_bytes()
                   for path in (home / "site").iterdir())  # fmt: skip


def test_programmes_of_a_council_reach_staging_by_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "programmes.csv"
    path.write_text(
        "programme_code,programme,other_spellings,programme_kind\nNEW,New team,Team 9|T9,other\n",
        encoding="utf-8",
    )
    found = staging.site_environment([read_programmes(path)])
    spelled = json.loads(found["CAREPATH_PROGRAMME_CODE_LIST_SPELLINGS"])
    assert spelled == {"new": "NEW", "new team": "NEW", "team 9": "NEW", "t9": "NEW"}
