"""The warehouse's own tables: migrated once, described, and able to answer for a night."""

from __future__ import annotations

import subprocess
import sys

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import carepath.warehouse
from carepath.quality.findings import bring_up_to_date
from carepath.warehouse import migrate
from carepath.warehouse.connect import connect

pytestmark = pytest.mark.usefixtures("warehouse")


def test_head_is_the_head_that_alembic_sees() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    assert migrate.head() == ScriptDirectory.from_config(config).get_current_head()


def test_upgrade_at_head_changes_nothing_and_does_not_wait_for_alembic() -> None:
    code = "import carepath.warehouse, sys; carepath.warehouse.ready(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "carepath.warehouse.migrate" in done.stdout.split()
    assert "alembic" not in done.stdout.split()


def empty() -> None:
    """Leave a database that no revision has run in."""
    with connect("carepath_owner") as owner:
        owner.execute("drop schema ops, quality, landing, history, staging, core, identity cascade")
        owner.execute("drop schema marts, marts_build, marts_prev, caseload, published cascade")


def test_upgrade_from_nothing_ends_at_head_and_belongs_to_the_owner() -> None:
    empty()
    carepath.warehouse.ready()
    with connect("carepath_owner") as owner:
        version = owner.execute("select version_num from ops.schema_version").fetchall()
        owners = owner.execute(
            "select distinct pg_get_userbyid(c.relowner) from pg_class as c"
            " where c.relnamespace in ('ops'::regnamespace, 'quality'::regnamespace)"
        ).fetchall()
    assert version == [(migrate.head(),)]
    assert owners == [("carepath_owner",)]


def test_recreate_leaves_an_empty_warehouse_at_head() -> None:
    with connect("carepath_loader") as loader:
        loader.execute("create table history.probe (n integer)")
    carepath.warehouse.recreate()
    with connect("carepath_owner") as owner:
        gone = owner.execute("select to_regclass('history.probe')").fetchone()
        version = owner.execute("select version_num from ops.schema_version").fetchone()
    assert gone == (None,)
    assert version == (migrate.head(),)


def test_members_published_with_a_date_lose_it_and_stay_readable() -> None:
    """The state before revision 0048: an older date of one authority, and rows for a rollback.

    The revisions after it run on a warehouse that has never had them, as on a council's machine.
    """
    empty()
    migrate.upgrade(revision="0047")
    with connect("carepath_owner") as owner:
        owner.execute(
            """
            create table marts.fct_kpi_member (
                authority text, as_at_date date, measure_code text, segment_code text,
                young_person_key bigint, record_number integer,
                primary key (
                    authority, as_at_date, measure_code, segment_code, young_person_key,
                    record_number
                )
            );
            create table marts_prev.fct_kpi_member (_change text, authority text, as_at_date date);
            insert into marts.fct_kpi_member values
                ('E09900001', '2019-06-30', 'care_leavers_eet', 'all', 7, 1),
                ('E09900001', '2019-07-01', 'care_leavers_eet', 'all', 7, 1),
                ('E09900002', '2019-06-30', 'care_leavers_eet', 'all', 7, 1);
            insert into marts_prev.fct_kpi_member values ('deleted', 'E09900001', '2019-07-01');
            """
        )
    carepath.warehouse.ready()
    with connect("carepath_owner") as owner:
        version = owner.execute("select version_num from ops.schema_version").fetchall()
        kept = owner.execute("select * from marts.fct_kpi_member order by authority").fetchall()
        key = owner.execute(
            "select pg_get_constraintdef(oid) from pg_constraint"
            " where conrelid = 'marts.fct_kpi_member'::regclass and contype = 'p'"
        ).fetchone()
        undone = owner.execute("select * from marts_prev.fct_kpi_member").fetchall()
        owner.execute("drop table marts.fct_kpi_member, marts_prev.fct_kpi_member")
    assert version == [(migrate.head(),)]
    assert kept == [
        (authority, "care_leavers_eet", "all", 7, 1) for authority in ("E09900001", "E09900002")
    ]
    assert key == (
        "PRIMARY KEY (authority, measure_code, segment_code, young_person_key, record_number)",
    )
    assert undone == [("deleted", "E09900001")]


def test_every_schema_and_table_says_what_it_holds() -> None:
    with connect("carepath_analyst") as analyst:
        silent = analyst.execute(
            """
            select n.nspname, '' from pg_namespace as n
            where n.nspname !~ '^(pg_|information_schema|public)'
                and obj_description(n.oid, 'pg_namespace') is null
            union all
            select n.nspname, c.relname from pg_class as c
            inner join pg_namespace as n on c.relnamespace = n.oid
            where n.nspname in ('ops', 'quality') and c.relkind in ('r', 'v')
                and c.relname <> 'schema_version'
                and obj_description(c.oid, 'pg_class') is null
            """
        ).fetchall()
    assert silent == []


def test_work_list_shows_the_latest_gate_run_of_each_authority() -> None:
    with connect("carepath_loader") as loader:
        loader.execute(
            """
            insert into ops.authorities values ('E09900001', 'Ashmere'), ('E09900002', 'Brook');
            insert into ops.runs (run_id, night) values ('r1', '2019-06-27'), ('r2', '2019-06-28');
            insert into quality.rules (rule_id, domain, entity, severity, owner, plain_words,
                what_to_do)
            values ('EET-01', 'young_people', 'eet_status', 'critical', 'leaving care', 'EET, but'
                ' the activity says NEET', 'correct the activity');
            insert into quality.gate_runs (run_id, authority, gate, night, decision, reasons)
            values
                ('r1', 'E09900001', 1, '2019-06-27', 'hold', array['EET-01']),
                ('r1', 'E09900002', 1, '2019-06-27', 'hold', array['EET-01']),
                ('r2', 'E09900001', 1, '2019-06-28', 'pass', '{}');
            insert into quality.rule_results (gate_run_id, rule_id, table_name, state, holds)
            select gate_run_id, 'EET-01', 'ssd_care_leavers', 'failed', decision = 'hold'
            from quality.gate_runs;
            insert into quality.failing_keys (gate_run_id, authority, rule_id, table_name,
                record_key, person_id)
            select gate_run_id, authority, 'EET-01', 'ssd_care_leavers', 'K1', 'P1'
            from quality.gate_runs;
            """
        )
        gate_runs = loader.execute(
            "select gate_run_id from quality.gate_runs order by 1"
        ).fetchall()
        for (gate_run_id,) in gate_runs:
            bring_up_to_date(loader, gate_run_id)
    with connect("carepath_steward") as steward:
        rows = steward.execute(
            "select authority, night::text, decision, is_holding, record_key, what_to_do"
            " from quality.work_list order by authority"
        ).fetchall()
    assert rows == [
        ("E09900001", "2019-06-28", "pass", False, "K1", "correct the activity"),
        ("E09900002", "2019-06-27", "hold", True, "K1", "correct the activity"),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "insert into ops.runs (run_id, night, state) values ('x', '2019-06-27', 'fine')",
        "insert into ops.loads (source, authority, night) values ('s', 'nowhere', '2019-06-27')",
        "insert into ops.run_steps (run_id, step) values ('unknown', 'load')",
    ],
)
def test_records_refuse_unknown_states_and_parents(statement: str) -> None:
    with connect("carepath_loader") as loader, pytest.raises(psycopg.errors.IntegrityError):
        loader.execute(statement)
