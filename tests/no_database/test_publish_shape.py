"""The list of marts from dbt's manifest, and which changes of shape a publication accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carepath.errors import PublicationError
from carepath.publish import MartTable, mart_tables
from carepath.publish.shape import Shape, added_columns, built_shape

COLUMNS = {"authority": "text", "measure": "text", "numerator": "bigint"}
KPI = Shape("kpi_eet", COLUMNS, ("authority", "measure"))


def write_manifest(folder: Path, *models: dict[str, Any]) -> Path:
    path = folder / "manifest.json"
    nodes = {f"model.carepath.{model['name']}": model for model in models}
    path.write_text(json.dumps({"nodes": nodes}))
    return path


def model(name: str, schema: str = "marts_build", **config: Any) -> dict[str, Any]:
    return {"resource_type": "model", "name": name, "schema": schema, "config": config}


def test_mart_tables_manifest_lists_models_of_marts_build_only(tmp_path: Path) -> None:
    manifest = write_manifest(
        tmp_path,
        model("kpi_eet", meta={"key": ["authority", "measure"]}),
        model("dim_date", meta={"key": ["date_key"]}),
        model("fct_episodes", schema="core", meta={"key": ["episode_key"]}),
    )
    assert mart_tables(manifest) == [
        MartTable("dim_date", ("date_key",)),
        MartTable("kpi_eet", ("authority", "measure")),
    ]


def test_mart_tables_mart_without_key_is_named(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path, model("kpi_eet", meta={}))
    with pytest.raises(PublicationError, match=r"kpi_eet: .*not declare a key.*meta"):
        mart_tables(manifest)


def test_mart_tables_manifest_missing_says_to_build(tmp_path: Path) -> None:
    with pytest.raises(PublicationError, match="build the marts first"):
        mart_tables(tmp_path / "manifest.json")


def test_mart_tables_no_mart_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PublicationError, match="has no model"):
        mart_tables(write_manifest(tmp_path, model("dim_team", schema="core")))


def test_built_shape_authority_leads_the_key() -> None:
    mart = MartTable("kpi_eet", ("measure",))
    assert built_shape(mart, KPI).key == ("authority", "measure")


def test_built_shape_table_not_built_is_named() -> None:
    with pytest.raises(PublicationError, match=r"marts_build\.kpi_eet"):
        built_shape(MartTable("kpi_eet", ("measure",)), None)


def test_built_shape_unknown_key_column_is_named() -> None:
    with pytest.raises(PublicationError, match="segment"):
        built_shape(MartTable("kpi_eet", ("measure", "segment")), KPI)


def test_added_columns_new_column_is_returned_with_its_type() -> None:
    wider = Shape("kpi_eet", {**COLUMNS, "share": "numeric(5,4)"}, KPI.key)
    assert added_columns(wider, KPI, "marts") == {"share": "numeric(5,4)"}
    assert added_columns(KPI, KPI, "marts") == {}


@pytest.mark.parametrize(
    ("columns", "key", "reason"),
    [
        ({"authority": "text", "measure": "text"}, KPI.key, "numerator is no longer built"),
        ({**COLUMNS, "numerator": "text"}, KPI.key, "numerator was bigint and is built as text"),
        (COLUMNS, ("authority",), "its key was"),
    ],
)
def test_added_columns_any_other_change_is_refused(
    columns: dict[str, str], key: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(PublicationError, match=reason) as caught:
        added_columns(Shape("kpi_eet", columns, key), KPI, "marts")
    assert "marts.kpi_eet" in str(caught.value)
    assert "migration" in str(caught.value)
