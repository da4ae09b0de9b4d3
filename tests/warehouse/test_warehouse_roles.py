"""Who may do what: each role reads what the design gives it, and nothing else."""

from __future__ import annotations

import psycopg
import pytest

from carepath.errors import WarehouseError
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import ADMINISTRATOR
from carepath.warehouse.roles import DATABASES, ROLES

pytestmark = pytest.mark.usefixtures("warehouse")

SCHEMAS = (
    "landing", "history", "staging", "core", "identity",
    "marts", "marts_build", "marts_prev", "quality", "ops", "caseload",
    "published",
)  # fmt: skip
READS = {
    "bi_reader": {"marts"},
    "carepath_analyst": {"history", "staging", "core", "quality", "ops"},
    "carepath_steward": {"quality", "identity"},
    "carepath_caseload": {"caseload"},
    "published_reader": {"published"},
}
LOADER_OWNS = {"landing", "history", "staging", "core", "identity", "marts_build", "caseload"}


@pytest.fixture(scope="module", autouse=True)
def tables(warehouse: None) -> None:
    """One table per schema, created as the nights will: by the loader or by the owner."""
    for schema in SCHEMAS:
        role = "carepath_loader" if schema in LOADER_OWNS else "carepath_owner"
        with connect(role) as connection:
            connection.execute(f"create table {schema}.probe (n integer)")
            connection.execute(f"insert into {schema}.probe values (1)")


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("role", READS)
def test_reader_schema_reads_only_what_the_design_gives_it(role: str, schema: str) -> None:
    with connect(role) as connection:
        if schema in READS[role]:
            assert connection.execute(f"select n from {schema}.probe").fetchall() == [(1,)]
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select n from {schema}.probe")


@pytest.mark.parametrize("schema", sorted({*LOADER_OWNS, "marts_prev", "published"}))
def test_no_page_of_the_desk_reads_core_or_what_is_behind_it(schema: str) -> None:
    """The pages connect as bi_reader, whom the test above keeps to marts, and as this role."""
    with (
        connect("carepath_desk") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(f"select n from {schema}.probe")


@pytest.mark.parametrize("role", READS)
@pytest.mark.parametrize(
    "statement",
    [
        "insert into {schema}.probe values (2)",
        "update {schema}.probe set n = 2",
        "delete from {schema}.probe",
        "truncate {schema}.probe",
        "drop table {schema}.probe",
        "create table {schema}.own (n integer)",
        "create table public.own (n integer)",
        "create temporary table own (n integer)",
        "create schema own",
        "select lo_create(0)",
        "select pg_logical_emit_message(false, 'own', 'own')",
        "select pg_advisory_lock_shared(1)",
        "select pg_try_advisory_xact_lock(1, 1)",
    ],
)
def test_reader_who_lifts_read_only_still_cannot_write(role: str, statement: str) -> None:
    with connect(role) as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.commit()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.format(schema=min(READS[role])))


@pytest.mark.parametrize("role", ["carepath_loader", "carepath_owner"])
def test_nights_and_publications_can_wait_for_each_other(role: str) -> None:
    with connect(role) as connection:
        assert connection.execute("select pg_try_advisory_xact_lock(1, 1)").fetchone() == (True,)


def test_bi_reader_begins_read_only_and_with_a_time_limit() -> None:
    with connect("bi_reader") as reader:
        assert reader.execute("show default_transaction_read_only").fetchone() == ("on",)
        assert reader.execute("show statement_timeout").fetchone() == ("5min",)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute("create temporary table own (n integer)")


@pytest.mark.parametrize("database", [*DATABASES, "postgres", "template1"])
@pytest.mark.parametrize("role", ROLES)
def test_role_connects_only_to_its_own_databases(role: str, database: str) -> None:
    owner, guests = DATABASES.get(database, ("", ()))
    if role in (owner, *guests):
        connect(role, database).close()
    else:
        with pytest.raises(WarehouseError, match="permission denied for database"):
            connect(role, database)


def test_roles_have_no_power_over_the_server() -> None:
    with connect("carepath_owner") as owner:
        powers = owner.execute(
            "select rolname from pg_roles where rolname = any(%s) and (rolsuper or rolcreaterole"
            " or rolcreatedb or rolreplication or rolbypassrls)",
            (list(ROLES),),
        ).fetchall()
        members = owner.execute(
            "select m.member::regrole::text, m.roleid::regrole::text from pg_auth_members as m"
            " where m.member::regrole::text = any(%s)",
            (list(ROLES),),
        ).fetchall()
    assert powers == []
    assert members == [("carepath_owner", "carepath_loader")]


def test_loader_compares_with_marts_but_only_the_owner_changes_them() -> None:
    for statement in (
        "insert into marts.probe values (2)",
        "create table marts.own (n integer)",
        "insert into ops.publications (authority, night) values ('E09900001', '2019-06-30')",
        "drop table quality.probe",
    ):
        with connect("carepath_loader") as loader:
            assert loader.execute("select n from marts.probe").fetchall() == [(1,)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                loader.execute(statement)
    with connect("carepath_owner") as owner:
        owner.execute("insert into marts.probe select n + 1 from marts_build.probe")


@pytest.mark.parametrize("database", ["warehouse", "recording_system"])
def test_databases_keep_records_out_of_any_servers_log(database: str) -> None:
    with connect(ADMINISTRATOR, database) as admin:
        found = admin.execute(
            "select unnest(setconfig) from pg_db_role_setting as s"
            " inner join pg_database as d on s.setdatabase = d.oid"
            " where s.setrole = 0 and d.datname = current_database()"
        ).fetchall()
    settings = dict(text.split("=", 1) for (text,) in found)
    assert settings["log_error_verbosity"] == "terse"
    assert settings["log_min_error_statement"] == "panic"
    assert settings["log_parameter_max_length"] == "0"
    assert settings["log_parameter_max_length_on_error"] == "0"


def test_loader_keeps_records_of_the_night() -> None:
    for table in ("ops.probe", "quality.probe"):
        with connect("carepath_loader") as loader:
            loader.execute(f"insert into {table} values (2)")
            loader.execute(f"update {table} set n = 3 where n = 2")
            assert loader.execute(f"delete from {table} where n = 3").rowcount == 1


def test_recording_reader_reads_what_the_source_makes_later_and_changes_nothing() -> None:
    with connect("recording_system", "recording_system") as source:
        source.execute("drop schema if exists probe cascade")
        source.execute("create schema probe")
        source.execute("create table probe.person as select 1 as n")
    with connect("recording_reader", "recording_system") as reader:
        assert reader.execute("select n from probe.person").fetchall() == [(1,)]
        reader.execute("set default_transaction_read_only = off")
        reader.commit()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("insert into probe.person values (2)")
    with connect("recording_system", "recording_system") as source:
        source.execute("drop schema probe cascade")
