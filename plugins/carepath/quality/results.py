"""What a gate keeps in schema `quality`: its runs, results, decision, and the register's mirror."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from carepath.errors import WarehouseError
from carepath.quality.decision import Decision, Result
from expectations.register import domain_of
from expectations.register import rules as register


@dataclass(frozen=True)
class Cutoff:
    """The load as at which an authority's records are shown, and its night."""

    load_id: int
    night: dt.date


def read_cutoff(connection: psycopg.Connection[Any], authority: str) -> Cutoff:
    """Return the authority's row of `ops.cutoffs`.

    Raises:
        WarehouseError: it has none, so there is nothing to judge.
    """
    row = connection.execute(
        "select load_id, night from ops.cutoffs where authority = %s", (authority,)
    ).fetchone()
    if row is None:
        raise WarehouseError(
            "the authority has no load to judge", where=authority, todo="load its source first"
        )
    return Cutoff(*row)


def open_gate_run(
    connection: psycopg.Connection[Any], run_id: str, authority: str, gate: int, cutoff: Cutoff
) -> int:
    """Begin a gate run, as held: a run that never finishes must not count as passed."""
    row = connection.execute(
        "insert into quality.gate_runs (run_id, authority, gate, load_id, night, decision, reasons)"
        " values (%s, %s, %s, %s, %s, 'hold', array['the gate run did not finish'])"
        " returning gate_run_id",
        (run_id, authority, gate, cutoff.load_id, cutoff.night),
    ).fetchone()
    if row is None:
        raise WarehouseError("the gate run was not recorded", where=authority)
    return int(row[0])


def keep_decision(
    connection: psycopg.Connection[Any],
    gate_run_id: int,
    decision: Decision,
    results: Sequence[Result],
) -> None:
    """Store the results and the decision of a gate run in one transaction."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "insert into quality.rule_results (gate_run_id, rule_id, table_name, state,"
            " population_count, failing_count, share, threshold, holds, message, seconds)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    gate_run_id,
                    r.rule_id,
                    r.table_name,
                    r.state,
                    r.population,
                    r.failing,
                    r.share,
                    r.threshold if r.severity == "warning" else None,
                    r.holds,
                    r.message or None,
                    r.seconds,
                )
                for r in results
            ],
        )
        cursor.execute(
            "update quality.gate_runs set decision = %s, reasons = %s, decided_at = now()"
            " where gate_run_id = %s",
            ("pass" if decision.passed else "hold", list(decision.reasons), gate_run_id),
        )


def mirror(connection: psycopg.Connection[Any]) -> None:
    """Make `quality.rules` equal to the register and the checks; a rule that is gone is retired."""
    from carepath.quality.checks import CHECKS

    rows = [
        (
            rule.rule_id,
            domain_of(rule),
            ", ".join(rule.subjects) if len(rule.subjects) < 6 else "many tables",
            rule.severity,
            rule.owner,
            rule.says,
            rule.todo,
            rule.reference,
            rule.threshold if rule.severity == "warning" else None,
            list(rule.falsifies),
        )
        for rule in register()
    ]
    rows += [
        (c.rule_id, "Figures", "marts_build", "critical", c.owner, c.says, c.todo, c.reference,
         None, [])
        for c in CHECKS
    ]  # fmt: skip
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into quality.rules as r (rule_id, domain, entity, severity, owner, plain_words,
                what_to_do, reference, threshold, falsifies, retired_at)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, null)
            on conflict (rule_id) do update set
                (domain, entity, severity, owner, plain_words, what_to_do, reference, threshold,
                    falsifies, retired_at)
                = (excluded.domain, excluded.entity, excluded.severity, excluded.owner,
                    excluded.plain_words, excluded.what_to_do, excluded.reference,
                    excluded.threshold, excluded.falsifies, null)
            where (r.domain, r.entity, r.severity, r.owner, r.plain_words, r.what_to_do,
                    r.reference, r.threshold, r.falsifies, r.retired_at)
                is distinct from (excluded.domain, excluded.entity, excluded.severity,
                    excluded.owner, excluded.plain_words, excluded.what_to_do,
                    excluded.reference, excluded.threshold, excluded.falsifies,
                    null::timestamptz)
            """,
            rows,
        )
        cursor.execute(
            "update quality.rules set retired_at = now()"
            " where retired_at is null and rule_id <> all(%s)",
            ([row[0] for row in rows],),
        )
