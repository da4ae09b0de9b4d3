"""Contradictions written into a recording system are found on the next night, each by its rule.

Records that differ from them in one thing are let pass by that rule.
"""

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
from expectations.kinds import KINDS
from expectations.register import rules

AUTHORITY = "E09900778"
NIGHT = dt.date(2019, 6, 30)
NUMBERS = (1, 2, 3)

# A child of 13 and a young person of 19, when nothing else is said.
CHILD = {"pers_dob": "2006-01-01", "pers_sex": "F", "pers_ethnicity": "BAFR"}
ADULT = CHILD | {"pers_dob": "2000-01-01"}
CARE = {"clae_cla_episode_start_date": "2018-01-04", "clae_cla_episode_start_reason": "S"}
PLACEMENT = {
    "clap_cla_placement_id": "{n}", "clap_cla_placement_start_date": "2018-01-04",
    "clap_cla_placement_type": "U1", "clap_cla_placement_postcode": "zz11aa",
}  # fmt: skip
HOME = {
    "addr_address_type": "Home", "addr_address_start_date": "2006-01-01",
    "addr_address_end_date": "2018-01-04", "addr_address_postcode": "ZZ1 1AA",
}  # fmt: skip
COST = {
    "lpco_placement_id": "{n}", "lpco_from_date": "2018-01-04", "lpco_weekly_cost": "40000",
}  # fmt: skip
LEAVER = {"clea_care_leaver_eligibility": "Former Relevant", "clea_care_leaver_in_touch": "YES"}

Records = Mapping[str, Mapping[str, str]]

