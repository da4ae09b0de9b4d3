"""dbt's manifest: layers, grain, contracts, definitions and unit tests of the models."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from carepath.contract import load_contract
from carepath.documents.kpi_book import kpi_page, kpis
from carepath.domains import DOMAINS
from carepath.settings import get_settings
from carepath.warehouse.dbt import run_dbt

PROJECT = get_settings().project_root / "dbt_project"
# what a model of a layer may read
READS = {
    "staging": {"source"},
    # a view over staging for the gate, which core may read too
    "int": {"source", "staging"},
    "core": {"staging", "core", "seed"},
    "marts": {"core", "seed"},
}
# what compares the figures of KPI marts, or puts them into one shape, may read them, and nothing
# else of its own layer than the measures and the one shape
COMPARES_KPIS = {
    "dim_measure",
    "fct_kpi_member",
    "kpi",
    "kpi_change",
    "kpi_comparison",
    "kpi_rates",
    "kpi_targets",
}
ONE_SHAPE = {"model.carepath.dim_measure", "model.carepath.kpi"}
DIRECT_IDENTIFIERS = re.compile(
    r"(^|_)(person_id|forename|surname|name|birth_date|birth_month_date|dob|upn|nhs_number"
    r"|postcode|address|record_key)$"
)
NAMES_OF_NO_PERSON = {
    "area_name",
    "authority_name",
    "day_of_week_name",
    "list_name",
    "month_name",
    "region_name",
}
DEFINITION = {"title", "owner", "key", "numerator", "denominator", "left_out", "source"}

Node = Mapping[str, Any]


@pytest.fixture(scope="module")
def manifest(warehouse: None) -> dict[str, Any]:
    """What dbt understands of the project."""
    run_dbt(["parse"], layer="none")
    (path,) = (get_settings().home / "dbt_target").glob("dbt_project/plain/manifest.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def models(manifest: Mapping[str, Any], *layers: str) -> dict[str, Node]:
    return {
        node["name"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and (not layers or node["fqn"][1] in layers)
    }


def layer_of(manifest: Mapping[str, Any], unique_id: str) -> str:
    kind = unique_id.split(".")[0]
    return manifest["nodes"][unique_id]["fqn"][1] if kind == "model" else kind


def kind_of(name: str, node: Node) -> str:
    layer = str(node["fqn"][1])
    return "int" if name.startswith("int_") and layer == "staging" else layer


def crossings(manifest: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return model and what it reads, where its layer may not."""
    return {
        (name, parent)
        for name, node in models(manifest).items()
        for parent in node["depends_on"]["nodes"]
        if layer_of(manifest, parent) not in READS[kind_of(name, node)]
        and not (
            name in COMPARES_KPIS
            and (parent.startswith("model.carepath.kpi_") or parent in ONE_SHAPE)
        )
    }


def test_layers_each_model_reads_only_the_layer_below(manifest: dict[str, Any]) -> None:
    assert crossings(manifest) == set()


def test_layers_mart_that_reads_staging_is_found(manifest: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(manifest))
    node = changed["nodes"]["model.carepath.kpi_eet"]
    node["depends_on"]["nodes"].append("model.carepath.stg_eet_status")
    assert crossings(changed) == {("kpi_eet", "model.carepath.stg_eet_status")}


def test_layers_only_comparisons_read_kpi_marts_and_no_other_marts(
    manifest: dict[str, Any],
) -> None:
    changed = json.loads(json.dumps(manifest))
    for name, parent in (("kpi_eet", "kpi_uasc"), ("kpi_change", "marts_dim_date")):
        node = changed["nodes"][f"model.carepath.{name}"]
        node["depends_on"]["nodes"].append(f"model.carepath.{parent}")
    assert crossings(changed) == {
        ("kpi_eet", "model.carepath.kpi_uasc"),
        ("kpi_change", "model.carepath.marts_dim_date"),
    }


