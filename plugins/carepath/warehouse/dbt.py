"""Runs dbt in this process, as carepath_loader, and records what each model took."""

from __future__ import annotations

import gc
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg
import structlog

from carepath import site
from carepath.errors import CarepathError, WarehouseError, safe_message
from carepath.settings import get_settings
from carepath.warehouse.connect import connect, parameters

log = structlog.get_logger(__name__)

# an address where nothing listens, for a home that has no warehouse yet
_NOWHERE = {
    "CAREPATH_DBT_HOST": "127.0.0.1",
    "CAREPATH_DBT_PORT": "1",
    "CAREPATH_DBT_SSLMODE": "prefer",
    "DBT_ENV_SECRET_CAREPATH_LOADER": "none",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
}
# the SQL of this model rests on which tables there are when it is built
ASKS_THE_CATALOGUE = "fct_kpi_member"
FAILURES = frozenset({"error", "fail", "runtime error", "partial success"})
# commands that people run for what they write
_WRITING = frozenset({"parse", "compile"})
# what dbt has understood of a project; it checks which files have changed since
_READ = "partial_parse.msgpack"


@dataclass(frozen=True)
class ModelTiming:
    """How one model, seed, snapshot or test of an invocation went.

    Attributes:
        model: its name in dbt.
        status: dbt's word: success, error, skipped, pass or fail. A test that warns is `fail`.
        seconds: how long it ran.
        row_count: rows written, or failing rows of a test; None where dbt does not know (views).
        message: dbt's message, without any value of a record.
        authorities: those with rows that fail a test; None if it cannot tell, or did not fail.
    """

    model: str
    status: str
    seconds: float
    row_count: int | None
    message: str
    authorities: tuple[str, ...] | None = None


@dataclass(frozen=True)
class DbtResult:
    """One invocation of dbt that succeeded.

    Attributes:
        layer: the layer it was for, as given.
        seconds: of the whole invocation, parsing included.
        models: one entry per node that ran, in the order in which they finished.
    """

    layer: str
    seconds: float
    models: tuple[ModelTiming, ...]


