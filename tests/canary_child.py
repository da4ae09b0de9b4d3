"""A recording system with a canary child, whose every id and name holds one unmistakable word."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, LiteralString, cast

from whole_recording_system import WholeRecordingSystem

from carepath.contract import load_contract
from carepath.errors import CarepathError, GateHeldError, NightError
from carepath.night import steps
from carepath.warehouse.connect import connect

AUTHORITY: Final = "E09900001"
WORD: Final = "CANARY7Q"
CASE: Final = f"C-{WORD}"
# table: the values of its row about a person; {c} is the case id, {w} what makes its ids its own
RECORDS: Final[tuple[tuple[str, Mapping[str, str]], ...]] = (
    (
        "ssd_cin_episodes",
        {
            "cine_referral_id": "REF-{w}", "cine_person_id": "{c}",
            "cine_referral_date": "2015-02-02", "cine_cin_primary_need_code": "N1",
        },
    ),
    (
        "ssd_cin_assessments",
        {
            "cina_assessment_id": "ASM-{w}", "cina_person_id": "{c}",
            "cina_referral_id": "REF-{w}", "cina_assessment_start_date": "2015-02-03",
            "cina_assessment_auth_date": "2015-03-03",
        },
    ),
    (
        "ssd_assessment_factors",
        {"cinf_table_id": "1", "cinf_assessment_id": "ASM-{w}",
         "cinf_assessment_factors_json": '["1A"]'},
    ),
    (
        "ssd_involvements",  # as Mosaic sends it: without the person
        {
            "invo_involvements_id": "1", "invo_referral_id": "REF-{w}",
            "invo_professional_id": "W1", "invo_professional_role_id": "SW",
            "invo_involvement_start_date": "2015-02-03",
        },
    ),
    (
        "ssd_cla_placement",
        {
            "clap_cla_placement_id": "PLC-{w}", "clap_person_id": "{c}",
            "clap_cla_placement_start_date": "2016-01-04", "clap_cla_placement_type": "U4",
            "clap_cla_placement_end_date": "2018-01-01",
        },
    ),
    (
        "local_placement_costs",
        {"lpco_placement_id": "PLC-{w}", "lpco_from_date": "2016-01-04",
         "lpco_weekly_cost": "700"},
    ),
    ("ssd_send", {"send_table_id": "SND-{w}", "send_person_id": "{c}", "send_upn": "U{w}"}),
    ("ssd_ehcp_requests", {"ehcr_ehcp_request_id": "EHR-{w}", "ehcr_send_table_id": "SND-{w}"}),
    (
        "ssd_ehcp_assessment",
        {"ehca_ehcp_assessment_id": "EHA-{w}", "ehca_ehcp_request_id": "EHR-{w}"},
    ),
    (
        "ssd_ehcp_named_plan",
        {"ehcn_named_plan_id": "EHN-{w}", "ehcn_ehcp_asmt_id": "EHA-{w}"},
    ),
    (
        "ssd_ehcp_active_plans",
        {"ehcp_active_ehcp_id": "EHP-{w}", "ehcp_ehcp_request_id": "EHR-{w}"},
    ),
    (
        "ssd_sen_need",
        {"senn_table_id": "1", "senn_active_ehcp_id": "EHP-{w}",
         "senn_active_ehcp_need_type": "SPLD"},
    ),
    (
        "ssd_mother",  # the canary is the child of another young person
        {"moth_table_id": "1", "moth_person_id": "P1", "moth_childs_person_id": "{c}"},
    ),
)  # fmt: skip


class CanarySystem(WholeRecordingSystem):
    """Eight care leavers, and a canary child with records in every kind of table."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, AUTHORITY)
        self._add(CASE)
        self._execute(
            f"update ssd_person set pers_forename = 'Forename{WORD}', pers_surname ="
            f" 'Surname{WORD}', pers_common_child_id = 'NHS{WORD}', pers_dob = '1939-05-05'"
            " where pers_person_id = ?",
            CASE,
        )
        # looked after, and not adopted
        self._execute(
            "update ssd_cla_episodes set clae_cla_episode_ceased_reason = 'E4A'"
            " where clae_person_id = ?",
            CASE,
        )
        contract = load_contract()
        with sqlite3.connect(path) as connection:
            for table in dict.fromkeys(name for name, _ in RECORDS):
                columns = ", ".join(column.name for column in contract.tables[table].columns)
                connection.execute(f"create table {table} ({columns})")
        for table, row in RECORDS:
            # P2 has the same, so that every figure remains without the canary
            for case, word in ((CASE, WORD), ("P2", "P2")):
                own = {name: value.format(c=case, w=word) for name, value in row.items()}
                self._insert(table, **own)

    def contradict_canary(self) -> None:
        """Let the canary's activity contradict the EET status."""
        self._execute(
            "update local_eet_status set eets_status = 'NEET' where eets_person_id = ?", CASE
        )

    def forget_canary(self) -> None:
        """Delete the canary's records, as a recording system does at the end of retention."""
        for table in {name for name, _ in RECORDS} | {
            "ssd_person", "ssd_care_leavers", "ssd_cla_episodes", "local_eet_status",
            "local_case_status",
        }:  # fmt: skip
            columns = load_contract().tables[table].column_names
            found = " or ".join(f"instr({column}, '{WORD}')" for column in columns)
            self._execute(f"delete from {table} where {found}")

    def remember_canary(self) -> None:
        """Deliver the canary again."""
        self._add(CASE)


