"""A recording system of a few care leavers whose records pass both gates, until a test says so."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from carepath.contract.model import load_contract
from carepath.sources import SourceSpec

PEOPLE = tuple(f"P{number}" for number in range(1, 9))
TABLES = (
    "ssd_person",
    "ssd_care_leavers",
    "ssd_cla_episodes",
    "local_eet_status",
    "local_case_status",
)


class WholeRecordingSystem:
    """Every table that the contract requires, in a SQLite file, and the two that tell EET status.

    Args:
        path: the file to make.
        authority: whose records it holds.
    """

    def __init__(self, path: Path, authority: str) -> None:
        self.path = path
        self.spec = SourceSpec(
            name="whole",
            authority=authority,
            authority_name=f"Authority {authority}",
            url=f"sqlite:///{path}",
            is_partial=True,
        )
        contract = load_contract()
        with sqlite3.connect(path) as connection:
            for name in TABLES:
                columns = ", ".join(column.name for column in contract.tables[name].columns)
                connection.execute(f"create table {name} ({columns})")
        for person in PEOPLE:
            self._add(person)

    def contradict(self) -> None:
        """Let every activity contradict the EET status."""
        self._execute("update local_eet_status set eets_status = 'NEET'")

    def correct(self) -> None:
        """Take back what `contradict` did."""
        self._execute("update local_eet_status set eets_status = 'EET'")

    def _add(self, person: str) -> None:
        self._insert(
            "ssd_person", pers_person_id=person, pers_sex="F", pers_ethnicity="WBRI",
            pers_dob="2000-01-01",
        )  # fmt: skip
        self._insert(
            "ssd_care_leavers", clea_table_id=person, clea_person_id=person,
            clea_care_leaver_eligibility="Former Relevant", clea_care_leaver_in_touch="YES",
            clea_care_leaver_latest_contact="2019-06-01", clea_care_leaver_accommodation="U",
            clea_care_leaver_accom_suitable="1", clea_care_leaver_activity="F2",
        )  # fmt: skip
        self._insert(
            "ssd_cla_episodes", clae_cla_episode_id=person, clae_person_id=person,
            clae_cla_episode_start_date="2016-01-04", clae_cla_episode_start_reason="S",
            clae_cla_primary_need_code="N1", clae_cla_episode_ceased_date="2018-01-01",
            clae_cla_episode_ceased_reason="E11",
        )  # fmt: skip
        self._insert(
            "local_eet_status", eets_person_id=person, eets_status="EET",
            eets_recorded_date="2019-06-01",
        )  # fmt: skip
        self._insert(
            "local_case_status", cass_person_id=person, cass_case_status="open",
            cass_children_with_disabilities_team="N",
        )  # fmt: skip

    def _insert(self, table: str, **row: str) -> None:
        places = ", ".join("?" for _ in row)
        self._execute(f"insert into {table} ({', '.join(row)}) values ({places})", *row.values())

    def _execute(self, statement: str, *values: str) -> None:
        with sqlite3.connect(self.path) as connection:
            connection.execute(statement, values)
