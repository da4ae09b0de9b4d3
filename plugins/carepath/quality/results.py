"""The runs, results and decisions of the gates, as schema `quality` keeps them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog

from carepath.errors import WarehouseError
from carepath.quality.decision import Decision, Result
from carepath.quality.findings import bring_up_to_date
from carepath.quality.log import log_gate_run

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class JudgedLoad:
    """The load that a gate run judges, with its authority and night."""

    load_id: int
    authority: str
    night: dt.date


def read_load(connection: psycopg.Connection[Any], load_id: int) -> JudgedLoad:
    """Return a load that is complete, so that a gate can judge it.

    Raises:
        WarehouseError: the load is not complete.
    """
    row = connection.execute(
        "select load_id, authority, night from ops.loads where load_id = %s and state = 'loaded'",
        (load_id,),
    ).fetchone()
    if row is None:
        raise WarehouseError(
            "The load is not complete, so the gate cannot judge it.",
            where=f"load {load_id}",
            todo="Load the source again.",
        )
    return JudgedLoad(*row)


def open_gate_run(
    connection: psycopg.Connection[Any], run_id: str, gate: int, load: JudgedLoad
) -> int:
    """Begin a gate run with the decision to hold, in case it never finishes."""
    row = connection.execute(
        "insert into quality.gate_runs (run_id, authority, gate, load_id, night, decision, reasons)"
        " values (%s, %s, %s, %s, %s, 'hold', array['The gate run did not finish.'])"
        " returning gate_run_id",
        (run_id, load.authority, gate, load.load_id, load.night),
    ).fetchone()
    if row is None:
        raise WarehouseError("The gate run was not recorded.", where=load.authority)
    return int(row[0])


def log_failed_rules(results: Sequence[Result]) -> None:
    """Log each rule that failed on a table: its counts, never a value of a record."""
    for result in results:
        if result.state in ("failed", "error"):
            log.warning(
                "a rule failed",
                rule=result.rule_id,
                table=result.table_name,
                state=result.state,
                severity=result.severity,
                failing=result.failing,
                population=result.population,
                holds=result.holds,
            )


def keep_decision(
    connection: psycopg.Connection[Any],
    gate_run_id: int,
    decision: Decision,
    results: Sequence[Result],
) -> None:
    """Store the results and the decision of a gate run in one transaction; log what failed."""
    log_failed_rules(results)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "insert into quality.rule_results (gate_run_id, rule_id, table_name, state,"
            " population_count, failing_count, waived_count, share, threshold, threshold_count,"
            " holds, message, seconds)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    gate_run_id,
                    r.rule_id,
                    r.table_name,
                    r.state,
                    r.population,
                    r.failing,
                    r.waived,
                    r.share,
                    r.threshold if r.severity == "warning" else None,
                    r.threshold_count if r.severity == "warning" else None,
                    r.holds,
                    r.message or None,
                    r.seconds,
                )
                for r in results
            ],
        )
        cursor.execute(
            "update quality.gate_runs set decision = %s, reasons = %s, decided_at = now(),"
            " finished_at = now() where gate_run_id = %s",
            ("pass" if decision.passed else "hold", list(decision.reasons), gate_run_id),
        )
        bring_up_to_date(connection, gate_run_id)
        log_gate_run(connection, gate_run_id, decision, results)
