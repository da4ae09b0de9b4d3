"""Tables in place of dbt's staging views, with the contract's columns, for tests of the gate."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import jinja2
import psycopg
from psycopg import sql

from carepath.contract.model import Table, load_contract
from carepath.documents.staging import staged_columns
from carepath.settings import get_settings

AUTHORITY = "E09900001"
NIGHT = dt.date(2019, 6, 30)
MACROS = (
    "as_known_at_load.sql",
    "birthday.sql",
    "census_year.sql",
    "placement_decision_date.sql",
    "postcode.sql",
    "which_counts.sql",
)


def columns(table: Table) -> dict[str, str]:
    """Return the columns of a table's staging view, with their SQL types."""
    found = {"authority": "text", "record_key": "text"}
    found |= {name: kind for name, kind, *_ in staged_columns(table)}
    return found | {
        "period": "text",
        "known_from": "date",
        "from_load": "bigint",
        "sentinel_columns": "text[] default '{}'",
        "unreadable_columns": "text[] default '{}'",
    }


def create(connection: psycopg.Connection[Any]) -> None:
    """Create every staging table, empty."""
    for table in load_contract().tables.values():
        defined = ", ".join(f"{name} {kind}" for name, kind in columns(table).items())
        connection.execute(f"drop table if exists staging.stg_{table.entity} cascade")
        connection.execute(f"create table staging.stg_{table.entity} ({defined})")
        if table.versions:
            name = f"stg_{table.entity}_versions"
            until = "known_to date, to_load bigint"
            connection.execute(f"drop table if exists staging.{name} cascade")
            connection.execute(f"create table staging.{name} ({defined}, {until})")
    create_views(connection)


def create_views(connection: psycopg.Connection[Any]) -> None:
    """Create the views that dbt makes over staging for the gate, from the project's own files."""
    project = get_settings().project_root / "dbt_project"
    macros = "".join((project / "macros" / name).read_text() for name in MACROS)
    views = (project / "models" / "staging").rglob("int_*.sql")
    for path in sorted(views, key=_comes_after):
        select = jinja2.Environment(autoescape=False).from_string(macros + path.read_text())  # noqa: S701
        text = select.render(ref="staging.{}".format, source="{}.{}".format)
        connection.execute(f"create or replace view staging.{path.stem} as {text}")


def _comes_after(path: Path) -> int:
    """Return how many views deep `path` reads: a view comes after those that it reads."""
    read = re.findall(r"ref\('(int_\w+)'\)", path.read_text())
    staging = get_settings().project_root / "dbt_project" / "models" / "staging"
    return max((1 + _comes_after(*staging.rglob(f"{name}.sql")) for name in read), default=0)


def insert(connection: psycopg.Connection[Any], place: str, **row: Any) -> None:
    """Insert a row into `staging.<place>`."""
    connection.execute(
        sql.SQL("insert into staging.{} ({}) values ({})").format(
            sql.Identifier(place),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() for _ in row),
        ),
        list(row.values()),
    )


def load(
    connection: psycopg.Connection[Any],
    *tables: str,
    authority: str = AUTHORITY,
    source: str = "demo",
) -> int:
    """Record an authority's load that delivered `tables` (default: all), and its cut-off."""
    connection.execute(
        "insert into ops.authorities values (%s, 'Ashmere') on conflict do nothing", (authority,)
    )
    connection.execute(
        "insert into ops.sources values (%s, %s, 'demo') on conflict do nothing",
        (source, authority),
    )
    connection.execute(
        "insert into ops.runs (run_id, night) values ('run', %s) on conflict do nothing", (NIGHT,)
    )
    row = connection.execute(
        "insert into ops.loads (run_id, source, authority, night, state)"
        " values ('run', %s, %s, %s, 'loaded') returning load_id",
        (source, authority, NIGHT),
    ).fetchone()
    assert row is not None
    for name in tables or tuple(load_contract().tables):
        connection.execute("insert into ops.table_deliveries values (%s, %s, 1)", (row[0], name))
    connection.execute(
        "insert into ops.cutoffs values (%s, %s, %s, 'test') on conflict (authority)"
        " do update set load_id = excluded.load_id",
        (authority, row[0], NIGHT),
    )
    return int(row[0])


def latest_load(connection: psycopg.Connection[Any], authority: str = AUTHORITY) -> int:
    """Return the load that `load` recorded last."""
    row = connection.execute(
        "select max(load_id) from ops.loads where authority = %s", (authority,)
    ).fetchone()
    assert row is not None
    return int(row[0])


def care_leaver(connection: psycopg.Connection[Any], person: str, **fields: Any) -> None:
    """Insert a consistent care leaver with person, status and open case; `fields` change it.

    A field of another table carries its name first: `eet_status__status_code`.
    """
    rows: dict[str, dict[str, Any]] = {
        "person": {"birth_date": dt.date(2000, 1, 1), "sex_code": "F", "sex_sent": "F",
                   "ethnicity_code": "WBRI", "ethnicity_sent": "WBRI"},
        "care_leavers": {
            "eligibility_code": "F", "eligibility_sent": "Former Relevant",
            "in_touch_code": "YES", "in_touch_sent": "YES",
            "accommodation_code": "U", "accommodation_sent": "U",
            "suitability_code": "1", "suitability_sent": "1",
            "activity_code": "F2", "activity_sent": "F2",
            "latest_contact_date": dt.date(2019, 6, 1),
        },
        "eet_status": {"status_code": "EET", "status_sent": "EET",
                       "recorded_date": dt.date(2019, 6, 1)},
        "case_status": {"case_status_code": "open", "case_status_sent": "open"},
        "cla_episodes": {"start_date": dt.date(2016, 1, 4), "end_date": dt.date(2018, 1, 1),
                         "end_reason_code": "E4B", "end_reason_sent": "E4B"},
    }  # fmt: skip
    for name, value in fields.items():
        table, _, column = name.rpartition("__")
        rows[table or "care_leavers"][column] = value
    for entity, row in rows.items():
        common = {"authority": AUTHORITY, "record_key": person, "person_id": person}
        insert(connection, f"stg_{entity}", **(common | row))
