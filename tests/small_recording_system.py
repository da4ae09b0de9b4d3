"""A recording system of three tables, in PostgreSQL or SQLite, that a test changes at will."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg

from carepath.landing import LoadResult, load_source
from carepath.sources import SourceSpec
from carepath.warehouse.connect import connect, url

TABLES = {
    "ssd_care_leavers": """
        clea_table_id varchar(48), clea_person_id varchar(48),
        clea_care_leaver_eligibility varchar(100), clea_care_leaver_in_touch varchar(100),
        clea_care_leaver_latest_contact timestamp, clea_care_leaver_accommodation varchar(100),
        clea_care_leaver_accom_suitable varchar(100), clea_care_leaver_activity varchar(100),
        clea_pathway_plan_review_date timestamp, clea_care_leaver_personal_advisor varchar(100),
        clea_care_leaver_allocated_team varchar(48), clea_care_leaver_worker_id varchar(100)""",
    "ssd_contacts": """
        cont_contact_id varchar(48), cont_person_id varchar(48), cont_contact_date timestamp,
        cont_contact_source_code varchar(48), cont_contact_source_desc varchar(255),
        cont_contact_outcome_json varchar(500)""",
    "local_eet_status": """
        eets_person_id varchar(48), eets_status varchar(48), eets_recorded_date date,
        eets_recorded_by varchar(48)""",
}


class SmallRecordingSystem:
    """Three tables in a schema of the database recording_system; the other tables are missing."""

    def __init__(self, schema: str, authority: str, *, exists: bool = False) -> None:
        self.schema = schema
        self.spec = SourceSpec(
            name=schema.replace("_", "-"),
            authority=authority,
            authority_name=f"Authority {authority}",
            url=url("recording_system", "recording_system", driver=""),
            schema=schema,
            spelling="liquidlogic",
            is_partial=True,
        )
        if exists:
            return
        self.execute(f"drop schema if exists {schema} cascade; create schema {schema}")
        for name, columns in TABLES.items():
            self.execute(f"create table {name} ({columns})")

    def execute(self, statement: str, parameters: Sequence[Any] | None = None) -> None:
        """Run a statement as the recording system's owner, in its schema."""
        with connect("recording_system", "recording_system") as connection:
            connection.execute(f"set search_path = {self.schema}")
            connection.execute(cast(LiteralString, statement), parameters)

    def add_leaver(self, person: str, activity: str = "F2", row_id: str = "1") -> None:
        """Add a care leaver."""
        self.execute(
            "insert into ssd_care_leavers (clea_table_id, clea_person_id,"
            " clea_care_leaver_eligibility, clea_care_leaver_in_touch,"
            " clea_care_leaver_activity, clea_pathway_plan_review_date)"
            " values (%s, %s, 'Former Relevant', 'YES', %s, '2017-05-01')",
            (row_id, person, activity),
        )

    def add_contacts(self, count: int) -> None:
        """Add contacts C1, C2, ..."""
        self.execute(
            "insert into ssd_contacts select 'C' || n, 'P' || n, '2017-01-01', '1A', 'Individual',"
            ' \'{"NFA": "Y"}\' from generate_series(1, %s) as n',
            (count,),
        )

    def load(self, night: str, **options: Any) -> LoadResult:
        """Load it."""
        return load_source(None, self.spec, dt.date.fromisoformat(night), **options)


def sqlite_file(path: Path) -> sqlite3.Connection:
    """Return a new SQLite recording system with the same tables."""
    connection = sqlite3.connect(path)
    for name, columns in TABLES.items():
        connection.execute(f"create table {name} ({columns})")
    return connection


def warehouse_rows(query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """Return what a query finds in the warehouse, as the analyst sees it."""
    with connect("carepath_loader") as connection:
        return connection.execute(cast(LiteralString, query), parameters).fetchall()


def everything(connection: psycopg.Connection[Any]) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of landing and history, by table."""
    names = connection.execute(
        "select relnamespace::regnamespace || '.' || relname from pg_class where relkind = 'p'"
        " and relnamespace in ('landing'::regnamespace, 'history'::regnamespace)"
    ).fetchall()
    return {
        name: sorted(
            connection.execute(cast(LiteralString, f"select t::text from {name} as t")).fetchall()
        )
        for (name,) in names
    }
