"""Who may do what: each role reads what the design gives it, and nothing else."""

from __future__ import annotations

import psycopg
import pytest

from carepath.warehouse.connect import connect

pytestmark = pytest.mark.usefixtures("warehouse")

SCHEMAS = (
    "landing", "history", "staging", "core", "identity",
    "marts", "marts_build", "marts_prev", "quality", "ops",
)  # fmt: skip
READS = {
    "bi_reader": {"marts"},
    "carepath_analyst": {"history", "staging", "core", "quality", "ops"},
    "carepath_steward": {"quality", "identity"},
}
LOADER_OWNS = {"landing", "history", "staging", "core", "identity", "marts_build"}


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
    ],
)
def test_reader_who_lifts_read_only_still_cannot_write(role: str, statement: str) -> None:
    with connect(role) as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.commit()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.format(schema=min(READS[role])))