def environment() -> dict[str, str]:
    """Return the environment variables with which `dbt` reaches the warehouse.

    Raises:
        WarehouseError: if the warehouse has not been set up.
    """
    found = parameters("carepath_loader")
    return {
        **site_environment(),
        "CAREPATH_DBT_HOST": found["host"],
        "CAREPATH_DBT_PORT": found["port"],
        "CAREPATH_DBT_SSLMODE": found.get("sslmode", "prefer"),
        "DBT_ENV_SECRET_CAREPATH_LOADER": found["password"],
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def site_environment() -> dict[str, str]:
    """Return the environment variables that give staging a council's own programmes.

    Raises:
        SettingsError: the settings are not valid.
    """
    from carepath.documents import staging

    return staging.site_environment([site.effective_programmes()])


@lru_cache(maxsize=1)
def read_manifest() -> dict[str, Any]:
    """Return dbt's manifest of the project. This needs no warehouse.

    Raises:
        WarehouseError: dbt cannot parse the project.
    """
    settings = get_settings()
    target = settings.home / "dbt_target" / "parsed"
    parse_project(target)
    found: dict[str, Any] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    return found


@lru_cache(maxsize=1)
def compile_models() -> dict[str, Any]:
    """Return dbt's manifest with the SQL of the models. This needs no warehouse.

    Models in ASKS_THE_CATALOGUE have no SQL.

    Raises:
        WarehouseError: dbt cannot compile the project.
    """
    target = get_settings().home / "dbt_target" / "compiled"
    # with the default settings, so that the SQL is the same for each council
    address = {name: value for name, value in _where().items() if name in _NOWHERE}
    with _changed_environment(address):
        outcome = _invoke(
            [
                *("compile", "--select", "resource_type:model", "--exclude", ASKS_THE_CATALOGUE),
                # as if each model were built from the start, so that none asks what it has kept
                *("--full-refresh", "--no-introspect", "--no-populate-cache"),
                *_options(None, own_project(), target),
            ]
        )
    if not outcome.success:
        _raise("compile", (), outcome.exception)
    found: dict[str, Any] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    return found


def parse_project(target: Path) -> None:
    """Let dbt write the manifest of the project into a folder. This needs no warehouse.

    Raises:
        WarehouseError: dbt cannot parse the project.
    """
    with _changed_environment(_where()):
        outcome = _invoke(["parse", *_options(None, own_project(), target)])
    if not outcome.success:
        _raise("parse", (), outcome.exception)


def _where() -> Mapping[str, str]:
    """Return the environment of this home's warehouse, or of none if there is none.

    dbt reads the whole project again if the address changes, although reading needs no warehouse.
    """
    try:
        return environment()
    except CarepathError:
        return _NOWHERE


def run_dbt(
    command: Sequence[str],
    *,
    layer: str,
    run_id: str | None = None,
    vars: Mapping[str, Any] | None = None,
    project: Path | None = None,
    tolerate_failed_tests: bool = False,
    writes_manifest: bool = False,
    contracts_hold: bool = False,
) -> DbtResult:
    """Run one dbt command in this process. dbt cannot run in two threads at once.

    Args:
        command: as on dbt's command line, for example `["build", "--select", "core"]`.
        layer: what the timings are recorded under in ops.model_timings.
        run_id: the run that they belong to; None records nothing.
        vars: dbt variables. dbt parses the whole project again when they change.
        project: another project than the warehouse's own `dbt_project`.
        tolerate_failed_tests: a data test that finds rows is only recorded, for gate 2 to judge.
            A test that cannot run, or a model that fails, is still an error.
        writes_manifest: dbt writes manifest.json too. `parse` and `compile` always do.
            It has 7 MB and costs 2.5 s of processor time.
        contracts_hold: a build with the same code has compared each model with its contract, so
            this one need not (docs/adr/0004).

    Raises:
        WarehouseError: if a model or test failed (named), or dbt could not begin.
    """
    began = time.monotonic()
    if not writes_manifest and command[0] not in _WRITING:
        command = [*command, "--no-write-json"]
    checked = {"CAREPATH_DBT_CONTRACTS_HOLD": "1" if contracts_hold else ""}
    with _changed_environment({**environment(), **checked}):
        outcome = _invoke([*command, *_options(vars, project)])
    nodes = getattr(outcome.result, "results", None) or ()
    models = tuple(_timing(node) for node in nodes if not _is_quiet_hook(node))
    if run_id is not None:
        _record(run_id, layer, models)
    failed_tests = any(model.status == "fail" for model in models)
    if not outcome.success or (failed_tests and not tolerate_failed_tests):
        _raise(layer, models, outcome.exception)
    return DbtResult(layer=layer, seconds=time.monotonic() - began, models=models)


def own_project() -> Path:
    """Return dbt's project in the checkout, with the default settings."""
    return get_settings().project_root / "dbt_project"


def _options(
    vars: Mapping[str, Any] | None, project: Path | None, target: Path | None = None
) -> list[str]:
    settings = get_settings()
    project = project or site.dbt_project()
    # dbt parses again when variables change, so runs with variables have their own place.
    kept = settings.home / "dbt_target" / project.name / ("with_vars" if vars else "plain")
    target = target or kept
    if not vars:
        _begin_with_the_files_read(target)
    options = {
        "--project-dir": project,
        "--profiles-dir": own_project(),
        "--target-path": target,
        "--log-path": settings.logs / "dbt",
        "--log-level": "none",
        "--log-level-file": "info",
    }
    return [
        *(str(part) for option in options.items() for part in option),
        *("--no-use-colors", "--no-use-colors-file", "--no-send-anonymous-usage-stats"),
        *(("--vars", json.dumps(dict(vars))) if vars else ()),
    ]


def _begin_with_the_files_read(target: Path) -> None:
    """Give a new target what this home has read of the project elsewhere.

    dbt compares every file with it and parses only those that differ. To parse all takes 16 s.
    """
    read = target / _READ
    if read.exists():
        return
    places = get_settings().home / "dbt_target"
    others = (*places.glob(f"*/plain/{_READ}"), *places.glob(f"*/{_READ}"))
    newest = max(others, key=lambda path: path.stat().st_mtime_ns, default=None)
    if newest is not None:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(newest, read)


def _invoke(arguments: list[str]) -> Any:
    from dbt.cli.main import dbtRunner  # takes 2 s, so only processes that run dbt import it

    _keep_values_out_of_errors()
    _keep_connections()
    with _garbage_left():
        return dbtRunner(callbacks=[_log_node, _collect_while_building]).invoke(arguments)


@contextmanager
def _garbage_left() -> Iterator[None]:
    """Do not look for circular garbage while dbt reads the project.

    dbt keeps what it has read until it ends. Python would look through it again and again, and
    find next to nothing (ADR 4).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_on:
            gc.enable()


def _collect_while_building(event: Any) -> None:
    """Look for garbage again when dbt begins to build, but not in what it has read."""
    if event.info.name == "ConcurrencyLine":
        gc.freeze()
        gc.enable()


def _keep_values_out_of_errors() -> None:
    """Make dbt's adapter raise and log PostgreSQL's primary message only.

    dbt puts the whole text of an error into its log; its DETAIL and CONTEXT print row values.
    dbt has no setting for that, and a log that was written cannot be unread. So Carepath replaces
    a method of dbt's own, as the next function does, and nowhere else.
    """
    import psycopg2
    from dbt.adapters.postgres.connections import PostgresConnectionManager
    from dbt_common.exceptions import DbtDatabaseError

    if getattr(PostgresConnectionManager, "keeps_values_out", False):
        return
    original = PostgresConnectionManager.exception_handler

    @contextmanager
    def discreet(self: Any, sql: str) -> Iterator[None]:
        with original(self, sql):
            try:
                yield
            except psycopg2.DatabaseError as error:
                self.rollback_if_open()
                raise DbtDatabaseError(safe_message(error)) from None

    PostgresConnectionManager.exception_handler = discreet
    PostgresConnectionManager.keeps_values_out = True


def _keep_connections() -> None:
    """Let each of dbt's threads keep its connection for the next node (ADR 4).

    dbt closes it after each node. The server then ends a process, starts another one, and reads
    the catalogue again. Here the connection is only emptied: nothing of a session is left.
    """
    import psycopg2
    from dbt.adapters.contracts.connection import ConnectionState
    from dbt.adapters.postgres.connections import PostgresConnectionManager

    if getattr(PostgresConnectionManager, "keeps_connections", False):
        return
    close = PostgresConnectionManager.release

    def empty(self: Any) -> None:
        connection = self.get_if_exists()
        if connection is None or connection.state != ConnectionState.OPEN:
            return
        try:
            connection.handle.rollback()
            connection.transaction_open = False
            connection.handle.autocommit = True
            with connection.handle.cursor() as cursor:
                cursor.execute("discard all")
                # another thread may build one large table meanwhile
                cursor.execute("set idle_session_timeout = 0")
            connection.handle.autocommit = False
        except psycopg2.Error:
            close(self)

    PostgresConnectionManager.release = empty
    PostgresConnectionManager.keeps_connections = True


def _log_node(event: Any) -> None:
    """Log each node as it finishes, because a build is long and people watch it."""
    if event.info.name == "NodeFinished":
        node = event.data.node_info
        is_well = node.node_status in ("success", "pass")
        # there are hundreds of tests, so only those that failed are shown
        say = log.debug if is_well and node.resource_type == "test" else log.info
        say("dbt", kind=node.resource_type, model=node.node_name, status=node.node_status)


def _is_quiet_hook(node: Any) -> bool:
    return node.node.resource_type == "operation" and str(node.status) not in FAILURES


def _timing(node: Any) -> ModelTiming:
    rows = node.failures
    if rows is None:
        rows = (node.adapter_response or {}).get("rows_affected")
    # the project's data tests warn, so that dbt builds what depends on a model that fails one
    status = "fail" if str(node.status) == "warn" else str(node.status)
    return ModelTiming(
        model=node.node.name,
        status=status,
        seconds=node.execution_time,
        row_count=rows if isinstance(rows, int) and rows >= 0 else None,
        message=node.message or "",
        authorities=_failing_authorities(node) if status == "fail" else None,
    )


def _failing_authorities(node: Any) -> tuple[str, ...] | None:
    """Return the authorities with rows that fail a test; None if a failing row names none."""
    query = node.node.compiled_code
    try:
        with connect("carepath_loader") as connection:
            rows = connection.execute(
                f"select distinct authority from ({query}) as failing order by 1"
            ).fetchall()
    except psycopg.Error:  # no such column: the test is about the warehouse as a whole
        return None
    authorities = tuple(authority for (authority,) in rows)
    return authorities if authorities and all(authorities) else None


def _record(run_id: str, layer: str, models: Sequence[ModelTiming]) -> None:
    with connect("carepath_loader") as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.model_timings"
            " (run_id, layer, model, status, seconds, row_count, message, authorities)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    run_id, layer, m.model, m.status, m.seconds, m.row_count, m.message or None,
                    m.authorities and list(m.authorities),
                )
                for m in models
            ],
        )  # fmt: skip


def _raise(layer: str, models: Sequence[ModelTiming], exception: BaseException | None) -> None:
    todo = f"read {get_settings().logs / 'dbt' / 'dbt.log'}."
    if failed := [model for model in models if model.status in FAILURES]:
        first, others = failed[0], len(failed) - 1
        more = f" ({others} more failed)" if others else ""
        what = f"dbt {first.model}: {_one_line(first.message)}{more}"
    else:
        what = f"dbt could not begin: {_one_line(str(exception or 'no reason given'))}"
    raise WarehouseError(what, where=layer, todo=todo)


def _one_line(message: str) -> str:
    return " ".join(message.split())


@contextmanager
def _changed_environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
