"""What is generated from the contract is what is in the tree."""

from __future__ import annotations

from pathlib import Path

from carepath.contract import load_contract
from carepath.contract.code_lists import load as load_code_lists
from carepath.documents import staging
from carepath.documents.data_contract import contract_page
from carepath.settings import PROJECT_ROOT


def test_staging_models_are_as_generated() -> None:
    assert staging.stale(load_contract(), load_code_lists()) == []


def test_contract_page_is_as_generated() -> None:
    assert (PROJECT_ROOT / "docs" / "data_contract.md").read_text(
        encoding="utf-8"
    ) == contract_page()


def test_stale_names_edited_missing_and_left_over_files(tmp_path: Path) -> None:
    contract, code_lists = load_contract(), load_code_lists()
    staging.write(contract, code_lists, tmp_path)
    assert staging.stale(contract, code_lists, tmp_path) == []
    models = tmp_path / "models" / "staging"
    (models / "leaving_care" / "stg_care_leavers.sql").write_text("select 1\n", encoding="utf-8")
    (models / "workforce" / "stg_department.yml").unlink()
    (models / "workforce" / "stg_old.sql").write_text(f"-- by {staging.COMMAND}\n", "utf-8")
    (models / "workforce" / "stg_by_hand.sql").write_text("-- by hand\n", encoding="utf-8")
    assert staging.stale(contract, code_lists, tmp_path) == [
        "models/staging/leaving_care/stg_care_leavers.sql",
        "models/staging/workforce/stg_department.yml",
        "models/staging/workforce/stg_old.sql",
    ]
    staging.write(contract, code_lists, tmp_path)
    assert staging.stale(contract, code_lists, tmp_path) == []
    assert not (models / "workforce" / "stg_old.sql").exists()
    assert (models / "workforce" / "stg_by_hand.sql").exists()


def test_staging_sql_keeps_the_line_length() -> None:
    texts = staging.files(load_contract(), load_code_lists())
    models = {path: text for path, text in texts.items() if path.parts[0] == "models"}
    long = [
        p for p, t in models.items() if p.suffix == ".sql" for x in t.splitlines() if len(x) > 88
    ]
    assert long == []


def test_page_shows_key_vendor_and_years() -> None:
    page = contract_page()
    assert "Key: `clea_person_id`." in page
    assert "mosaic: `cin_plan_id`" in page
    assert "| F3 | Full time in training or employment | to 2021 |" in page
