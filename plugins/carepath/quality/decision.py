"""What a gate decides from the results of its rules: pure, without a database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from expectations.rule import Severity

State = Literal["passed", "failed", "error", "not applicable"]


@dataclass(frozen=True)
class Result:
    """How one rule fared on one table.

    Attributes:
        rule_id: the rule.
        table_name: the contract's table, or the mart, that was judged.
        severity: the rule's.
        threshold: share of the judged rows (0 to 1) that may fail, for a warning.
        says: the rule in plain words.
        state: `error` where it could not be evaluated, `not applicable` where the source may
            leave the table out and does.
        population: rows judged; None where unknown.
        failing: rows that fail; None where unknown.
        message: why it could not be evaluated or is not applicable; never a value of a record.
        seconds: what the rule's share of the work took.
        holds: whether it holds the refresh, as `weigh` decides.
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

    @property
    def share(self) -> float | None:
        """Failing rows among the judged ones, 0 to 1; None where nothing was judged."""
        return (
            self.failing / self.population
            if self.population and self.failing is not None
            else (None)
        )


@dataclass(frozen=True)
class Decision:
    """Whether an authority's figures may be refreshed.

    Attributes:
        passed: True lets the night go on.
        reasons: one line per rule and table that holds it.
        message: one line that says what a person must do; empty when passed.
        gate_run_id: where the decision is kept in `quality.gate_runs`.
    """

    passed: bool
    reasons: tuple[str, ...]
    message: str
    gate_run_id: int | None = None


def weigh(result: Result) -> Result:
    """Return the result with `holds` set: design.md, gate 1.

    A rule that could not be evaluated holds; a critical one holds with the first failing record,
    a warning with more than its threshold, the rest never.
    """
    if result.state == "error" or result.failing is None or result.population is None:
        return replace(result, holds=result.state != "not applicable")
    holds = (result.severity == "critical" and result.failing > 0) or (
        result.severity == "warning" and result.failing > result.threshold * result.population
    )
    return replace(result, holds=holds)


def decide(results: Sequence[Result], expected: Collection[str]) -> Decision:
    """Decide from the weighed results of all rules.

    Args:
        results: one per rule and table.
        expected: ids of the rules that must have a result; a rule without one holds.

    Fails closed: no rule expected, or none evaluated, holds.
    """
    missing = sorted(set(expected) - {result.rule_id for result in results})
    evaluated = [result for result in results if result.state in ("passed", "failed")]
    reasons = [_reason(result) for result in results if result.holds]
    reasons += [f"{rule_id}: the rule has no result" for rule_id in missing]
    if not evaluated:
        reasons.append("no rule was evaluated")
    if not reasons:
        return Decision(True, (), "")
    broken = [r.rule_id for r in results if r.state == "error"] + missing
    wrong = sorted({r.rule_id for r in results if r.holds and r.state == "failed"})
    return Decision(False, tuple(reasons), _message(reasons, wrong, broken, bool(evaluated)))


def _reason(result: Result) -> str:
    place = f"{result.rule_id} ({result.table_name})"
    if result.state == "error":
        return f"{place}: could not be evaluated: {result.message}"
    if result.failing is None or result.population is None:
        return f"{place}: has no count"
    counts = f"{result.failing:,} of {result.population:,} records fail"
    allowed = "none may" if result.severity == "critical" else f"at most {result.threshold:.1%} may"
    return f"{place}: {counts}, {allowed}. {result.says}"


def _message(
    reasons: Sequence[str], wrong: Sequence[str], broken: Sequence[str], evaluated: bool
) -> str:
    if broken or not evaluated:
        named = ", ".join(sorted(set(broken))[:5]) or "all"
        return (
            f"The figures stay as they were, because rules could not be evaluated ({named}). "
            f"First: {reasons[0]}. What to do: tell the BI team; run `carepath doctor`, mend the "
            "rule or the table, then run the night again."
        )
    return (
        f"The figures stay as they were, because {_some(wrong)} found too many contradictory "
        f"records. {reasons[0]} What to do: have the records on the work list "
        "(quality.work_list, is_holding) corrected in the recording system; the next night "
        "reads them again."
    )


def _some(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:5])
    rest = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
    return f"rule {shown}" if len(ids) == 1 else f"rules {shown}{rest}"
