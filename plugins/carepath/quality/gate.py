"""The gate: judge, decide, keep everything, and never let a doubt through.

Gate 1 (`run_gate`) judges one authority's records in staging by the register of rules. Gate 2
(`run_checks`, in carepath.quality.checks) judges its figures in marts_build. Both keep their
results in schema `quality`; running one again adds a gate run and replaces nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import psycopg

from carepath.errors import CarepathError, safe_message
from carepath.quality.checks import run_checks
from carepath.quality.decision import Decision, Result, decide
from carepath.quality.results import Cutoff, keep_decision, mirror, open_gate_run, read_cutoff
from carepath.warehouse.connect import connect, url
from expectations.register import rules as register
from expectations.rule import Rule

__all__ = ["Decision", "run_checks", "run_gate"]

LOADER = "carepath_loader"


def run_gate(
    run_id: str, authority: str, gate: int = 1, rules: Sequence[Rule] | None = None
) -> Decision:
    """Judge the records that staging shows of an authority, and decide whether to go on.

    Args:
        run_id: the run in `ops.runs`, kept with the decision.
        authority: whose records, as at its row of `ops.cutoffs`.
        gate: 1; another number is gate 2's business.
        rules: the rules; by default the register.

    Returns:
        The decision. It is `hold` too if the rules cannot be evaluated at all.

    Raises:
        WarehouseError: the database cannot be reached, or the authority has nothing to judge; no
            decision is kept, and the night must not go on.
    """
    if gate != 1:
        raise CarepathError(f"there is no gate {gate} of this kind", todo="call run_checks")
    chosen = register() if rules is None else tuple(rules)
    with connect(LOADER, autocommit=True) as connection:
        cutoff = read_cutoff(connection, authority)
        mirror(connection)
        gate_run_id = open_gate_run(connection, run_id, authority, gate, cutoff)
        results: list[Result] = []
        trouble = ""
        try:
            results = _evaluate(connection, authority, cutoff, gate_run_id, chosen)
        except Exception as error:
            # fail closed: the reason is kept, without what a message may quote of a record
            trouble = _why(error)
        decision = decide(results, {rule.rule_id for rule in chosen})
        if trouble:
            decision = replace(
                decision,
                passed=False,
                reasons=(f"the rules could not be evaluated: {trouble}", *decision.reasons),
                message="The figures stay as they were, because the rules could not be evaluated: "
                f"{trouble}. What to do: tell the BI team; run `carepath doctor`, then run the "
                "night again.",
            )
        keep_decision(connection, gate_run_id, decision, results)
    return replace(decision, gate_run_id=gate_run_id)


def _evaluate(
    connection: psycopg.Connection[Any],
    authority: str,
    cutoff: Cutoff,
    gate_run_id: int,
    rules: Sequence[Rule],
) -> list[Result]:
    """Evaluate the rules; imports Great Expectations, so only within the gate."""
    from carepath.quality.expectation import Counter
    from carepath.quality.judge import SCHEMA, Case, judge

    counter = Counter(url(LOADER), SCHEMA)
    try:
        return judge(
            connection,
            counter,
            Case(authority, cutoff.night, gate_run_id),
            rules,
            _delivered(connection, authority, cutoff.load_id),
        )
    finally:
        counter.close()


def _delivered(
    connection: psycopg.Connection[Any], authority: str, load_id: int
) -> Collection[str]:
    """Return the contract's tables that the authority has delivered up to a load."""
    rows = connection.execute(
        """
        select distinct d.table_name
        from ops.table_deliveries as d
        inner join ops.loads as l on d.load_id = l.load_id
        where l.authority = %s and l.load_id <= %s
        """,
        (authority, load_id),
    ).fetchall()
    return {name for (name,) in rows}


def _why(error: Exception) -> str:
    """Return why the gate could not run: other libraries' messages may quote a record."""
    if isinstance(error, (CarepathError, psycopg.Error)):
        return safe_message(error)
    return type(error).__name__