# What is written for one person, by table; the rule that finds it; and what must be different for
# the rule to let it pass. {n} is the person's id.
EXAMPLES: Mapping[str, tuple[str, Records, Records]] = {
    "a child protection plan opened while looked after": ("BOTH-04", {
        "ssd_person": CHILD, "ssd_cla_episodes": CARE,
        "ssd_cp_plans": {"cppl_cp_plan_id": "{n}", "cppl_cp_plan_start_date": "2018-05-01"},
    }, {"ssd_cla_episodes": {"clae_cla_episode_ceased_date": "2018-05-01"}}),
    "an open episode without a placement": (
        "NEED-21", {"ssd_person": CHILD, "ssd_cla_episodes": CARE}, {
            "ssd_cla_placement": {
                "clap_cla_placement_id": "{n}", "clap_cla_placement_start_date": "2018-01-04",
            },
        },
    ),
    "a care leaver aged 30": (
        "AGE-03", {"ssd_person": ADULT | {"pers_dob": "1989-01-01"}, "ssd_care_leavers": LEAVER},
        {"ssd_person": {"pers_dob": "1993-07-01"}},
    ),
    "former relevant at 16": (
        "AGE-04", {"ssd_person": ADULT | {"pers_dob": "2003-01-01"}, "ssd_care_leavers": LEAVER},
        {"ssd_person": {"pers_dob": "2001-06-30"}},
    ),
    "still looked after at 25": (
        "AGE-08", {"ssd_person": ADULT | {"pers_dob": "1994-01-01"}, "ssd_cla_episodes": CARE},
        {"ssd_person": {"pers_dob": "2001-06-30"}},
    ),
    "higher education at 15": ("AGE-07", {
        "ssd_person": ADULT | {"pers_dob": "2004-01-01"},
        "ssd_care_leavers": LEAVER | {"clea_care_leaver_activity": "F1"},
    }, {"ssd_person": {"pers_dob": "2003-06-30"}}),
    "parenting without a child": ("LINK-01", {
        "ssd_person": ADULT,
        "ssd_care_leavers": LEAVER | {"clea_care_leaver_activity": "G6"},
    }, {"ssd_mother": {"moth_childs_person_id": "{n}-child", "moth_childs_dob": "2019-01-01"}}),
    "an unaccompanied child of White British ethnicity": ("LINK-04", {
        "ssd_person": CHILD | {"pers_ethnicity": "WBRI"},
        "ssd_immigration_status": {
            "immi_immigration_status": "UASC",
            "immi_immigration_status_start_date": "2018-01-01",
        },
    }, {"ssd_person": {"pers_ethnicity": "WOTH"}}),
    "born two years after the first contact": ("LIFE-02", {
        "ssd_person": CHILD,
        "ssd_contacts": {"cont_contact_id": "{n}", "cont_contact_date": "2004-01-01"},
    }, {"ssd_contacts": {"cont_contact_date": "2005-03-07"}}),
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
    }, {"ssd_involvements": {"invo_involvement_end_date": "2018-02-01"}}),
    "a missing episode of five years": ("LONG-01", {
        "ssd_person": CHILD,
        "ssd_missing": {"miss_missing_episode_start_date": "2014-06-01"},
    }, {"ssd_missing": {"miss_missing_episode_end_date": "2015-06-01"}}),
    "a referral dated 2091": ("CAL-01", {
        "ssd_person": CHILD,
        "ssd_cin_episodes": {"cine_referral_id": "{n}", "cine_referral_date": "2091-01-01"},
    }, {"ssd_cin_episodes": {"cine_referral_date": "2019-06-30"}}),
    "open and in touch after a death": ("LIFE-05", {
        "ssd_person": ADULT | {"pers_death_date": "2018-03-01"}, "ssd_care_leavers": LEAVER,
    }, {
        "ssd_care_leavers": {"clea_care_leaver_in_touch": "DIED"},
        "local_case_status": {"cass_case_status": "closed"},
    }),
    "a visit after a death": ("LIFE-03", {
        "ssd_person": CHILD | {"pers_death_date": "2018-03-01"},
        "ssd_cin_visits": {"cinv_cin_visit_id": "{n}", "cinv_cin_visit_date": "2019-05-01"},
    }, {"ssd_cin_visits": {"cinv_cin_visit_date": "2018-03-01"}}),
    "a child protection plan without a conference": ("NEED-23", {
        "ssd_person": CHILD,
        "ssd_cp_plans": {"cppl_cp_plan_id": "{n}", "cppl_cp_plan_start_date": "2018-05-01"},
    }, {"ssd_initial_cp_conference": {"icpc_icpc_id": "{n}", "icpc_icpc_date": "2018-05-01"}}),
    "a closed case with an open plan": ("BOTH-08", {
        "ssd_person": CHILD,
        "local_case_status": {"cass_case_status": "closed"},
        "ssd_cin_plans": {"cinp_cin_plan_id": "{n}", "cinp_cin_plan_start_date": "2018-05-01"},
    }, {"ssd_cin_plans": {"cinp_cin_plan_end_date": "2019-06-30"}}),
    "an EET status of two years ago": ("STALE-01", {
        "ssd_person": ADULT, "ssd_care_leavers": LEAVER,
        "local_eet_status": {"eets_status": "EET", "eets_recorded_date": "2017-06-01"},
    }, {"local_eet_status": {"eets_recorded_date": "2018-06-29"}}),
    "a conviction at 8": ("AGE-09", {
        "ssd_person": CHILD,
        "ssd_cla_convictions": {
            "clac_cla_conviction_id": "{n}", "clac_cla_conviction_date": "2014-06-01",
        },
    }, {"ssd_cla_convictions": {"clac_cla_conviction_date": "2016-01-01"}}),
    "a visit under an unknown plan": ("NEED-03", {
        "ssd_person": CHILD,
        "ssd_cp_visits": {
            "cppv_cp_visit_id": "{n}", "cppv_cp_plan_id": "plan {n}",
            "cppv_cp_visit_date": "2019-05-01",
        },
    }, {
        "ssd_cp_plans": {
            "cppl_cp_plan_id": "plan {n}", "cppl_cp_plan_start_date": "2019-04-01",
        },
    }),
    "two people with one pupil number": (
        "TWIN-01", {"ssd_person": CHILD | {"pers_upn": "A123456789012"}},
        {"ssd_person": {"pers_upn": "{n}"}},
    ),
    "two people with one name and one date of birth": ("TWIN-04", {
        "ssd_person": CHILD | {"pers_forename": "Test", "pers_surname": "Person"},
    }, {"ssd_person": {"pers_surname": "{n}"}}),
    "a death before the birth": (
        "DATE-13", {"ssd_person": CHILD | {"pers_death_date": "2005-12-31"}},
        {"ssd_person": {"pers_death_date": "2006-01-01"}},
    ),
    "an assessment authorised before it started": ("DATE-14", {
        "ssd_person": CHILD,
        "ssd_cin_assessments": {
            "cina_assessment_id": "{n}", "cina_assessment_start_date": "2019-05-02",
            "cina_assessment_auth_date": "2019-05-01",
        },
    }, {"ssd_cin_assessments": {"cina_assessment_auth_date": "2019-05-02"}}),
    "care that ended with a death that nobody recorded": ("LINK-02", {
        "ssd_person": CHILD,
        "ssd_cla_episodes": CARE | {
            "clae_cla_episode_ceased_date": "2018-03-01", "clae_cla_episode_ceased_reason": "E2",
        },
    }, {"ssd_person": {"pers_death_date": "2018-03-01"}}),
    "a carer paid before they joined": ("JOB-01", {
        "ssd_person": CHILD,
        "local_carers": {"lcar_carer_id": "{n}", "lcar_recruited_date": "2018-03-01"},
        "local_placement_costs": COST | {"lpco_carer_id": "{n}"},
    }, {"local_carers": {"lcar_recruited_date": "2018-01-04"}}),
    "a placement of £40,000 a week": (
        "SIZE-01", {"ssd_person": CHILD, "local_placement_costs": COST},
        {"local_placement_costs": {"lpco_weekly_cost": "25000"}},
    ),
    "an open allocation to a worker who is not on the list": ("JOB-02", {
        "ssd_person": CHILD,
        "ssd_involvements": {
            "invo_professional_id": "worker of {n}", "invo_professional_role_id": "Social Worker",
            "invo_involvement_start_date": "2018-01-01",
        },
    }, {"ssd_professionals": {"prof_professional_id": "worker of {n}"}}),
    "no disability, beside a disability": ("BOTH-07", {
        "ssd_person": CHILD,
        "ssd_disability": {"disa_disability_code": "NONE"},
        "ssd_disability ": {"disa_disability_code": "MOB"},
    }, {"ssd_disability": {"disa_disability_code": "HAND"}}),
    "a child protection plan without a review for 9 months": ("STALE-04", {
        "ssd_person": CHILD,
        "ssd_cp_plans": {"cppl_cp_plan_id": "{n}", "cppl_cp_plan_start_date": "2018-05-01"},
    }, {
        "ssd_cp_reviews": {
            "cppr_cp_review_id": "{n}", "cppr_cp_plan_id": "{n}",
            "cppr_cp_review_date": "2018-09-28",
        },
    }),
    "a placement at home that is not with parents": ("LAC-392D", {
        "ssd_person": CHILD, "ssd_cla_episodes": CARE | {"clae_cla_placement_id": "{n}"},
        "ssd_cla_placement": PLACEMENT, "ssd_address": HOME,
    }, {"ssd_cla_placement": {"clap_cla_placement_type": "P1"}}),
    "a home that is the placement from the first day of care": ("LAC-392D", {
        "ssd_person": CHILD, "ssd_cla_episodes": CARE | {"clae_cla_placement_id": "{n}"},
        "ssd_cla_placement": PLACEMENT, "ssd_address": HOME,
    }, {"ssd_address": {"addr_address_start_date": "2018-01-04"}}),
    "a visit that says of a child seen neither yes nor no": ("CODE-11", {
        "ssd_person": CHILD,
        "ssd_cin_visits": {
            "cinv_cin_visit_id": "{n}", "cinv_cin_visit_date": "2019-05-02",
            "cinv_cin_visit_seen": "\\x01",
        },
    }, {"ssd_cin_visits": {"cinv_cin_visit_seen": "Y"}}),
    "siblings of a child who is not in a sibling group": ("SUM-01", {
        "ssd_person": CHILD,
        "ssd_permanence": {
            "perm_cla_id": "{n}", "perm_part_of_sibling_group": "N",
            "perm_siblings_placed_together": "2",
        },
    }, {"ssd_permanence": {"perm_part_of_sibling_group": "Y"}}),
    "court hearings after a decision to step down": ("SUM-03", {
        "ssd_person": CHILD,
        "ssd_pre_proceedings": {
            "prep_plo_family_id": "{n}", "prep_pre_pro_decision_date": "2019-01-07",
            "prep_pre_pro_outcome": "Decision to step down", "prep_care_proc_court_hearings": "3",
        },
    }, {"ssd_pre_proceedings": {"prep_care_proc_court_hearings": "0"}}),
}  # fmt: skip
# delivered without a record, because rules need the tables
DELIVERED = ("ssd_cla_placement", "ssd_mother", "ssd_initial_cp_conference", "ssd_professionals")


