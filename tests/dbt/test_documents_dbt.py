"""Generated files that dbt has a part in: its pictures, and staging models of a new table."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from carepath.contract import load_contract
from carepath.documents import generated
from carepath.lineage import reading as lineage
from carepath.settings import PROJECT_ROOT
from carepath.warehouse.dbt import ASKS_THE_CATALOGUE, read_manifest

NEW_TABLE = """\
table: local_mentors
entity: mentors
domain: leaving_care
description: A mentor of a care leaver.
required: false
natural_key: [ment_id]
key_note: A mentor has one number.
columns:
  - name: ment_id
    as: mentor_id
    type: id
    description: Id of the mentor
"""


def test_generated_files_are_up_to_date() -> None:
    assert generated.stale() == []


def test_every_column_that_a_mart_comes_from_exists() -> None:
    nodes = read_manifest()["nodes"].values()
    in_core = {
        f"{node['schema']}.{node['alias']}.{column}"
        for node in nodes
        for column in node["columns"]
        if node["resource_type"] == "model"
    }
    delivered = {
        f"{table.name}.{column}"
        for table in load_contract().tables.values()
        for column in table.column_names
    }
    marts = [node for node in nodes if lineage.kind_of(node) == lineage.MART]
    assert len(marts) > 100
    for mart in marts:
        columns = lineage.read_columns(mart["alias"])
        assert list(columns) == list(mart["columns"])
        for name, column in columns.items():
            assert set(column.core) <= in_core, (mart["alias"], name)
            assert set(column.delivered) <= delivered, (mart["alias"], name)
            assert column.is_followed == (mart["alias"] != ASKS_THE_CATALOGUE)


def test_new_contract_table_gets_its_page_and_staging_model_in_one_go(tmp_path: Path) -> None:
    """Core reads the new staging model already, so dbt cannot parse the project before."""
    for folder in ("plugins", "expectations", "dbt_project", "docs", "powerbi"):
        shutil.copytree(
            PROJECT_ROOT / folder,
            tmp_path / folder,
            ignore=shutil.ignore_patterns("__pycache__", "target", "logs"),
        )
    tables = tmp_path / "plugins" / "carepath" / "contract" / "tables"
    (tables / "local_mentors.yml").write_text(NEW_TABLE, encoding="utf-8")
    core = tmp_path / "dbt_project" / "models" / "core" / "leaving_care" / "int_mentors.sql"
    core.write_text("select mentor_id from {{ ref('stg_mentors') }}\n", encoding="utf-8")

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from carepath.documents import generated\n"
            "print(generated.stale(), generated.write(), generated.stale(), sep='\\n')",
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": f"{tmp_path / 'plugins'}:{tmp_path}",
            "CAREPATH_HOME": str(tmp_path / "home"),
        },
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    before, written, after = done.stdout.splitlines()[-3:]
    assert "'dbt_project/models/staging/leaving_care/stg_mentors.sql'" in before
    assert "'docs/data_contract.md'" in written
    assert after == "[]"
    assert "stg_mentors" in (tmp_path / "docs" / "data_contract.md").read_text(encoding="utf-8")
