"""Logins that are limited to teams, on a real PostgreSQL: each mart, and what is published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

import psycopg
import pytest

from carepath.powerbi.catalogue import read_catalogue
from carepath.publish import MartTable, publish, rollback
from carepath.publish.shape import Shape, create_table
from carepath.site.readers import Reader, Readers
from carepath.warehouse import privileges, readers
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt

ASHMERE, OTHER = "E09900091", "E09900092"
NIGHT = date(2019, 6, 30)
NORTH, LIST, ALL_TEAMS = "bi_north", "caseload_north", "bi_ashmere"
SETTINGS = Readers(
    readers=(
        Reader(login=NORTH, authorities=(ASHMERE,), teams=("North",)),
        Reader(login=LIST, authorities=(ASHMERE,), teams=("North",)),
        Reader(login=ALL_TEAMS, authorities=(ASHMERE,)),
    )
)
TABLES = [
    MartTable("dim_team", ("team_key",)),
    MartTable("dim_segment", ("segment",)),
    MartTable("kpi", ("measure_code", "segment_code")),
    MartTable("kpi_means", ("segment",)),
    MartTable("kpi_extremes", ("segment",)),
    MartTable("kpi_targets", ("segment_code",)),
    MartTable("fct_members", ("young_person_key",)),
    MartTable("fct_moves", ("young_person_key",)),
    MartTable("monthly_counts", ("event_type",)),
]
# North and South are teams of Ashmere; Othermere has a team that is called North, too
BUILD = """
create table marts_build.dim_team as select * from (values
    ('E09900091', 1::bigint, 'North'), ('E09900091', 2, 'South'), ('E09900091', 3, null),
    ('E09900092', 4, 'North')
) as rows (authority, team_key, team_name);
create table marts_build.dim_segment as select * from (values
    ('E09900091', 'all', 'everybody', true, null::bigint),
    ('E09900091', 'girls', 'sex', false, null),
    ('E09900091', 'North', 'team', false, 1), ('E09900091', 'South', 'team', false, 2),
    ('E09900092', 'all', 'everybody', true, null), ('E09900092', 'North', 'team', false, 4)
) as rows (authority, segment, segment_kind, is_total, team_key);
alter table marts_build.dim_segment add column segment_code text;
update marts_build.dim_segment set segment_code = lower(segment);
create table marts_build.kpi as
select authority, measure_code, segment, segment_code, numerator, denominator
from marts_build.dim_segment
cross join (values
    ('large', 40, 80), ('without a denominator', 40, null), ('nothing', 0, 80), ('small', 5, 80),
    ('nearly all', 75, 80), ('few', 0, 5), ('a mean of many', null, 80), ('a mean of few', null, 5)
) as figures (measure_code, numerator, denominator);
create table marts_build.kpi_means as
select authority, segment, 2.5 as value, 80 as record_count from marts_build.dim_segment;
create table marts_build.kpi_extremes as
select *, 1.0 as minimum from marts_build.kpi_means;
create table marts_build.kpi_targets as
select authority, segment_code, 0.5 as target_value from marts_build.dim_segment;
create table marts_build.fct_members as select * from (values
    ('E09900091', 11::bigint, 1::bigint), ('E09900091', 12, 2), ('E09900091', 13, null),
    ('E09900092', 14, 4)
) as rows (authority, young_person_key, team_key);
create table marts_build.fct_moves as
select authority, young_person_key from marts_build.fct_members;
create table marts_build.monthly_counts as select 'E09900091' as authority, 'moved' as event_type;
"""
# what the list of what is due is built from
CORE = """
create table core.fct_due as select
    authority, team_key, key as due_key, key as young_person_key, null::bigint as worker_key,
    date '2019-06-30' as as_at_date, 'review' as due_type, date '2019-07-01' as due_date,
    false as is_overdue
