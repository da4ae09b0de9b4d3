"""One dbt invocation in this process: timings recorded, failures named, no record shown."""

from __future__ import annotations

import gc
import logging
import shutil
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from carepath.errors import WarehouseError
from carepath.settings import get_settings
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import environment, run_dbt

pytestmark = pytest.mark.usefixtures("warehouse")

PROJECT = """
name: probe
version: "1.0"
config-version: 2
profile: carepath
models:
  probe:
    +materialized: table
data_tests:
  +severity: warn
on-run-end: "{{ open_as_known_at(schemas) }}"
"""
SECRET = "Invented Surname"


@pytest.fixture(scope="module")
def project(warehouse: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("probe")
    models = folder / "models"
    models.mkdir()
    shutil.copytree(get_settings().project_root / "dbt_project" / "macros", folder / "macros")
    (folder / "dbt_project.yml").write_text(PROJECT)
    (models / "good.sql").write_text("select n from generate_series(1, 3) as n")
    (models / "bad_cast.sql").write_text(
        f"select cast(name as integer) as n from (values ('{SECRET}')) as v (name)"
    )
    (models / "bad_key.sql").write_text(
        "{{ config(post_hook='create unique index on {{ this }} (name)') }}\n"
        f"select '{SECRET}' as name from generate_series(1, 2)"
    )
    (models / "told.sql").write_text('select \'{{ var("word", "none") }}\' as word')
    (models / "after.sql").write_text("select n from {{ ref('good') }}")
    tests = folder / "tests"
    tests.mkdir()
    (tests / "of_one.sql").write_text("select 'E09900002' as authority from {{ ref('good') }}")
    (tests / "of_no_authority.sql").write_text("select n from {{ ref('good') }}")
    (tests / "unsure.sql").write_text(
        "select nullif('E0990000' || n, 'E09900002') as authority from {{ ref('good') }}"
    )
    (tests / "broken.sql").write_text("select n from {{ ref('good') }} where n / 0 = 1")
    with connect("carepath_loader") as loader:
        loader.execute("insert into ops.runs (run_id, night) values ('night-1', '2019-06-30')")
    return folder


def test_run_dbt_table_records_status_seconds_and_rows(project: Path) -> None:
    result = run_dbt(["run", "--select", "good"], layer="core", run_id="night-1", project=project)
    assert [(model.model, model.status, model.row_count) for model in result.models] == [
        ("good", "success", 3)
    ]
    with connect("carepath_analyst") as analyst:
        recorded = analyst.execute(
            "select layer, model, status, row_count, seconds > 0 from ops.model_timings"
            " where run_id = 'night-1' and model = 'good'"
        ).fetchall()
    assert recorded == [("core", "good", "success", 3, True)]


def test_run_dbt_compares_a_table_with_its_contract_unless_a_build_has_done_so(
    project: Path,
) -> None:
    (project / "models" / "agreed.sql").write_text("select n::bigint as n from {{ ref('good') }}")
    (project / "models" / "agreed.yml").write_text(
        "models: [{name: agreed, config: {contract: {enforced: true}},"
        " constraints: [{type: primary_key, columns: [n]}],"
        " columns: [{name: n, data_type: integer}]}]"
    )
    command = ["run", "--select", "agreed"]
    with pytest.raises(WarehouseError, match="contract"):
        run_dbt(command, layer="core", project=project)
    result = run_dbt(command, layer="core", project=project, contracts_hold=True)
    assert [(model.status, model.row_count) for model in result.models] == [("success", 3)]
    with connect("carepath_loader") as loader:
        made = loader.execute(
            "select format_type(a.atttypid, null), a.attnotnull, i.indisprimary"
            " from pg_attribute as a inner join pg_index as i on a.attrelid = i.indrelid"
            " where a.attrelid = 'staging.agreed'::regclass and a.attnum > 0"
        ).fetchall()
    assert made == [("integer", True, True)]
    with pytest.raises(WarehouseError, match="contract"):
        run_dbt(command, layer="core", project=project)


def test_run_dbt_makes_a_table_of_a_view_and_a_view_of_a_table(project: Path) -> None:
    model = project / "models" / "changing.sql"
    for kind, letter in (("view", "v"), ("table", "r"), ("view", "v"), ("view", "v")):
        model.write_text(f"{{{{ config(materialized='{kind}') }}}} select 1 as n")
        run_dbt(["run", "--select", "changing"], layer="core", project=project)
        with connect("carepath_loader") as loader:
            found = loader.execute(
                "select relname, relkind from pg_class where relname like 'changing%'"
            ).fetchall()
        assert found == [("changing", letter)]


def test_run_dbt_keeps_a_connection_for_each_thread_and_nothing_of_the_node_before(
    project: Path,
) -> None:
    names = [f"alone_{number}" for number in range(6)]
    for name in names:
        (project / "models" / f"{name}.sql").write_text(
            "{{ config(post_hook='create temporary table left_behind (n integer);"
            " set datestyle = german') }}\n"
            "select pg_backend_pid() as pid, current_setting('datestyle') as style"
        )
    run_dbt(["run", "--select", *names], layer="core", project=project)
    query = " union all ".join(f"select pid, style from staging.{name}" for name in names)
    with connect("carepath_loader") as loader:
        found = loader.execute(query.encode()).fetchall()
        connected = loader.execute(
            "select 1 from pg_stat_activity where application_name = 'dbt'"
        ).fetchall()
    assert len({pid for pid, _ in found}) <= 2  # dbt's threads
    assert {style for _, style in found} == {"ISO, DMY"}
    assert connected == []


def test_run_dbt_with_variables_in_between_parses_the_project_once(project: Path) -> None:
    def parses() -> int:
        return (get_settings().logs / "dbt" / "dbt.log").read_text().count("partial parsing")

    run_dbt(["run", "--select", "told"], layer="core", project=project)
    before = parses()
    run_dbt(["run", "--select", "told"], layer="core", vars={"word": "other"}, project=project)
    with connect("carepath_loader") as loader:
        assert loader.execute("select word from staging.told").fetchall() == [("other",)]
    with_variables = parses()
    run_dbt(["run", "--select", "told"], layer="core", project=project)
    assert with_variables == before + 1
    assert parses() == with_variables


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("bad_cast", "invalid input syntax for type integer"),
        ("bad_key", "could not create unique index"),
    ],
)
def test_run_dbt_failing_model_is_named_and_recorded_without_values(
    project: Path, caplog: pytest.LogCaptureFixture, model: str, reason: str
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(WarehouseError, match=model) as raised:
        run_dbt(["run", "--select", model], layer="core", run_id="night-1", project=project)
    assert reason in str(raised.value)
    with connect("carepath_analyst") as analyst:
        recorded = analyst.execute(
            "select status, message from ops.model_timings where model = %s", (model,)
        ).fetchall()
    assert [status for status, _ in recorded] == ["error"]
    written = (get_settings().logs / "dbt" / "dbt.log").read_text()
    for text in (str(raised.value), repr(recorded), written, caplog.text):
        assert SECRET not in text


def test_run_dbt_failed_test_is_tolerated_and_recorded_with_whose_rows_fail(
    project: Path,
) -> None:
    run_dbt(["run", "--select", "good"], layer="core", project=project)
    command = ["test", "--select", "of_one", "of_no_authority", "unsure"]
    with pytest.raises(WarehouseError, match="of_"):
        run_dbt(command, layer="core", project=project)
    result = run_dbt(
        command, layer="core", run_id="night-1", project=project, tolerate_failed_tests=True
    )
    assert {model.status for model in result.models} == {"fail"}
    with connect("carepath_analyst") as analyst:
        recorded = analyst.execute(
            "select model, status, authorities from ops.model_timings where status = 'fail'"
            " order by 1"
        ).fetchall()
    assert recorded == [
        ("of_no_authority", "fail", None),
        ("of_one", "fail", ["E09900002"]),
        ("unsure", "fail", None),
    ]


@pytest.mark.parametrize(
    "command",
    [["build", "--select", "good", "after", "of_one"], ["test", "--select", "of_one", "broken"]],
    ids=["a model was skipped", "a test could not run"],
)
def test_run_dbt_tolerates_nothing_but_failed_tests(project: Path, command: list[str]) -> None:
    run_dbt(["run", "--select", "good"], layer="core", project=project)
    with pytest.raises(WarehouseError):
        run_dbt(command, layer="core", project=project, tolerate_failed_tests=True)


def test_run_dbt_builds_what_depends_on_a_failed_test_that_is_tolerated(project: Path) -> None:
    command = ["build", "--select", "good", "after", "of_one", "--indirect-selection", "empty"]
    result = run_dbt(command, layer="core", project=project, tolerate_failed_tests=True)
    assert {model.model: model.status for model in result.models} == {
        "good": "success",
        "of_one": "fail",
        "after": "success",
    }
    with pytest.raises(WarehouseError, match="of_one"):
        run_dbt(command, layer="core", project=project)


def test_run_dbt_as_known_at_a_day_is_read_by_whoever_reads_tonight(project: Path) -> None:
    for schema in ("core", "identity"):
        (project / "models" / f"of_{schema}.sql").write_text(
            f"{{{{ config(schema='{schema}') }}}} select 1 as n"
        )
    result = run_dbt(
        ["run", "--select", "of_core", "of_identity"],
        layer="core",
        vars={"as_known_at": "2019-06-28"},
        project=project,
    )
    assert {model.model for model in result.models} == {"of_core", "of_identity"}
    readers = {"carepath_analyst": "core", "carepath_steward": "identity", "bi_reader": ""}
    for role, readable in readers.items():
        for schema in ("core", "identity"):
            with connect(role) as reader:
                query = f"select n from {schema}_as_known_20190628.of_{schema}"
                if schema == readable:
                    assert reader.execute(query).fetchall() == [(1,)]
                else:
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        reader.execute(query)


def test_run_dbt_unknown_command_says_that_it_could_not_begin(project: Path) -> None:
    with pytest.raises(WarehouseError, match="could not begin"):
        run_dbt(["fly"], layer="core", project=project)


@pytest.mark.parametrize("command", [["fly"], ["run", "--select", "good"]])
def test_run_dbt_leaves_the_collection_of_garbage_as_it_was(
    project: Path, command: list[str]
) -> None:
    with suppress(WarehouseError):
        run_dbt(command, layer="core", project=project)
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_environment_password_is_in_no_file_of_dbt(project: Path) -> None:
    secret = environment()["DBT_ENV_SECRET_CAREPATH_LOADER"]
    run_dbt(["parse"], layer="core", project=project)
    home = get_settings().home
    for folder in (home / "dbt_target", home / "logs"):
        for path in folder.rglob("*"):
            assert path.is_dir() or secret.encode() not in path.read_bytes()
