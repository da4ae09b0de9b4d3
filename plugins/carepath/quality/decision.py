"""How a gate decides from the results of its rules, without a database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from expectations.rule import Severity

State = Literal["passed", "failed", "error", "not applicable"]
NO_RESULT = "the rule has no result."


@dataclass(frozen=True)
class Result:
    """The result of one rule on one table.

    Attributes:
        rule_id: the rule.
        table_name: the table of the contract, or the mart, that was judged.
        severity: the rule's.
        threshold: share of the judged rows (0 to 1) that may fail, for a warning.
        says: the rule in plain words.
        state: `error` if the rule could not be evaluated; `not applicable` if the source does
            not deliver the table, and does not have to.
        population: number of rows judged; None if unknown.
        failing: number of rows that fail; None if unknown.
        threshold_count: number of rows that may fail, whatever their share, for a warning.
        waived: of the failing rows, those that a waiver keeps from holding the night.
        waivers: ids of the waivers that count.
        message: why the rule could not be evaluated or does not apply; never a value of a record.
        seconds: the rule's share of the time taken.
        holds: whether the rule holds the night; `weigh` decides.
    """

    rule_id: str
    table_name: str
    severity: Severity
    threshold: float
    says: str
    state: State
    population: int | None = None
    failing: int | None = None
    message: str = ""
    seconds: float = 0.0
    holds: bool = True
    threshold_count: int = 0
    waived: int = 0
    waivers: tuple[int, ...] = ()

    @property
    def has_run(self) -> bool:
        """Whether the rule was evaluated."""
        return self.state in ("passed", "failed")

    @property
    def share(self) -> float | None:
        """Failing rows as a share of the judged rows, 0 to 1; None if no rows were judged."""
        return (
            self.failing / self.population if self.population and self.failing is not None else None
        )


@dataclass(frozen=True)
class Decision:
    """Whether the night may go on for an authority.

    Attributes:
        passed: True if the night may go on.
        reasons: one line for each rule and table that holds it.
        message: what happened and what a person must do, in one line; empty if passed.
        gate_run_id: the row of `quality.gate_runs` that keeps the decision.
        missing: ids of rules that should have a result and have none.
    """

    passed: bool
    reasons: tuple[str, ...]
    message: str
    gate_run_id: int | None = None
    missing: tuple[str, ...] = ()


def weigh(result: Result) -> Result:
    """Return the result with `holds` set.

    A rule that could not be evaluated holds the night. A critical rule holds it with one failing
    record, and a warning with more failing records than both the share and the number that its
    threshold allows. An info rule never does. Waived records are not counted. A waiver does not
    help a rule that could not be evaluated.
    """
    if result.state == "error" or result.failing is None or result.population is None:
        return replace(result, holds=result.state != "not applicable")
    counted = result.failing - result.waived
    holds = (result.severity == "critical" and counted > 0) or (
        result.severity == "warning"
        and counted > result.threshold_count
        and counted > result.threshold * result.population
    )
    return replace(result, holds=holds)


def decide(results: Sequence[Result], expected: Collection[str]) -> Decision:
    """Decide from the weighed results of all rules.

    Args:
        results: one per rule and table.
        expected: ids of the rules that must have a result; a missing result holds the night.

    If no rule was expected or evaluated, the decision is to hold.
    """
    missing = sorted(set(expected) - {result.rule_id for result in results})
    evaluated = [result for result in results if result.state in ("passed", "failed")]
    reasons = [reason(result) for result in results if result.holds]
    reasons += [f"{rule_id}: {NO_RESULT}" for rule_id in missing]
    if not evaluated:
        reasons.append("No rule was evaluated.")
    if not reasons:
        return Decision(True, (), "")
    broken = [r.rule_id for r in results if r.state == "error"] + missing
    wrong = sorted({r.rule_id for r in results if r.holds and r.state == "failed"})
    message = _message(reasons, wrong, broken, bool(evaluated))
    return Decision(False, tuple(reasons), message, missing=tuple(missing))


def reason(result: Result) -> str:
    """Return what a result says in one line: counts, and what the rule allows."""
    place = f"{result.rule_id} ({result.table_name})"
    if result.state == "error":
        return f"{place}: the rule could not be evaluated: {result.message.rstrip('.')}."
    if result.state == "not applicable":
        return f"{place}: the rule does not apply: {result.message.rstrip('.')}."
    if result.failing is None or result.population is None:
        return f"{place}: the rule has no count."
    counts = f"{result.failing:,} of {result.population:,} records fail"
    if result.waived:
        ids = ", ".join(map(str, result.waivers))
        counts += f" ({result.waived:,} waived, waiver {ids})"
    but = ", but" if result.holds else ";"
    return f"{place}: {counts}{but} {_allowed(result)} may. {result.says}"


def _allowed(result: Result) -> str:
    if result.severity == "critical":
        return "no record"
    if result.severity == "info":
        return "any number"
    few = f", or {result.threshold_count} records," if result.threshold_count else ""
    return f"at most {result.threshold:.1%}{few}"


def _message(
    reasons: Sequence[str], wrong: Sequence[str], broken: Sequence[str], evaluated: bool
) -> str:
    if broken or not evaluated:
        named = ", ".join(sorted(set(broken))[:5]) or "all"
        return (
            f"The figures stay as they were, because rules could not be evaluated ({named}). "
            f"The first reason: {reasons[0]} What to do: ask the BI team to run `carepath doctor`, "
            "correct the rule or the table, and run the night again."
        )
    return (
        f"The figures stay as they were, because {_some(wrong)} found too many contradictory "
        f"records. {reasons[0]} What to do: ask the owners on the work list "
        "(quality.work_list, is_holding) to correct the records in the recording system. The next "
        "night reads them again. If a record is right as it is, ask for a waiver "
        "(`carepath waive`)."
    )


def _some(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:5])
    rest = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
    return f"rule {shown}" if len(ids) == 1 else f"rules {shown}{rest}"