from (values
    ('E09900091', 1::bigint, 1::bigint), ('E09900091', 2, 2), ('E09900091', null, 3),
    ('E09900092', 4, 4)
) as rows (authority, team_key, key);
create table core.dim_team as select team_key, 'Any' as team_name from core.fct_due limit 0;
create table identity.person_identity as
select key as young_person_key, chr(64 + key::integer) as person_id
from core.fct_due as due (authority, team_key, key);
create table identity.worker_identity as
select worker_key, 'W' as worker_id from core.fct_due limit 0;
"""
LARGE = {"large", "without a denominator", "nothing", "a mean of many"}


def map_all(settings: Readers = SETTINGS) -> None:
    readers.create_logins([reader.login for reader in settings.readers])
    with connect("carepath_loader") as loader:
        readers.map_readers(loader, settings.rows(), settings.team_rows())


def seen(login: str, query: str) -> set[Any]:
    with closing(connect(login, autocommit=True)) as reader:
        return {row if len(row) > 1 else row[0] for row in reader.execute(query).fetchall()}


@pytest.fixture
def owner(warehouse: object) -> Iterator[psycopg.Connection[Any]]:
    """The owner's connection; the logins are mapped, and nothing is published."""
    with closing(connect("carepath_owner", autocommit=True)) as connection:
        map_all()
        yield connection
        for schema in ("marts", "marts_prev", "marts_build"):
            for (name,) in connection.execute(
                "select relname from pg_class where relnamespace = to_regnamespace(%s)"
                " and relkind = 'r' and relname <> 'publication'",
                [schema],
            ).fetchall():
                connection.execute(f'drop table {schema}."{name}"')


