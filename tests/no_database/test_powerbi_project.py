"""The Power BI project: up to date, valid, complete, and every misspelling is found."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7
from typer.testing import CliRunner

from carepath.cli import app
from carepath.errors import SettingsError
from carepath.powerbi.catalogue import read_catalogue, read_figures
from carepath.powerbi.checking import check_project
from carepath.powerbi.project import (
    CHECKED_IN,
    MODEL,
    REPORT,
    project_files,
    stale_files,
    write_project,
)
from carepath.powerbi.sources import RELATIONSHIPS, SOURCES

SCHEMA_HOST = "https://developer.microsoft.com/json-schemas/"
MARTS = read_catalogue()
FILES = project_files(MARTS)
FIGURES = f"{MODEL}/definition/tables/Figures.tmdl"
VISUALS = [name for name in FILES if name.endswith("visual.json")]


def test_project_in_the_checkout_is_what_carepath_writes_now() -> None:
    assert stale_files(CHECKED_IN, FILES) == [], "Run `make docs`."


def test_project_written_again_is_the_same_and_leaves_out_old_files(tmp_path: Path) -> None:
    assert write_project(tmp_path, FILES) == sorted(FILES)
    left = tmp_path / MODEL / "definition" / "tables" / "Gone.tmdl"
    left.write_text("table Gone\n", encoding="utf-8")
    own = tmp_path / MODEL / ".pbi" / "localSettings.json"
    own.parent.mkdir()
    own.write_text("{}", encoding="utf-8")
    (tmp_path / "empty folder of the author").mkdir()
    assert write_project(tmp_path, project_files(MARTS)) == [f"{MODEL}/definition/tables/Gone.tmdl"]
    assert not left.exists()
    assert own.exists()
    assert (tmp_path / "empty folder of the author").exists()


def test_command_writes_the_project_or_says_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    asked = ["powerbi", str(folder), "--server", "warehouse.council.example:5432"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert f"{len(FILES)} of {len(FILES)} files written or removed." in done.output
    assert "Carepath.pbip" in done.output.replace("\n", "")
    text = (folder / MODEL / "definition" / "expressions.tmdl").read_text(encoding="utf-8")
    assert "warehouse.council.example:5432" in text
    assert "0 of" in CliRunner().invoke(app, asked).output

    (tmp_path / "file").write_text("", encoding="utf-8")
    refused = CliRunner().invoke(app, ["powerbi", str(tmp_path / "file")])
    assert isinstance(refused.exception, SettingsError)
    assert "name a folder that you may write" in str(refused.exception)


def test_server_and_database_become_parameters() -> None:
    files = project_files(MARTS, server="warehouse.council.gov.uk:5432", database="carepath")
    text = files[f"{MODEL}/definition/expressions.tmdl"]
    assert 'expression Server = "warehouse.council.gov.uk:5432" meta' in text
    assert 'expression Database = "carepath" meta' in text
    with pytest.raises(SettingsError, match="server is empty or has a character"):
        project_files(MARTS, server='host" meta')


def test_every_json_file_meets_the_schema_that_it_names(shared_dir: Path) -> None:
    schemas = shared_dir / "reference" / "powerbi_schemas"
    registry: Registry[Any] = Registry().with_resources(
        (
            SCHEMA_HOST + path.relative_to(schemas).as_posix(),
            Resource.from_contents(
                json.loads(path.read_text(encoding="utf-8")), default_specification=DRAFT7
            ),
        )
        for path in schemas.rglob("*.json")
    )
    checked = 0
    for name, text in FILES.items():
        if not text.startswith("{"):
            continue
        value = json.loads(text)
        schema = registry.contents(value["$schema"])
        errors = list(Draft7Validator(schema, registry=registry).iter_errors(value))
        assert not errors, (name, errors[0].message)
        checked += 1
    assert checked > len(VISUALS) + 9


def test_model_report_and_catalogue_agree() -> None:
    assert check_project(FILES, MARTS) == []


MISSPELT = {
    "a property of TMDL": (FIGURES, "\t\tdisplayFolder:", "\t\tdisplayFoldr:", "not a word of"),
    "a word of the top level": (FIGURES, "table 'Figures'", "tabel 'Figures'", "not a word of"),
    "a comment": (FIGURES, "table 'Figures'", "// note\ntable 'Figures'", "comment"),
    "spaces": (FIGURES, "\tlineageTag", "  lineageTag", "indents with spaces"),
    "a mart": (FIGURES, 'Item="kpi"', 'Item="kpl"', "marts does not have"),
    "a column that is read": (FIGURES, '"from_date", ', '"from_dat", ', "kpi.from_dat"),
    "the source of a column": (
        FIGURES,
        "sourceColumn: from_date",
        "sourceColumn: form_date",
        "kpi.form_date",
    ),
    "a type": (
        FIGURES,
        "column 'Numerator of the row'\n\t\tdataType: int64",
        "column 'Numerator of the row'\n\t\tdataType: string",
        "but kpi.numerator is int64",
    ),
    "a measure in DAX": (FIGURES, "[Sum of values]", "[Sum of value]", "[Sum of value]"),
    "a column in DAX": (FIGURES, "'Figures'[Is total]", "'Figures'[Is totl]", "[Is totl]"),
    "a table in DAX": (FIGURES, "ISFILTERED ( 'Segments'", "ISFILTERED ( 'Segment'", "'Segment'"),
    "a sorting column": (
        f"{MODEL}/definition/tables/Calendar.tmdl",
        "sortByColumn: 'Month number'",
        "sortByColumn: 'Month numbr'",
        "sorts by 'Month numbr'",
    ),
    "a relationship": (
        f"{MODEL}/definition/relationships.tmdl",
        "fromColumn: 'Figures'.'Measure code'",
        "fromColumn: 'Figures'.'Measure cod'",
        "does not exist",
    ),
    "a relationship of two types": (
        f"{MODEL}/definition/relationships.tmdl",
        "fromColumn: 'Figures'.'Measure code'",
        "fromColumn: 'Figures'.'As-at date'",
        "relates a dateTime to a string",
    ),
    "a table of the role": (
        f"{MODEL}/definition/roles/Own authority.tmdl",
        "tablePermission 'Teams'",
        "tablePermission 'Team'",
        "'Team' does not exist",
    ),
    "a table of the model": (
        f"{MODEL}/definition/model.tmdl",
        "ref table 'Months'",
        "ref table 'Month'",
        "which does not exist",
    ),
}


@pytest.mark.parametrize("what", MISSPELT)
def test_misspelling_is_found(what: str) -> None:
    path, right, wrong, sentence = MISSPELT[what]
    assert right in FILES[path]
    found = check_project({**FILES, path: FILES[path].replace(right, wrong, 1)}, MARTS)
    assert any(sentence in line for line in found), found


def test_misspelt_field_of_any_visual_or_filter_is_found() -> None:
    for path in VISUALS:
        for name in set(re.findall(r'"Property": "([^"]+)"', FILES[path])):
            text = FILES[path].replace(f'"Property": "{name}"', f'"Property": "{name}x"', 1)
            found = [line for line in check_project({**FILES, path: text}, MARTS) if path in line]
            assert len(found) == 1, (path, name)
            break


def test_every_figure_has_its_measure_with_numerator_and_denominator() -> None:
    from pbix_mcp.formats.tmdl_reader import parse_tmdl_folder

    model = parse_tmdl_folder(str(CHECKED_IN / MODEL / "definition"))
    (figures,) = (table for table in model["tables"] if table["name"] == "Figures")
    expressions = [measure["expression"] for measure in figures["measures"]]
    for row in read_figures():
        if row["measure_code"].endswith("*"):
            continue
        named = f"'Measures'[Measure code] = \"{row['measure_code']}\" )"
        parts = {
            expression.split("[", 1)[1].split("]", 1)[0]
            for expression in expressions
            if expression.endswith(named)
        }
        wanted = {"Value"}
        if row["statistic"] in ("share", "rate"):
            wanted |= {"Numerator", "Denominator"}
        assert wanted <= parts, row["measure_code"]


def test_another_reader_reads_the_model_as_it_is_meant() -> None:
    from pbix_mcp.formats.tmdl_reader import parse_tmdl_folder

    model = parse_tmdl_folder(str(CHECKED_IN / MODEL / "definition"))
    assert model["compatibility_level"] == 1601
    assert [one["name"] for one in model["expressions"]] == [
        "Server",
        "Database",
        "RangeStart",
        "RangeEnd",
        "ReaderList",
    ]
    assert len(model["relationships"]) == len(RELATIONSHIPS)
    tables = {table["name"]: table for table in model["tables"]}
    assert tables.keys() == {"Readers", *(source.name for source in SOURCES)}
    (date,) = (column for column in tables["Calendar"]["columns"] if column["is_key"])
    assert (date["name"], date["tmdl_data_type"]) == ("Date", "dateTime")
    for table in tables.values():
        (partition,) = table["partitions"]
        assert partition["kind"] == "m"
        if table["name"] != "Readers":
            assert "PostgreSQL.Database(Server, Database)" in partition["source"]
        for column in table["columns"]:
            assert column["summarize_by"] == 2, "a column that Power BI would add up by itself"
    keys = [one for one in tables["Figures"]["columns"] if not one["is_hidden"]]
    assert [one["name"] for one in keys] == ["From date", "Left out reason"]
    tags = re.findall(r"lineageTag: (\S+)", "".join(FILES.values()))
    assert len(tags) == len(set(tags))


def test_report_has_the_pages_in_order() -> None:
    pages = json.loads(FILES[f"{REPORT}/definition/pages/pages.json"])["pageOrder"]
    titles = [
        json.loads(FILES[f"{REPORT}/definition/pages/{page}/page.json"])["displayName"]
        for page in pages
    ]
    assert titles == [
        "Headlines",
        "Edge of care",
        "In care",
        "Leaving care",
        "Workforce and timeliness",
        "Journey",
        "Targets",
        "Data quality",
        "Due and overdue",
    ]


def test_visuals_of_a_page_do_not_cover_each_other() -> None:
    places: dict[str, list[tuple[str, dict[str, int]]]] = {}
    for name in VISUALS:
        visual = json.loads(FILES[name])
        places.setdefault(name.split("/")[3], []).append((name, visual["position"]))
    for found in places.values():
        for name, one in found:
            assert one["x"] + one["width"] <= 1280, name
            assert one["y"] + one["height"] <= 720, name
            for other_name, other in found:
                apart = (
                    one["x"] + one["width"] <= other["x"]
                    or other["x"] + other["width"] <= one["x"]
                    or one["y"] + one["height"] <= other["y"]
                    or other["y"] + other["height"] <= one["y"]
                )
                assert apart or name == other_name, (name, other_name)
