"""The contract: complete against the published dataset, and refused when it contradicts itself."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from carepath.contract import load_contract
from carepath.contract.model import Contract, read_contract
from carepath.errors import SettingsError

CONTRACT = load_contract()
# The SSD's own bookkeeping, and what Mosaic's script keeps beside the contract's columns.
LEFT_OUT_TABLES = {"ssd_pre_cla_care_plan"}
MOSAIC_WORKING = {
    "workflow_step_id",
    "registration_id",
    "due_date",
    "actual_date",
    "review_outcome",
    "quorate",
    "review_participation",
    "previous_conference_workflow_step_id",
    "previous_conference_date",
    "previous_conference_type",
}

GOOD = """
table: ssd_thing
domain: things
natural_key: [thin_thing_id]
columns:
  - {name: thin_table_id, as: thing_row_id, type: row_id}
  - {name: thin_thing_id, type: id, required: true}
  - {name: thin_colour, type: code, code_list: colour, arrives_as: {default: description}}
  - {name: thin_size, type: number, range: [0, 10]}
  - {name: thin_name, type: text, personal: true, vendors: {mosaic: {name: name, type: int}}}
"""


def test_contract_covers_every_table_and_column_of_the_dataset(shared_dir: Path) -> None:
    wanted: dict[str, set[str]] = {}
    with (shared_dir / "reference" / "ssd_tables.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            if line["table"] not in LEFT_OUT_TABLES:
                wanted.setdefault(line["table"], set()).add(line["field"])
    declared = {
        table.name: {
            name
            for column in table.columns
            for name in (column.name, *(s.name for s in column.vendors.values()))
            if name
        }
        for table in CONTRACT.tables.values()
        if not table.local
    }
    assert set(declared) == set(wanted)
    missing = {name: wanted[name] - declared[name] for name in wanted}
    assert {name: fields for name, fields in missing.items() if fields} == {
        "ssd_cp_reviews": MOSAIC_WORKING
    }


def test_contract_holds_the_local_extensions() -> None:
    local = {t.name for t in CONTRACT.tables.values() if t.local}
    assert local == {
        "local_alliance_inventories",
        "local_area_postcodes",
        "local_carers",
        "local_case_status",
        "local_eet_status",
        "local_goals",
        "local_interviews",
        "local_panel_cases",
        "local_placement_costs",
        "local_practice_observations",
        "local_programme_costs",
        "local_programme_membership",
        "local_services_used",
    }
    # no source must have them: a council begins with what it has
    assert not any(t.required for t in CONTRACT.tables.values() if t.local)
    assert CONTRACT.tables["local_eet_status"].column_names == (
        "eets_person_id",
        "eets_status",
        "eets_recorded_date",
        "eets_recorded_by",
    )


def test_every_table_says_why_its_key_is_its_key() -> None:
    assert [t.name for t in CONTRACT.tables.values() if not (t.key_note and t.description)] == []


def test_names_and_birth_dates_are_marked_personal() -> None:
    person = CONTRACT.tables["ssd_person"]
    marked = {column.name for column in person.columns if column.personal}
    assert {"pers_forename", "pers_surname", "pers_dob", "pers_upn"} <= marked
    assert "pers_person_id" not in marked  # the case id is pseudonymous


def test_by_entity_finds_the_table() -> None:
    assert CONTRACT.by_entity("care_leavers").name == "ssd_care_leavers"
    assert CONTRACT.by_entity("care_leavers").person_column == "clea_person_id"


@pytest.mark.parametrize(
    ("vendor", "form"),
    [("liquidlogic", "description"), ("mosaic", "code"), (None, "code")],
)
def test_arrival_of_activity_differs_by_vendor(vendor: str | None, form: str) -> None:
    activity = CONTRACT.tables["ssd_care_leavers"].column("clea_care_leaver_activity")
    assert activity.arrival(vendor) == form


def read(folder: Path, text: str, name: str = "ssd_thing") -> Contract:
    (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    return read_contract(folder, code_lists=frozenset({"colour"}))


def test_read_contract_takes_defaults_from_names(tmp_path: Path) -> None:
    table = read(tmp_path, GOOD).tables["ssd_thing"]
    assert (table.entity, table.required, table.versions) == ("thing", False, False)
    assert [column.as_name for column in table.columns] == [
        "thing_row_id",
        "thing_id",
        "colour",
        "size",
        "name",
    ]
    assert table.column("thin_size").range == (0, 10)
    assert table.column("thin_name").spelling("mosaic").name == "name"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("type: id", "type: key", "unknown type key"),
        ("code_list: colour", "code_list: color", "There is an unknown code list color"),
        ("code_list: colour, ", "", "type code and code_list belong together"),
        ("[thin_thing_id]", "[thin_no]", "The key column thin_no is not declared"),
        ("[thin_thing_id]", "[thin_table_id]", "is a row id, which may change every night"),
        ("[thin_thing_id]", "[thin_name]", "is personal, but keys are kept in quality"),
        ("[thin_thing_id]", "[]", "There is no natural key"),
        ("as: thing_row_id", "as: thing_id", "The column thing_id is declared twice"),
        ("as: thing_row_id", "as: known_from", "known_from is a name that history adds itself"),
        ("mosaic: {name", "moisaic: {name", "vendors: There is an unknown entry moisaic"),
        ("default: description", "default: words", "arrives_as: There is an unknown default words"),
        (", range: [0, 10]", "", "Types integer and number have a range, others do not"),
        ("type: number", "type: text", "Types integer and number have a range, others do not"),
        ("[0, 10]", "[10, 0]", "The range is empty"),
        ("[0, 10]", "10", "range 10 is not a list"),
        ("[0, 10]", "[0, many]", "thin_size, range, entry 2: entry many cannot be used"),
        ("domain: things", "realm: things", "domain is missing"),
        ("personal: true", "private: true", "unknown entry private"),
        ("table: ssd_thing", "table: ssd_other", "The file declares ssd_other"),
    ],
)
def test_read_contract_contradiction_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in GOOD
    with pytest.raises(SettingsError, match=message) as caught:
        read(tmp_path, GOOD.replace(old, new))
    assert "ssd_thing.yml" in str(caught.value)


def test_read_contract_entity_declared_twice_is_refused(tmp_path: Path) -> None:
    read(tmp_path, GOOD)
    with pytest.raises(SettingsError, match="declares the entity thing twice"):
        read(tmp_path, GOOD.replace("ssd_thing", "local_thing"), name="local_thing")
