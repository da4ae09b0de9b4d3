"""Why an authority's night was published or held, as `quality.decisions` keeps it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from carepath.desk.database import read
from carepath.desk.pages import counted, per_cent

ADVICE: Final = " What to do: "
PUBLISHED: Final = "published"
WITH_RECORDS_LEFT_OUT: Final = "published with records left out"

REASONS: Final = """
select
    reasons.decision_id,
    decisions.authority,
    decisions.kind,
    reasons.rule_id,
    reasons.table_name,
    reasons.severity,
    reasons.state,
    reasons.holds,
    reasons.population_count,
    reasons.failing_count,
    reasons.waived_count,
    reasons.allowed_share,
    reasons.allowed_count,
    reasons.waiver_ids,
    reasons.says,
    coalesce(rules.plain_words, '') as plain_words,
    coalesce(rules.what_to_do, '') as what_to_do,
    coalesce(rules.owner, 'BI team') as owner
from quality.decision_reasons as reasons
inner join quality.decisions as decisions on reasons.decision_id = decisions.decision_id
left join quality.rules as rules on reasons.rule_id = rules.rule_id
where reasons.decision_id = any(%(decisions)s)
order by
    reasons.holds desc,
    array_position(array['critical', 'warning', 'info'], reasons.severity),
    reasons.failing_count desc nulls first,
    reasons.rule_id,
    reasons.reason_number
"""

FIGURE_FINDINGS: Final = """
select
    gate_runs.authority,
    authorities.name as authority_name,
    gate_runs.gate_run_id,
    gate_runs.night,
    found.rule_id,
    found.says
from quality.figure_findings as found
inner join quality.gate_runs as gate_runs on found.gate_run_id = gate_runs.gate_run_id
inner join ops.authorities as authorities on gate_runs.authority = authorities.authority
"""


@dataclass(frozen=True)
class Reason:
    """One reason of a decision.

    Attributes:
        kind: of the decision: records, figures or night.
        state: failed, error, no result, not applicable; for a step of the night: refused, failed,
            held or accepted.
        holds: whether the reason holds the night.
        plain_words: what the rule says; blank for a reason that is not about a rule.
    """

    decision_id: int
    authority: str
    kind: str
    rule_id: str | None
    table_name: str | None
    severity: str | None
    state: str
    holds: bool
    population_count: int | None
    failing_count: int | None
    waived_count: int
    allowed_share: float | None
    allowed_count: int | None
    waiver_ids: Sequence[int]
    says: str
    plain_words: str
    what_to_do: str
    owner: str

    @property
    def why(self) -> str:
        """Why the rule holds or does not, in one or two sentences. The thresholds are those of
        that night."""
        if self.state not in ("failed", "not applicable"):
            return "The rule could not be evaluated, so the figures are held to be safe."
        if self.failing_count is None:
            return self.what_happened
        counts = counted(self.failing_count, "record")
        if self.population_count:
            counts = f"{self.failing_count:,} of {counted(self.population_count, 'record')}"
        verb = "fails" if self.failing_count == 1 else "fail"
        waived = f" {self.waived_count:,} of them had a waiver." if self.waived_count else ""
        return f"{counts} {verb}, {self.limit}.{waived}"

    @property
    def limit(self) -> str:
        """How many records may fail, as it was that night."""
        if self.severity == "critical":
            return "and none may"
        if self.severity != "warning" or self.allowed_share is None:
            return "and any number may"
        few = f" or {counted(self.allowed_count, 'record')}" if self.allowed_count else ""
        return f"and at most {per_cent(self.allowed_share)}{few} may"

    @property
    def what_happened(self) -> str:
        """What the reason says, without what to do."""
        return self.says.partition(ADVICE)[0]

    @property
    def advice(self) -> str:
        """What to do; blank if the reason does not say it."""
        return self.what_to_do or self.says.partition(ADVICE)[2]


@dataclass(frozen=True)
class FigureFinding:
    """What changed in a figure, in a sentence of gate 2."""

    authority: str
    authority_name: str
    gate_run_id: int
    night: dt.date
    rule_id: str
    says: str


def reasons_of(connection: psycopg.Connection[Any], decisions: Sequence[int]) -> list[Reason]:
    """Return the reasons of these decisions: those that hold the night first."""
    return read(connection, Reason, REASONS, {"decisions": [*decisions]})


def figure_findings(
    connection: psycopg.Connection[Any], gate_runs: Sequence[int]
) -> list[FigureFinding]:
    """Return what these gate runs say about figures that changed."""
    return read(
        connection,
        FigureFinding,
        f"{FIGURE_FINDINGS} where found.gate_run_id = any(%(gate_runs)s)"
        " order by gate_runs.gate_run_id desc, found.rule_id, found.record_key",
        {"gate_runs": [*gate_runs]},
    )


def recent_figure_findings(
    connection: psycopg.Connection[Any], *, rule: str = "", nights: int = 10, most: int = 100
) -> list[FigureFinding]:
    """Return what gate 2 said about figures on the last nights, newest first.

    Args:
        connection: of carepath_desk.
        rule: only this rule; blank for all.
        nights: on how many of the nights on which it said anything.
        most: how many sentences at most.
    """
    return read(
        connection,
        FigureFinding,
        f"{FIGURE_FINDINGS} where gate_runs.gate_run_id in ("
        " select last_runs.gate_run_id from ("
        "  select distinct on (authority, night) gate_run_id, night from quality.gate_runs"
        "  where gate = 2 order by authority, night, gate_run_id desc"
        " ) as last_runs where exists ("
        "  select from quality.figure_findings as said"
        "  where said.gate_run_id = last_runs.gate_run_id and %(rule)s in ('', said.rule_id)"
        " ) order by last_runs.night desc limit %(nights)s"
        ") and %(rule)s in ('', found.rule_id)"
        " order by gate_runs.night desc, gate_runs.authority, found.rule_id, found.record_key"
        " limit %(most)s",
        {"rule": rule, "nights": nights, "most": most},
    )