@pytest.fixture
def published(owner: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """The figures of two authorities, published once."""
    owner.execute(BUILD)
    for authority in (ASHMERE, OTHER):
        owner.execute(
            "insert into ops.authorities values (%s, 'Invented') on conflict do nothing",
            [authority],
        )
        owner.execute(
            "insert into ops.sources values (%s, %s, 'demo') on conflict do nothing",
            [f"teams-{authority}", authority],
        )
        publish_once(owner, authority)
    return owner


def publish_once(owner: psycopg.Connection[Any], authority: str) -> None:
    (load,) = owner.execute(
        "insert into ops.loads (source, authority, night) values (%s, %s, %s) returning load_id",
        [f"teams-{authority}", authority, NIGHT],
    ).fetchone() or (0,)
    owner.execute("insert into ops.runs (run_id, night) values (%s, %s)", [f"teams-{load}", NIGHT])
    publish(f"teams-{load}", authority, load, NIGHT, TABLES)


def assert_north_sees_its_own(owner: psycopg.Connection[Any]) -> None:
    assert seen(NORTH, "select team_key from marts.dim_team") == {1}
    assert seen(NORTH, "select segment from marts.dim_segment") == {"all", "girls", "North"}
    figures = seen(NORTH, "select segment, measure_code from marts.kpi")
    assert {measure for segment, measure in figures if segment == "North"} > LARGE | {"small"}
    assert {measure for segment, measure in figures if segment == "all"} == LARGE
    assert {segment for segment, _ in figures} == {"North", "all"}
    assert seen(NORTH, "select segment from marts.kpi_means") == {"North", "all"}
    assert seen(NORTH, "select segment from marts.kpi_extremes") == {"North"}
    assert seen(NORTH, "select segment_code from marts.kpi_targets") == {"north"}
    assert seen(NORTH, "select young_person_key from marts.fct_members") == {11}
    assert seen(NORTH, "select young_person_key from marts.fct_moves") == set()
    assert seen(NORTH, "select event_type from marts.monthly_counts") == set()
    for login, people in ((ALL_TEAMS, {11, 12, 13}), ("carepath_loader", {11, 12, 13, 14})):
        for mart in ("fct_members", "fct_moves"):
            assert seen(login, f"select young_person_key from marts.{mart}") == people
    assert privileges.differences(owner) == ([], [])


def test_limited_login_sees_its_teams_after_publication_new_column_rollback_and_new_mart(
    published: psycopg.Connection[Any],
) -> None:
    assert_north_sees_its_own(published)
    # by its new column, a table without teams becomes one with teams
    published.execute("alter table marts_build.fct_moves add column team_key bigint")
    published.execute("update marts_build.fct_moves set team_key = 1 where young_person_key = 12")
    publish_once(published, ASHMERE)
    assert seen(NORTH, "select young_person_key from marts.fct_moves") == {12}
    assert privileges.differences(published) == ([], [])
    rollback(ASHMERE)
    assert_north_sees_its_own(published)


def test_limited_login_cannot_step_around_its_policies(published: psycopg.Connection[Any]) -> None:
    query = "select young_person_key from marts.fct_members"
    with closing(connect(NORTH, autocommit=True)) as reader:
        reader.execute("set role bi_reader")
        assert reader.execute(query).fetchall() == [(11,)]
        reader.execute("set row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(query)
        reader.execute("set default_transaction_read_only = off")
        for statement in (
            f"insert into ops.reader_teams values ('{NORTH}', 'South')",
            "select * from ops.reader_teams",
            "drop policy teams_see_own on marts.fct_members",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement)


def test_login_of_a_team_that_no_longer_has_its_name_sees_no_rows(
    published: psycopg.Connection[Any],
) -> None:
    renamed = Readers(readers=(Reader(login=NORTH, authorities=(ASHMERE,), teams=("Norht",)),))
    map_all(renamed)
    with connect("carepath_loader") as loader:
        assert readers.unknown_teams(loader, SETTINGS) == []
        assert readers.unknown_teams(loader, renamed) == ["Norht"]
    assert seen(NORTH, "select team_key from marts.dim_team") == set()
    assert seen(NORTH, "select segment from marts.kpi") == {"all"}


def test_rows_without_a_team_are_shown_in_no_mart(owner: psycopg.Connection[Any]) -> None:
    """One row of the authority in each table that dbt builds; nothing else in it is known."""
    counted = {}
    for name, mart in read_catalogue().items():
        if "authority" in mart.columns and name not in ("night_status", "quality_by_rule"):
            columns = {column: about.type for column, about in mart.columns.items()}
            if name != "publication":
                create_table(owner, "marts", Shape(name, columns, ("authority",)))
                owner.execute(f"insert into marts.{name} (authority) values (%s)", [ASHMERE])
            counted[name] = len(seen(NORTH, f"select authority from marts.{name}"))
            assert name == "publication" or seen(ALL_TEAMS, f"select 1 from marts.{name}"), name
    assert len(counted) > 100
    assert {name for name, count in counted.items() if count} <= {
        "dim_authority", "dim_cohort", "dim_provider", "dim_segment", "dim_snapshot", "publication",
    }  # fmt: skip
    assert privileges.differences(owner) == ([], [])


def test_list_of_what_is_due_shows_the_team_only_after_each_build(
    owner: psycopg.Connection[Any],
) -> None:
    owner.execute(
        "create table marts.dim_team as select * from (values ('E09900091', 1::bigint, 'North'),"
        " ('E09900092', 4, 'North')) as rows (authority, team_key, team_name)"
    )
    owner.execute("select ops.protect_mart('marts.dim_team')")
    with closing(connect("carepath_loader", autocommit=True)) as loader:
        loader.execute(CORE)
        for _ in range(2):  # dbt replaces the table, and its policies with it
            run_dbt(["run", "--select", "caseload_due"], layer="core")
            assert seen(LIST, "select person_id from caseload.due") == {"A"}
            assert seen("carepath_caseload", "select person_id from caseload.due") == {*"ABCD"}
            assert privileges.differences(owner) == ([], [])
        loader.execute("alter table caseload.due disable row level security")
        assert {line[3] for line in privileges.differences(owner)[0]} == {
            "has 0 row policies of 2, and not teams_see_own"
        }
        loader.execute("drop table caseload.due")


def test_mart_with_the_policy_of_other_columns_is_found(published: psycopg.Connection[Any]) -> None:
    for change in (
        "drop policy teams_see_own on marts.fct_members",
        "alter policy teams_see_own on marts.fct_members using (true)",
        "alter policy teams_see_own on marts.fct_members rename to teams_see_all",
        "alter table marts.fct_moves add column team_key bigint",
    ):
        with published.transaction(force_rollback=True):
            published.execute(change)
            more, missing = privileges.differences(published)
        assert more, change
        assert not missing, change


def test_login_of_the_list_does_not_read_marts(owner: psycopg.Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        seen(LIST, "select * from marts.publication")


@pytest.mark.parametrize("login", [NORTH, LIST, ALL_TEAMS])
@pytest.mark.parametrize("view", ["quality.work_list", "quality.findings", "quality.kept_findings"])
def test_logins_of_readers_read_no_finding(
    owner: psycopg.Connection[Any], login: str, view: str
) -> None:
    """The work list has no policy by team: only the desk reads it, which limits each person."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        seen(login, f"select * from {view}")