@pytest.fixture(scope="module")
def found(staged_warehouse: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Write all examples and their near misses, load and judge them; whom each rule finds."""
    system = WholeRecordingSystem(tmp_path_factory.mktemp("source") / "source.db", AUTHORITY)
    with sqlite3.connect(system.path) as connection:
        for example, (_, records, difference) in EXAMPLES.items():
            for caught, passed in zip(people(example), people(example, passes=True), strict=True):
                for table, fields in records.items():
                    _write(connection, table.strip(), caught, fields)
                    _write(
                        connection, table.strip(), passed, {**fields, **difference.get(table, {})}
                    )
                for table in difference.keys() - records.keys():
                    _write(connection, table, passed, difference[table])
        for table in DELIVERED:
            _make(connection, table)
    with connect("carepath_loader", autocommit=True) as loader:
        loader.execute("insert into ops.runs (run_id, night) values ('run', %s)", (NIGHT,))
    load_id = load_source("run", system.spec, NIGHT).load_id
    run_dbt(["seed", "--select", "code_lists"], layer="staging", run_id="run")
    decision = run_gate("run", load_id)
    with connect("carepath_steward") as steward:
        rows = steward.execute(
            "select rule_id, person_id, record_key from quality.failing_keys"
            " where gate_run_id = %s",
            (decision.gate_run_id,),
        ).fetchall()
    whom: dict[str, set[str]] = {}
    for rule_id, person, record_key in rows:
        # a cost is of a placement, which has the person's id here
        whom.setdefault(rule_id, set()).add(person or record_key.partition("|")[0])
    return whom


def people(example: str, *, passes: bool = False) -> list[str]:
    """Return the ids of the people of an example, or of those whose records must pass."""
    number = list(EXAMPLES).index(example)
    return [f"{'N' if passes else 'X'}{number}-{n}" for n in NUMBERS]


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_is_found_by_its_rule(found: dict[str, set[str]], example: str) -> None:
    rule_id, *_ = EXAMPLES[example]
    assert set(people(example)) <= found.get(rule_id, set())


@pytest.mark.parametrize("example", EXAMPLES)
def test_near_miss_is_not_found(found: dict[str, set[str]], example: str) -> None:
    rule_id, *_ = EXAMPLES[example]
    assert not set(people(example, passes=True)) & found.get(rule_id, set())


def test_examples_are_34_and_of_every_kind() -> None:
    kinds = {rule.rule_id: rule.kind for rule in rules()}
    assert len(EXAMPLES) == 34
    # the Department's own rules have no kind
    assert {kinds[rule_id] for rule_id, *_ in EXAMPLES.values()} - {None} == set(KINDS)


def test_sound_records_are_not_found(found: dict[str, set[str]]) -> None:
    rule_ids = {rule_id for rule_id, *_ in EXAMPLES.values()}
    sound = {f"P{n}" for n in range(1, 9)}
    assert {r: found.get(r, set()) & sound for r in rule_ids} == {r: set() for r in rule_ids}


def _make(connection: sqlite3.Connection, table: str) -> None:
    columns = ", ".join(column.name for column in load_contract().tables[table].columns)
    connection.execute(f"create table if not exists {table} ({columns})")


def _write(
    connection: sqlite3.Connection, table: str, person: str, fields: Mapping[str, str]
) -> None:
    _make(connection, table)
    row = {name: value.replace("{n}", person) for name, value in fields.items()}
    if column := load_contract().tables[table].person_column:
        row[column] = person
    places = ", ".join("?" for _ in row)
    connection.execute(
        f"insert into {table} ({', '.join(row)}) values ({places})", list(row.values())
    )
