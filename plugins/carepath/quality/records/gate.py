"""Gate 1: judge one authority's records, decide and keep the results; hold in case of doubt.

Schema `quality` keeps the results. Running the gate again adds a gate run and replaces nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import psycopg

from carepath.errors import CarepathError, safe_message
from carepath.quality.decision import Decision, Result, decide
from carepath.quality.mirror import mirror
from carepath.quality.records.judge import GateRun
from carepath.quality.results import JudgedLoad, keep_decision, open_gate_run, read_load
from carepath.quality.waivers import that_count, waive_records
from carepath.site import with_thresholds
from carepath.warehouse.connect import connect, url
from expectations.register import rules as register
from expectations.rule import Rule

LOADER = "carepath_loader"


def run_gate(run_id: str, load_id: int, rules: Sequence[Rule] | None = None) -> Decision:
    """Judge the records of one load (even if staging shows another) and decide whether to go on.

    Args:
        run_id: the run in `ops.runs`; kept with the decision.
        load_id: the load in `ops.loads`. The authority's records are judged as known at it.
        rules: the rules; by default the register, with the council's own thresholds.

    Returns:
        The decision. It is also `hold` if the rules cannot be evaluated at all.

    Raises:
        WarehouseError: the database cannot be reached, or the load is not complete. No decision is
            kept, and the night must not go on.
    """
    chosen = with_thresholds(register()) if rules is None else tuple(rules)
    with connect(LOADER, autocommit=True) as connection:
        load = read_load(connection, load_id)
        mirror(connection)
        gate_run_id = open_gate_run(connection, run_id, 1, load)
        results: list[Result] = []
        trouble = ""
        try:
            found = _evaluate(connection, GateRun(gate_run_id, load), chosen)
            waivers = that_count(connection, load.authority, load.night)
            results = waive_records(connection, gate_run_id, waivers, found)
        except Exception as error:
            # hold, and keep the reason without any value of a record that it may quote
            trouble = _why(error).rstrip(".")
        decision = decide(results, {rule.rule_id for rule in chosen})
        if trouble:
            decision = replace(
                decision,
                passed=False,
                reasons=(f"The rules could not be evaluated: {trouble}.", *decision.reasons),
                message="The figures stay as they were, because the rules could not be evaluated: "
                f"{trouble}. What to do: ask the BI team to run `carepath doctor`, "
                "correct the fault and run the night again.",
            )
        keep_decision(connection, gate_run_id, decision, results)
    return replace(decision, gate_run_id=gate_run_id)


def _evaluate(
    connection: psycopg.Connection[Any], gate_run: GateRun, rules: Sequence[Rule]
) -> list[Result]:
    """Evaluate the rules. Imports Great Expectations here, because that takes 5 s."""
    from carepath.quality.records.expectation import Counter
    from carepath.quality.records.judge import SCHEMA, judge

    counter = Counter(url(LOADER), SCHEMA)
    try:
        return judge(
            connection,
            counter,
            gate_run,
            rules,
            _delivered(connection, gate_run.load),
        )
    finally:
        counter.close()


def _delivered(connection: psycopg.Connection[Any], load: JudgedLoad) -> Collection[str]:
    """Return the contract's tables that the authority has delivered up to a load."""
    rows = connection.execute(
        """
        select distinct d.table_name
        from ops.table_deliveries as d
        inner join ops.loads as l on d.load_id = l.load_id
        where l.authority = %s and l.load_id <= %s
        """,
        (load.authority, load.load_id),
    ).fetchall()
    return {name for (name,) in rows}


def _why(error: Exception) -> str:
    """Return why the gate could not run, without other libraries' text: it may quote a record."""
    if isinstance(error, (CarepathError, psycopg.Error)):
        return safe_message(error)
    return type(error).__name__