def run_night(run_id: str, day: dt.date) -> str:
    """Run all steps of a night in this process; return how it ended."""
    calls: tuple[tuple[Callable[[], Any], tuple[type[CarepathError], ...]], ...] = (
        (lambda: steps.plan(run_id, day, None, "test"), ()),
        (lambda: steps.load(run_id, "whole"), ()),
        (lambda: steps.stage(run_id), ()),
        (lambda: steps.judge_records(run_id, [AUTHORITY]), (GateHeldError,)),
        (lambda: steps.build(run_id), ()),
        (lambda: steps.judge_figures(run_id, [AUTHORITY]), (CarepathError,)),
        (lambda: steps.publish(run_id, [AUTHORITY]), (CarepathError,)),
        (lambda: steps.close(run_id), ()),
    )
    for call, allowed in calls:
        try:
            call()
        except NightError:
            raise
        except allowed:
            pass
    ((state,),) = rows("select state from ops.runs where run_id = %s", run_id)
    return str(state)


def judge_only(run_id: str, day: dt.date) -> None:
    """Load a night, let gate 1 judge it and close it, as when the build fails."""
    steps.plan(run_id, day, None, "test")
    steps.load(run_id, "whole")
    steps.stage(run_id)
    steps.judge_records(run_id, [AUTHORITY])
    steps.close(run_id)


def load_only(run_id: str, day: dt.date) -> None:
    """Load a night and close it, as when a step after the load fails."""
    steps.plan(run_id, day, None, "test")
    steps.load(run_id, "whole")
    steps.close(run_id)


def rows(query: str, *values: object) -> list[tuple[Any, ...]]:
    """Return what the owner, who reads everything, finds."""
    with connect("carepath_owner") as owner:
        return owner.execute(cast(LiteralString, query), values or None).fetchall()


def tables_that_say(*words: str) -> dict[str, int]:
    """Return, of every table of the warehouse, how many rows hold one of the words anywhere."""
    found = {}
    for (name,) in rows(
        "select format('%I.%I', nspname, relname) from pg_class"
        " inner join pg_namespace on relnamespace = pg_namespace.oid"
        " where relkind in ('r', 'm') and nspname !~ '^(pg_|information_schema$)'"
    ):
        query = f"select count(*) from {name} as t where t::text ~* %s"
        ((count,),) = rows(query, "|".join(words))
        if count:
            found[str(name)] = int(count)
    return found


def canary_key() -> int:
    """Return the canary's surrogate key."""
    ((key,),) = rows("select core.key_of(%s)", f"{AUTHORITY}|{CASE}")
    return int(key)
