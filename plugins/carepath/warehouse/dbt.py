"""Runs dbt in this process, as carepath_loader, and records what each model took."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg

from carepath.errors import WarehouseError, safe_message
from carepath.settings import get_settings
from carepath.warehouse.connect import connect, parameters

log = logging.getLogger(__name__)

# where nothing listens: for what dbt does without a warehouse
_NOWHERE = {
    "CAREPATH_DBT_HOST": "127.0.0.1",
    "CAREPATH_DBT_PORT": "1",
    "CAREPATH_DBT_SSLMODE": "prefer",
    "DBT_ENV_SECRET_CAREPATH_LOADER": "none",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
}
FAILURES = frozenset({"error", "fail", "runtime error", "partial success"})


@dataclass(frozen=True)
class ModelTiming:
    """How one model, seed, snapshot or test of an invocation went.

    Attributes:
        model: its name in dbt.
        status: dbt's word: success, error, skipped, pass, fail, warn.
        seconds: how long it ran.
        row_count: rows written, or failing rows of a test; None where dbt does not know (views).
        message: dbt's message, without any value of a record.
        authorities: whose rows fail a test; None if it cannot tell, or did not fail.
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
        "CAREPATH_DBT_HOST": found["host"],
        "CAREPATH_DBT_PORT": found["port"],
        "CAREPATH_DBT_SSLMODE": found.get("sslmode", "prefer"),
        "DBT_ENV_SECRET_CAREPATH_LOADER": found["password"],
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


@lru_cache(maxsize=1)
def read_manifest() -> dict[str, Any]:
    """Return what dbt understands of the project; it needs no warehouse for that.

    Raises:
        WarehouseError: dbt cannot parse the project.
    """
    settings = get_settings()
    target = settings.home / "dbt_target" / "parsed"
    with _changed_environment(_NOWHERE):
        outcome = _invoke(["parse", *_options(None, None, target)])
    if not outcome.success:
        _raise("parse", (), outcome.exception)
    found: dict[str, Any] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    return found


def run_dbt(
    command: Sequence[str],
    *,
    layer: str,
    run_id: str | None = None,
    vars: Mapping[str, Any] | None = None,
    project: Path | None = None,
    tolerate_failed_tests: bool = False,
) -> DbtResult:
    """Run one dbt command in this process; not from two threads at once (dbt cannot).

    Args:
        command: as on dbt's command line, for example `["build", "--select", "core"]`.
        layer: what the timings are recorded under in ops.model_timings.
        run_id: the run that they belong to; None records nothing.
        vars: dbt variables. dbt parses the whole project anew when they change.
        project: another project than the warehouse's own `dbt_project`.
        tolerate_failed_tests: a data test that finds rows is only recorded, for gate 2 to judge,
            and what depends on its model is built; one that cannot run, or a model that fails or
            is skipped, is still an error.

    Raises:
        WarehouseError: if a model or test failed (named), or dbt could not begin.
    """
    began = time.monotonic()
    going_on = _going_on_after_failed_tests() if tolerate_failed_tests else nullcontext()
    with _changed_environment(environment()), going_on:
        outcome = _invoke([*command, *_options(vars, project)])
    nodes = getattr(outcome.result, "results", None) or ()
    models = tuple(_timing(node) for node in nodes if not _is_quiet_hook(node))
    if run_id is not None:
        _record(run_id, layer, models)
    if not outcome.success and not (tolerate_failed_tests and _only_tests_failed(models)):
        _raise(layer, models, outcome.exception)
    return DbtResult(layer=layer, seconds=time.monotonic() - began, models=models)


def _options(
    vars: Mapping[str, Any] | None, project: Path | None, target: Path | None = None
) -> list[str]:
    settings = get_settings()
    own = settings.project_root / "dbt_project"
    project = project or own
    # What dbt has parsed stays valid as long as variables do: runs with some have their own place.
    kept = settings.home / "dbt_target" / project.name / ("with_vars" if vars else "plain")
    options = {
        "--project-dir": project,
        "--profiles-dir": own,
        "--target-path": target or kept,
        "--log-path": settings.logs / "dbt",
        "--log-level": "none",
        "--log-level-file": "info",
    }
    return [
        *(str(part) for option in options.items() for part in option),
        *("--no-use-colors", "--no-use-colors-file", "--no-send-anonymous-usage-stats"),
        *(("--vars", json.dumps(dict(vars))) if vars else ()),
    ]


def _invoke(arguments: list[str]) -> Any:
    from dbt.cli.main import dbtRunner  # 2 s: only who runs dbt waits for it

    _keep_values_out_of_errors()
    return dbtRunner(callbacks=[_tell]).invoke(arguments)


def _keep_values_out_of_errors() -> None:
    """Make dbt's adapter raise and log PostgreSQL's primary message only.

    dbt puts the whole text of an error into its log; its DETAIL and CONTEXT print row values.
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


@contextmanager
def _going_on_after_failed_tests() -> Iterator[None]:
    """Let `dbt build` build what depends on a model whose test found rows, as severity warn does.

    Said here and not in the project: there a test is an error, which the suite has to notice.
    """
    from dbt.artifacts.schemas.results import NodeStatus
    from dbt.task.build import BuildTask

    stopping = BuildTask.MARK_DEPENDENT_ERRORS_STATUSES
    BuildTask.MARK_DEPENDENT_ERRORS_STATUSES = [
        status for status in stopping if status != NodeStatus.Fail
    ]
    try:
        yield
    finally:
        BuildTask.MARK_DEPENDENT_ERRORS_STATUSES = stopping


def _tell(event: Any) -> None:
    """Log each node as it finishes: a build is long, and people watch it."""
    if event.info.name == "NodeFinished":
        node = event.data.node_info
        log.info("dbt %s %s: %s", node.resource_type, node.node_name, node.node_status)


def _is_quiet_hook(node: Any) -> bool:
    return node.node.resource_type == "operation" and str(node.status) not in FAILURES


def _timing(node: Any) -> ModelTiming:
    rows = node.failures
    if rows is None:
        rows = (node.adapter_response or {}).get("rows_affected")
    return ModelTiming(
        model=node.node.name,
        status=str(node.status),
        seconds=node.execution_time,
        row_count=rows if isinstance(rows, int) and rows >= 0 else None,
        message=node.message or "",
        authorities=_whose(node) if str(node.status) == "fail" else None,
    )


def _whose(node: Any) -> tuple[str, ...] | None:
    """Return whose rows fail a test, if each of the rows that it selects names its authority."""
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


def _only_tests_failed(models: Sequence[ModelTiming]) -> bool:
    """Tell whether all that went wrong is tests that found rows: dbt says `fail` of tests only."""
    wrong = {model.status for model in models} & (FAILURES | {"skipped"})
    return wrong == {"fail"}


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