def undeclared_domains(manifest: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return layer and folder of models that are in no declared domain."""
    return {
        (node["fqn"][1], node["fqn"][2])
        for node in models(manifest).values()
        if len(node["fqn"]) != 4 or node["fqn"][2] not in DOMAINS
    }


def test_layers_folders_are_the_declared_domains(manifest: dict[str, Any]) -> None:
    assert undeclared_domains(manifest) == set()
    assert {table.domain for table in load_contract().tables.values()} <= set(DOMAINS)
    assert {node["fqn"][2] for node in models(manifest).values()} == set(DOMAINS)


def test_layers_folder_that_no_list_declares_is_found(manifest: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(manifest))
    changed["nodes"]["model.carepath.fct_care_periods"]["fqn"][2] = "care"
    assert undeclared_domains(changed) == {("core", "care")}


def test_models_first_line_and_description_state_the_grain(manifest: dict[str, Any]) -> None:
    def states_grain(node: Node) -> bool:
        first = node["raw_code"].splitlines()[0]
        return first.startswith("-- grain: one row per ") and bool(node["description"])

    assert [name for name, node in models(manifest).items() if not states_grain(node)] == []


def test_models_core_and_marts_describe_grain_first_and_every_column(
    manifest: dict[str, Any],
) -> None:
    for name, node in models(manifest, "core", "marts").items():
        grain = node["raw_code"].splitlines()[0].removeprefix("-- grain: ")
        assert node["description"].startswith(f"Grain: {grain}."), name
        undescribed = [c for c, column in node["columns"].items() if not column["description"]]
        assert undescribed == [], name


def test_columns_described_in_the_same_words_share_a_doc_block() -> None:
    written: list[str] = []
    for layer in ("core", "marts"):
        for path in (PROJECT / "models" / layer).rglob("*.yml"):
            declared = yaml.safe_load(path.read_text(encoding="utf-8"))
            for model in declared.get("models", ()):
                written += [" ".join(column["description"].split()) for column in model["columns"]]
    # two words are as short as the reference to them
    typed = [text for text in written if "doc(" not in text and len(text.split()) > 2]
    assert [text for text, times in Counter(typed).items() if times > 1] == []
    blocks = re.findall(r"doc\('(\w+)'\)", " ".join(written))
    assert [name for name, times in Counter(blocks).items() if times == 1] == []


def test_models_core_and_marts_enforce_their_contract_and_key(manifest: dict[str, Any]) -> None:
    for name, node in models(manifest, "core", "marts").items():
        assert node["contract"]["enforced"], name
        keys = [c["columns"] for c in node["constraints"] if c["type"] == "primary_key"]
        assert keys == [node["config"]["meta"]["key"]], name
        assert set(keys[0]) <= set(node["columns"]), name
        assert node["config"]["meta"]["owner"], name


def test_facts_and_marts_call_a_date_of_either_kind_as_at_date(manifest: dict[str, Any]) -> None:
    kinds = {"snapshot_date", "report_date"}
    with_a_kind = {
        name
        for name, node in models(manifest, "core", "marts").items()
        if kinds & set(node["columns"])
    }
    assert with_a_kind == {
        "dim_snapshot",
        "bridge_snapshot_load",
        "dim_report_date",
        "dim_unit_cost",
    }
    renamed = re.compile(r"report_date as snapshot_date|snapshot_date as report_date")
    assert [n for n, node in models(manifest).items() if renamed.search(node["raw_code"])] == []


def test_access_is_as_wide_as_the_layer_says(manifest: dict[str, Any]) -> None:
    access = {"staging": "private", "core": "protected", "marts": "public"}
    groups = {group["name"] for group in manifest["groups"].values() if group["owner"]["name"]}
    of_marts = {
        parent.split(".")[-1]
        for node in models(manifest, "marts").values()
        for parent in node["depends_on"]["nodes"]
    }
    for name, node in models(manifest).items():
        is_step_of_core = name.startswith("int_") and name not in of_marts
        assert node["access"] == ("private" if is_step_of_core else access[node["fqn"][1]]), name
        assert node["group"] in groups, name


def test_models_one_sql_and_one_yaml_of_the_same_stem(manifest: dict[str, Any]) -> None:
    for name, node in models(manifest, "core", "marts").items():
        sql = Path(node["original_file_path"])
        yaml = Path(node["patch_path"].removeprefix("carepath://"))
        assert sql.with_suffix(".yml") == yaml, name
        assert sql.stem == name


def test_marts_are_unlogged_tables_or_views_of_core_named_as_published(
    manifest: dict[str, Any],
) -> None:
    marts = models(manifest, "marts")
    assert all(node["config"]["unlogged"] for node in marts.values())
    # a copy of a table of core would cost every night what a view gives for nothing
    kinds = {name: node["config"]["materialized"] for name, node in marts.items()}
    assert {name for name, kind in kinds.items() if kind == "view"} == {
        name for name in marts if name.startswith("marts_")
    }
    assert set(kinds.values()) == {"view", "table"}
    assert {node["schema"] for node in marts.values()} == {"marts_build"}
    assert {node["alias"] for node in marts.values()} >= {
        "dim_authority",
        "dim_date",
        "fct_leaving_care_snapshot",
    }


def test_marts_and_core_hold_no_direct_identifier(manifest: dict[str, Any]) -> None:
    found = {
        (name, column)
        for name, node in models(manifest, "core", "marts").items()
        for column in node["columns"]
        if node["schema"] not in ("identity", "caseload")
        and DIRECT_IDENTIFIERS.search(column)
        and column not in NAMES_OF_NO_PERSON
    }
    # core knows the month of birth, for ages, and, like the marts, the names of teams
    assert found == {
        ("dim_young_person", "birth_month_date"),
        ("fct_motherhood", "first_child_birth_month_date"),
        ("dim_team", "team_name"),
        ("dim_team", "parent_team_name"),
        ("marts_dim_team", "team_name"),
        ("marts_dim_team", "parent_team_name"),
    }


def test_kpis_each_has_a_definition_and_a_unit_test_of_at_most_six_rows(
    manifest: dict[str, Any],
) -> None:
    tests: dict[str, list[Node]] = {}
    for test in manifest["unit_tests"].values():
        tests.setdefault(test["model"], []).append(test)
        for given in test["given"]:
            # neither rows that SQL makes (a key, a year of nights) nor a list of types
            if given["format"] != "sql" and "_type" not in given["input"]:
                assert len(given["rows"] or ()) <= 6, (test["name"], given["input"])
    names = {name for name in models(manifest, "marts") if name.startswith("kpi_")}
    assert len(names) >= 11
    for name in names:
        assert set(models(manifest)[name]["config"]["meta"]) >= DEFINITION, name
        assert name in tests, name


def declared_segments(node: Node) -> list[str]:
    """Return regular expressions of the segments that a KPI mart declares."""
    declared = node["config"]["meta"].get("segments", {})
    names = ["all", *(name for of_kind in declared.values() for name in of_kind)]
    return [re.sub(r"\\{.*?\\}", ".+", re.escape(name)) for name in names]


def undeclared_segments(manifest: Mapping[str, Any]) -> list[str]:
    """Return what to declare where: segments of KPI marts' unit tests that no YAML names."""
    marts = models(manifest, "marts")
    return [
        f"{test['model']}: declare the segment '{segment}' in config.meta.segments"
        for test in manifest["unit_tests"].values()
        if test["model"].startswith("kpi_") and test["model"] not in COMPARES_KPIS
        for segment in {row["segment"] for row in test["expect"]["rows"] if "segment" in row}
        if not any(re.fullmatch(name, segment) for name in declared_segments(marts[test["model"]]))
    ]


def test_kpis_declare_the_segments_of_their_unit_tests(manifest: dict[str, Any]) -> None:
    assert undeclared_segments(manifest) == []


def test_kpi_without_its_segments_is_told_what_to_declare(manifest: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(manifest))
    del changed["nodes"]["model.carepath.kpi_mothers"]["config"]["meta"]["segments"]
    assert undeclared_segments(changed) == [
        "kpi_mothers: declare the segment 'female' in config.meta.segments"
    ]


def test_patterns_of_segments_name_lists_that_there_are(manifest: dict[str, Any]) -> None:
    lists = set(
        re.findall(r"'([a-z ]+)' as list_name", models(manifest)["int_segment_members"]["raw_code"])
    )
    named = {
        found
        for node in models(manifest, "marts").values()
        for of_kind in node["config"]["meta"].get("segments", {}).values()
        for name in of_kind
        for found in re.findall(r"\{(.*?)\}", name)
    }
    assert named == lists


def test_kpis_are_all_in_the_exposure_of_power_bi(manifest: dict[str, Any]) -> None:
    (exposure,) = manifest["exposures"].values()
    shown = {unique_id.split(".")[-1] for unique_id in exposure["depends_on"]["nodes"]}
    assert shown == set(models(manifest, "marts"))


def test_kpi_page_is_up_to_date_and_names_every_kpi(manifest: dict[str, Any]) -> None:
    page = (get_settings().project_root / "docs" / "kpis.md").read_text(encoding="utf-8")
    assert page == kpi_page(), "run `carepath docs`"
    assert [kpi.name for kpi in kpis()] == sorted(
        name for name in models(manifest, "marts") if name.startswith("kpi_")
    )
