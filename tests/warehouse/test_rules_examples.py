"""Contradictions written into a recording system are found on the next night, each by its rule."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Mapping

import pytest
from whole_recording_system import WholeRecordingSystem

from carepath.contract.model import load_contract
from carepath.landing import load_source
from carepath.quality.records.gate import run_gate
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt

AUTHORITY = "E09900778"
NIGHT = dt.date(2019, 6, 30)
NUMBERS = (1, 2, 3)

# A child of 13 and a young person of 19, when nothing else is said.
CHILD = {"pers_dob": "2006-01-01", "pers_sex": "F", "pers_ethnicity": "BAFR"}
ADULT = CHILD | {"pers_dob": "2000-01-01"}
CARE = {"clae_cla_episode_start_date": "2018-01-04", "clae_cla_episode_start_reason": "S"}
LEAVER = {"clea_care_leaver_eligibility": "Former Relevant", "clea_care_leaver_in_touch": "YES"}

Records = Mapping[str, Mapping[str, str]]

# What is written for one person, by table, and the rule that finds it. {n} is the person's number.
EXAMPLES: Mapping[str, tuple[str, Records]] = {
    "a child protection plan opened while looked after": ("BOTH-04", {
        "ssd_person": CHILD, "ssd_cla_episodes": CARE,
        "ssd_cp_plans": {"cppl_cp_plan_id": "{n}", "cppl_cp_plan_start_date": "2018-05-01"},
    }),
    "an open episode without a placement": (
        "NEED-21", {"ssd_person": CHILD, "ssd_cla_episodes": CARE},
    ),
    "a care leaver aged 30": (
        "AGE-03", {"ssd_person": ADULT | {"pers_dob": "1989-01-01"}, "ssd_care_leavers": LEAVER},
    ),
    "former relevant at 16": (
        "AGE-04", {"ssd_person": ADULT | {"pers_dob": "2003-01-01"}, "ssd_care_leavers": LEAVER},
    ),
    "still looked after at 25": (
        "AGE-08", {"ssd_person": ADULT | {"pers_dob": "1994-01-01"}, "ssd_cla_episodes": CARE},
    ),
    "higher education at 15": ("AGE-07", {
        "ssd_person": ADULT | {"pers_dob": "2004-01-01"},
        "ssd_care_leavers": LEAVER | {"clea_care_leaver_activity": "F1"},
    }),
    "parenting without a child": ("LINK-01", {
        "ssd_person": ADULT,
        "ssd_care_leavers": LEAVER | {"clea_care_leaver_activity": "G6"},
    }),
    "an unaccompanied child of White British ethnicity": ("LINK-04", {
        "ssd_person": CHILD | {"pers_ethnicity": "WBRI"},
        "ssd_immigration_status": {
            "immi_immigration_status": "UASC",
            "immi_immigration_status_start_date": "2018-01-01",
        },
    }),
    "born two years after the first contact": ("LIFE-02", {
        "ssd_person": CHILD,
        "ssd_contacts": {"cont_contact_id": "{n}", "cont_contact_date": "2004-01-01"},
    }),
    "two social workers at once": ("BOTH-05", {
        "ssd_person": CHILD,
        "ssd_involvements": {
            "invo_professional_id": "W1", "invo_professional_role_id": "Social Worker",
            "invo_involvement_start_date": "2018-01-01",
        },
        "ssd_involvements ": {
            "invo_professional_id": "W2", "invo_professional_role_id": "Social Worker",
            "invo_involvement_start_date": "2018-02-01",
        },
    }),
    "a missing episode of five years": ("LONG-01", {
        "ssd_person": CHILD,
        "ssd_missing": {"miss_missing_episode_start_date": "2014-06-01"},
    }),
    "a referral dated 2091": ("CAL-01", {
        "ssd_person": CHILD,
        "ssd_cin_episodes": {"cine_referral_id": "{n}", "cine_referral_date": "2091-01-01"},
    }),
    "open and in touch after a death": ("LIFE-05", {
        "ssd_person": ADULT | {"pers_death_date": "2018-03-01"}, "ssd_care_leavers": LEAVER,
    }),
    "a visit after a death": ("LIFE-03", {
        "ssd_person": CHILD | {"pers_death_date": "2018-03-01"},
        "ssd_cin_visits": {"cinv_cin_visit_id": "{n}", "cinv_cin_visit_date": "2019-05-01"},
    }),
    "a child protection plan without a conference": ("NEED-23", {
        "ssd_person": CHILD,
        "ssd_cp_plans": {"cppl_cp_plan_id": "{n}", "cppl_cp_plan_start_date": "2018-05-01"},
    }),
    "a closed case with an open plan": ("BOTH-08", {
        "ssd_person": CHILD,
        "local_case_status": {"cass_case_status": "closed"},
        "ssd_cin_plans": {"cinp_cin_plan_id": "{n}", "cinp_cin_plan_start_date": "2018-05-01"},
    }),
    "an EET status of two years ago": ("STALE-01", {
        "ssd_person": ADULT, "ssd_care_leavers": LEAVER,
        "local_eet_status": {"eets_status": "EET", "eets_recorded_date": "2017-06-01"},
    }),
    "a conviction at 8": ("AGE-09", {
        "ssd_person": CHILD,
        "ssd_cla_convictions": {
            "clac_cla_conviction_id": "{n}", "clac_cla_conviction_date": "2014-06-01",
        },
    }),
    "a visit under an unknown plan": ("NEED-03", {
        "ssd_person": CHILD,
        "ssd_cp_visits": {
            "cppv_cp_visit_id": "{n}", "cppv_cp_plan_id": "X{n}",
            "cppv_cp_visit_date": "2019-05-01",
        },
    }),
    "the same person twice": ("TWIN-01", {
        "ssd_person": CHILD | {"pers_upn": "A123456789012"},
    }),
}  # fmt: skip
# delivered without a record, because rules need the tables
DELIVERED = ("ssd_cla_placement", "ssd_mother", "ssd_initial_cp_conference", "ssd_professionals")


@pytest.fixture(scope="module")
def found(warehouse: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Write all examples, load and judge them; the people that each rule finds."""
    system = WholeRecordingSystem(tmp_path_factory.mktemp("source") / "source.db", AUTHORITY)
    with sqlite3.connect(system.path) as connection:
        for number, (_, records) in enumerate(EXAMPLES.values()):
            for n in NUMBERS:
                for table, fields in records.items():
                    _write(connection, table.strip(), f"X{number}-{n}", fields)
        for table in DELIVERED:
            _make(connection, table)
    with connect("carepath_loader", autocommit=True) as loader:
        loader.execute("insert into ops.runs (run_id, night) values ('run', %s)", (NIGHT,))
    load_id = load_source("run", system.spec, NIGHT).load_id
    run_dbt(["seed", "--select", "code_lists"], layer="staging", run_id="run")
    run_dbt(["run", "--select", "path:models/staging"], layer="staging", run_id="run")
    decision = run_gate("run", load_id)
    with connect("carepath_steward") as steward:
        rows = steward.execute(
            "select rule_id, person_id from quality.failing_keys where gate_run_id = %s",
            (decision.gate_run_id,),
        ).fetchall()
    people: dict[str, set[str]] = {}
    for rule_id, person in rows:
        people.setdefault(rule_id, set()).add(person)
    return people


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_is_found_by_its_rule(found: dict[str, set[str]], example: str) -> None:
    number = list(EXAMPLES).index(example)
    rule_id, _ = EXAMPLES[example]
    assert {f"X{number}-{n}" for n in NUMBERS} <= found.get(rule_id, set())


def test_sound_records_are_not_found(found: dict[str, set[str]]) -> None:
    rule_ids = {rule_id for rule_id, _ in EXAMPLES.values()}
    sound = {f"P{n}" for n in range(1, 9)}
    assert {r: found.get(r, set()) & sound for r in rule_ids} == {r: set() for r in rule_ids}


def _make(connection: sqlite3.Connection, table: str) -> None:
    columns = ", ".join(column.name for column in load_contract().tables[table].columns)
    connection.execute(f"create table if not exists {table} ({columns})")


def _write(
    connection: sqlite3.Connection, table: str, person: str, fields: Mapping[str, str]
) -> None:
    _make(connection, table)
    column = load_contract().tables[table].person_column
    row = {name: value.replace("{n}", person) for name, value in fields.items()}
    row[str(column)] = person
    places = ", ".join("?" for _ in row)
    connection.execute(
        f"insert into {table} ({', '.join(row)}) values ({places})", list(row.values())
    )
