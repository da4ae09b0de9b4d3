"""Gate 1: judge the records of authorities, decide on each, keep the results; hold in doubt.

Schema `quality` keeps the results. Running the gate again adds a gate run and replaces nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg
from structlog.contextvars import bound_contextvars

from carepath.errors import WarehouseError, reason
from carepath.quality.decision import Decision, Result, decide
from carepath.quality.mirror import mirror
from carepath.quality.records.judge import LOADER, GateRun, judge
from carepath.quality.results import JudgedLoad, keep_decision, open_gate_run, read_load
from carepath.quality.waivers import that_count, waive_records
from carepath.site import with_thresholds
from carepath.sources.registry import kinds_of_files
from carepath.warehouse.connect import connect, url
from expectations.register import rules as register
from expectations.rule import Rule

if TYPE_CHECKING:
    from carepath.quality.records.expectation import Counter


def run_gate(run_id: str, load_id: int, rules: Sequence[Rule] | None = None) -> Decision:
    """Judge the records of one load, as `run_gates` does.

    Raises:
        WarehouseError: the database cannot be reached, or the load is not complete. No decision is
            kept, and the night must not go on.
    """
    found = run_gates(run_id, [load_id], rules)[load_id]
    if isinstance(found, Exception):
        raise found
    return found


def run_gates(
    run_id: str, load_ids: Sequence[int], rules: Sequence[Rule] | None = None
) -> dict[int, Decision | Exception]:
    """Judge the records of loads (even if staging shows others) and decide whether each goes on.

    Args:
        run_id: the run in `ops.runs`; kept with the decisions.
        load_ids: the loads in `ops.loads`, one of each authority. The authority's records are
            judged as known at it.
        rules: the rules; by default the register, with the council's own thresholds.

    Returns:
        Each load's decision. It is also `hold` if the rules cannot be evaluated at all. An error
        stands in its place if no decision is kept, such as of a load that is not complete. That
        night must not go on.

    Raises:
        WarehouseError: the database cannot be reached.
    """
    chosen = with_thresholds(register()) if rules is None else tuple(rules)
    found: dict[int, Decision | Exception] = {}
    gate_runs = []
    with connect(LOADER, autocommit=True) as connection:
        mirror(connection)
        for load_id in load_ids:
            try:
                load = read_load(connection, load_id)
                gate_runs.append(GateRun(open_gate_run(connection, run_id, 1, load), load))
            except WarehouseError as error:
                found[load_id] = error
        trouble: Exception | None = None
        judged: dict[int, list[Result]] = {}
        try:
            judged = _evaluate(connection, gate_runs, chosen)
        except Exception as error:
            trouble = error
        for each in gate_runs:
            results = judged.get(each.gate_run_id, [])
            with bound_contextvars(authority=each.load.authority):
                try:
                    decision = _decide(connection, each, results, chosen, trouble)
                except Exception as error:  # of this authority only; its gate run stays a hold
                    found[each.load.load_id] = error
                else:
                    found[each.load.load_id] = decision
    return found


def _decide(
    connection: psycopg.Connection[Any],
    gate_run: GateRun,
    found: Sequence[Result],
    rules: Sequence[Rule],
    trouble: Exception | None,
) -> Decision:
    """Decide about one load and keep the decision; hold in case of trouble."""
    results: list[Result] = []
    try:
        if trouble is None:
            waivers = that_count(connection, gate_run.load.authority, gate_run.load.night)
            results = waive_records(connection, gate_run.gate_run_id, waivers, found)
    except Exception as error:
        trouble = error
    decision = decide(results, {rule.rule_id for rule in rules})
    if trouble is not None:
        # the reason is kept without any value of a record that it may quote
        why = reason(trouble).rstrip(".")
        decision = replace(
            decision,
            passed=False,
            reasons=(f"The rules could not be evaluated: {why}.", *decision.reasons),
            message="The figures stay as they were, because the rules could not be evaluated: "
            f"{why}. What to do: ask the BI team to run `carepath doctor`, "
            "correct the fault and run the night again.",
        )
    keep_decision(connection, gate_run.gate_run_id, decision, results)
    return replace(decision, gate_run_id=gate_run.gate_run_id)


def _evaluate(
    connection: psycopg.Connection[Any], gate_runs: Sequence[GateRun], rules: Sequence[Rule]
) -> dict[int, list[Result]]:
    """Evaluate the rules. Imports Great Expectations while PostgreSQL works, because it takes 5 s.

    The authorities of one night that deliver the same tables are judged together.
    """
    alike: dict[tuple[dt.date, frozenset[str], bool], list[GateRun]] = {}
    for each in gate_runs:
        delivered = frozenset(_delivered(connection, each.load))
        alike.setdefault(
            (each.load.night, delivered, _sends_files_only(connection, each.load)), []
        ).append(each)
    found: dict[int, list[Result]] = {}
    with ExitStack() as stack:

        @cache
        def counter() -> Counter:
            from carepath.quality.records.expectation import Counter

            return stack.enter_context(closing(Counter(url(LOADER))))

        for (_, delivered, of_files), together in alike.items():
            found |= judge(connection, counter, together, rules, delivered, of_files=of_files)
    return found


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


def _sends_files_only(connection: psycopg.Connection[Any], load: JudgedLoad) -> bool:
    """Say whether all that the authority has delivered came from files, such as a return."""
    row = connection.execute(
        """
        select bool_and(s.kind = any(%s))
        from ops.loads as l
        inner join ops.sources as s on l.source = s.source
        where l.authority = %s and l.load_id <= %s
        """,
        ([*kinds_of_files()], load.authority, load.load_id),
    ).fetchone()
    return bool(row and row[0])
