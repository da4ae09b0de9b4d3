"""Gate 2: judge the figures of authorities in marts_build, decide, and keep the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg

from carepath.errors import reason
from carepath.quality.decision import Decision, Result, decide, weigh
from carepath.quality.figures.build import Shared, read_build, read_shared
from carepath.quality.figures.figure import Build, Finding
from carepath.quality.figures.rules import FIGURE_RULES, FigureRule
from carepath.quality.mirror import mirror
from carepath.quality.results import keep_decision, open_gate_run, read_load
from carepath.quality.waivers import Waiver, that_count, waive_figures
from carepath.warehouse.connect import connect

LOADER = "carepath_loader"


def apply_rules(
    build: Build,
    rules: Sequence[FigureRule] = FIGURE_RULES,
    waivers: Sequence[Waiver] = (),
) -> tuple[list[Result], dict[str, list[Finding]]]:
    """Apply all rules; return one weighed result for each rule, and the findings by rule id.

    A rule that raises an error holds the night. A finding that a waiver covers does not.
    """
    results, findings = [], {}
    for rule in rules:
        found: list[Finding] = []
        result = _error(rule)
        try:
            looked_at, found = rule.find(build)
        except Exception as error:
            result = replace(result, message=type(error).__name__)
        else:
            result = replace(
                result,
                state="failed" if found else "passed",
                population=looked_at,
                failing=len(found),
                says=f"{rule.says} {_first(found)}" if found else rule.says,
            )
        results.append(waive_figures(waivers, result, found))
        findings[rule.rule_id] = found
    return results, findings


def _error(rule: FigureRule) -> Result:
    return Result(rule.rule_id, "marts_build", rule.severity, rule.threshold, rule.says, "error")


def _first(found: Sequence[Finding]) -> str:
    return found[0].says or f"The first finding is {found[0].key}."


def judge_figures(run_id: str, load_id: int) -> Decision:
    """Judge the figures of one load, as a gate for a set of one (`FigureGate`)."""
    return FigureGate(run_id).judge(load_id)


class FigureGate:
    """Gate 2 for the authorities of a set. What is the same for all of them is read once.

    Args:
        run_id: the run in `ops.runs`.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._shared: Shared | None = None

    def judge(self, load_id: int) -> Decision:
        """Judge the figures of one load in marts_build before they are published.

        Args:
            load_id: the load that the figures were built from. Its authority's figures are judged.

        Returns:
            The decision. It is also `hold` if the figures cannot be read.

        Raises:
            WarehouseError: the database cannot be reached, or the load is not complete.
        """
        # a connection of its own: no authority's trouble with it touches another
        with connect(LOADER, autocommit=True) as connection:
            load = read_load(connection, load_id)
            if self._shared is None:
                mirror(connection)
            gate_run_id = open_gate_run(connection, self._run_id, 2, load)
            results: list[Result] = []
            try:
                self._shared = self._shared or read_shared(connection)
                build = read_build(
                    connection, self._run_id, load.authority, load.night, load_id, self._shared
                )
                waivers = that_count(connection, load.authority, load.night)
            except Exception as error:
                why = reason(error)
                results = [weigh(replace(_error(rule), message=why)) for rule in FIGURE_RULES]
            else:
                results, findings = apply_rules(build, waivers=waivers)
                _keep_findings(connection, gate_run_id, load.authority, findings)
            decision = _for_people(decide(results, {c.rule_id for c in FIGURE_RULES}), results)
            keep_decision(connection, gate_run_id, decision, results)
        return replace(decision, gate_run_id=gate_run_id)


def _keep_findings(
    connection: psycopg.Connection[Any],
    gate_run_id: int,
    authority: str,
    findings: Mapping[str, Sequence[Finding]],
) -> None:
    rows = [
        (gate_run_id, authority, rule_id, "marts_build", f"{finding.mart}|{finding.key}")
        for rule_id, found in findings.items()
        for finding in found
    ]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "insert into quality.failing_keys"
            " (gate_run_id, authority, rule_id, table_name, record_key)"
            " values (%s, %s, %s, %s, %s)",
            rows,
        )
        cursor.executemany(
            "insert into quality.figure_findings (gate_run_id, rule_id, record_key, says)"
            " values (%s, %s, %s, %s)",
            [
                (gate_run_id, rule_id, f"{finding.mart}|{finding.key}", finding.says)
                for rule_id, found in findings.items()
                for finding in found
                if finding.says
            ],
        )


def _for_people(decision: Decision, results: Sequence[Result]) -> Decision:
    """Return the decision with the message of gate 2, which is about figures, not records."""
    if decision.passed:
        return decision
    holding = [r.rule_id for r in results if r.holds]
    todo = " ".join(rule.todo for rule in FIGURE_RULES if rule.rule_id in holding[:1])
    return replace(
        decision,
        message=f"The new figures were not published. {decision.reasons[0]} What to do: {todo} "
        "The work list (quality.work_list) names each figure.",
    )
