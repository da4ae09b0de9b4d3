"""The decisions about each authority, in tables that are only added to.

`quality.gate_runs` says what a gate run decided. `quality.decisions` also says how each night
ended, and `quality.decision_reasons` says why: an auditor needs no other table. The database
refuses every change of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from carepath.quality.decision import NO_RESULT, Decision, Result, reason


@dataclass(frozen=True)
class Reason:
    """One reason of a decision, as `quality.decision_reasons` has it."""

    state: str
    holds: bool
    says: str
    rule_id: str | None = None
    table_name: str | None = None
    severity: str | None = None
    population: int | None = None
    failing: int | None = None
    waived: int = 0
    allowed_share: float | None = None
    allowed_count: int | None = None
    waivers: tuple[int, ...] = ()


def log_gate_run(
    connection: psycopg.Connection[Any],
    gate_run_id: int,
    decision: Decision,
    results: Sequence[Result],
) -> None:
    """Add the decision of a gate run, in the transaction that stores it."""
    reasons = [_of_result(result) for result in results if result.state != "passed"]
    reasons += [
        Reason("no result", True, f"{rule_id}: {NO_RESULT}", rule_id=rule_id)
        for rule_id in decision.missing
    ]
    said = {each.says for each in reasons}
    reasons += [Reason("error", True, text) for text in decision.reasons if text not in said]
    row = connection.execute(
        """
        insert into quality.decisions (
            run_id, authority, night, kind, gate_run_id, outcome, message, rules_judged,
            rules_failed, rules_not_run, left_out_count, waived_count
        )
        select
            run_id, authority, night, case gate when 1 then 'records' else 'figures' end,
            gate_run_id, decision, %(message)s, %(judged)s, %(failed)s, %(not_run)s,
            case when gate = 1 then (
                select count(distinct keys.person_id)
                from quality.rules
                inner join quality.failing_keys as keys on rules.rule_id = keys.rule_id
                where rules.falsifies <> '{}' and keys.gate_run_id = gate_runs.gate_run_id
            ) end,
            %(waived)s
        from quality.gate_runs
        where gate_run_id = %(gate_run_id)s
        returning decision_id
        """,
        {
            "gate_run_id": gate_run_id,
            "message": decision.message,
            "judged": sum(result.has_run for result in results),
            "failed": sum(result.state == "failed" for result in results),
            "not_run": sum(not result.has_run for result in results) + len(decision.missing),
            "waived": sum(result.waived for result in results),
        },
    ).fetchone()
    assert row is not None  # noqa: S101 - the gate run is there, or its results could not be
    _add_reasons(connection, [(row[0], reasons)])


def log_nights(connection: psycopg.Connection[Any], run_id: str) -> None:
    """Add how a night ended for each of its authorities, from how its steps ended."""
    steps: dict[str, list[tuple[str, str, str, list[int]]]] = {}
    for authority, *step in connection.execute(
        """
        select
            loads.authority, steps.step, steps.state, coalesce(steps.message, ''),
            coalesce(steps.detail -> 'waivers', '[]')
        from ops.run_steps as steps
        inner join (
            select distinct authority from ops.run_steps where run_id = %(run)s and step = 'load'
        ) as loads on steps.authority in (loads.authority, '')
        where steps.run_id = %(run)s
        order by loads.authority, steps.started_at nulls last
        """,
        {"run": run_id},
    ).fetchall():
        steps.setdefault(authority, []).append((step[0], step[1], step[2], step[3]))
    left_out = dict(
        connection.execute(
            "select distinct on (authority) authority, left_out_count from quality.decisions"
            " where run_id = %s and kind = 'records' order by authority, decision_id desc",
            (run_id,),
        ).fetchall()
    )
    found = []
    with connection.transaction():
        for authority, of_authority in steps.items():
            outcome, message, reasons = _outcome(of_authority, left_out.get(authority) or 0)
            row = connection.execute(
                "insert into quality.decisions (run_id, authority, night, kind, outcome, message,"
                " left_out_count) select run_id, %s, night, 'night', %s, %s, %s from ops.runs"
                " where run_id = %s returning decision_id",
                (authority, outcome, message, left_out.get(authority), run_id),
            ).fetchone()
            assert row is not None  # noqa: S101 - its steps refer to the run
            found.append((row[0], reasons))
        _add_reasons(connection, found)


def people_left_out(connection: psycopg.Connection[Any], run_id: str) -> int:
    """Return how many people have records that are left out of the figures a run published."""
    row = connection.execute(
        "select coalesce(sum(left_out_count), 0)::bigint from quality.final_decisions"
        " where run_id = %s and outcome = 'published with records left out'",
        (run_id,),
    ).fetchone()
    return int(row[0]) if row else 0


def _outcome(
    steps: Sequence[tuple[str, str, str, list[int]]], left_out: int
) -> tuple[str, str, list[Reason]]:
    """Return how a night ended for an authority, what to do, and why."""
    reasons = []
    for step, state, text, waivers in steps:
        if state == "done":
            if waivers:
                said = f"{step}: rows or columns that were lost were accepted by a waiver."
                reasons.append(Reason("accepted", False, said, waivers=tuple(waivers)))
            continue
        ended = text if state in ("failed", "held") else f"{step}: The step did not end."
        refused = step == "load" and state == "failed"
        reasons.append(Reason("refused" if refused else _ended(state), True, ended))
    message = " | ".join(each.says for each in reasons if each.holds)
    if any((step, state) == ("publish", "done") for step, state, *_ in steps):
        return (
            "published with records left out" if left_out else "published",
            message,
            reasons,
        )
    if not message:
        message = "A step died before it could record anything."
        reasons.append(Reason("failed", True, message))
    states = {each.state for each in reasons if each.holds}
    for outcome in ("held", "refused"):
        if outcome in states:
            return outcome, message, reasons
    return "failed", message, reasons


def _ended(state: str) -> str:
    return "held" if state == "held" else "failed"


def _of_result(result: Result) -> Reason:
    is_warning = result.severity == "warning"
    return Reason(
        state=result.state,
        holds=result.holds,
        says=reason(result),
        rule_id=result.rule_id,
        table_name=result.table_name,
        severity=result.severity,
        population=result.population,
        failing=result.failing,
        waived=result.waived,
        allowed_share=result.threshold if is_warning else None,
        allowed_count=result.threshold_count if is_warning else None,
        waivers=result.waivers,
    )


def _add_reasons(
    connection: psycopg.Connection[Any], reasons: Sequence[tuple[int, Sequence[Reason]]]
) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into quality.decision_reasons (decision_id, reason_number, rule_id, table_name,"
            " severity, state, holds, population_count, failing_count, waived_count, allowed_share,"
            " allowed_count, waiver_ids, says)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    decision_id,
                    number,
                    r.rule_id,
                    r.table_name,
                    r.severity,
                    r.state,
                    r.holds,
                    r.population,
                    r.failing,
                    r.waived,
                    r.allowed_share,
                    r.allowed_count,
                    list(r.waivers),
                    r.says,
                )
                for decision_id, each in reasons
                for number, r in enumerate(sorted(each, key=lambda r: not r.holds), 1)
            ],
        )
