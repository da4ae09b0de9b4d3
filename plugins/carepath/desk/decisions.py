"""The pages Decisions: why any past night was held or published."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from carepath.desk.answers import page
from carepath.desk.database import read, warehouse
from carepath.desk.reasons import (
    ADVICE,
    PUBLISHED,
    WITH_RECORDS_LEFT_OUT,
    figure_findings,
    reasons_of,
)

router = APIRouter()

ON_A_PAGE: Final = 50

DECISIONS: Final = """
select
    decisions.decision_id,
    decisions.run_id,
    decisions.authority,
    coalesce(authorities.name, decisions.authority) as name,
    decisions.night,
    decisions.kind,
    decisions.gate_run_id,
    decisions.outcome,
    decisions.message,
    decisions.rules_judged,
    decisions.rules_failed,
    decisions.rules_not_run,
    coalesce(decisions.left_out_count, 0) as left_out_count,
    decisions.waived_count,
    decisions.decided_at
from quality.final_decisions as decisions
left join ops.authorities as authorities on decisions.authority = authorities.authority
"""
LISTED: Final = f"""{DECISIONS}
where
    decisions.kind = 'night'
    and (%(authority)s = '' or decisions.authority = %(authority)s)
    and (%(outcome)s = '' or decisions.outcome = %(outcome)s)
    and (%(day)s::date is null or decisions.night = %(day)s)
    and (%(before)s::bigint is null or decisions.decision_id < %(before)s)
order by decisions.decision_id desc
limit {ON_A_PAGE + 1}
"""
OF_A_NIGHT: Final = f"""{DECISIONS}
where
    decisions.run_id = %(run)s
    and decisions.authority = %(authority)s
    and decisions.kind <> 'night'
order by decisions.decision_id
"""


@dataclass(frozen=True)
class Decision:
    """What was decided about an authority: by a gate, or how its night ended.

    Attributes:
        kind: records (gate 1), figures (gate 2) or night.
        rules_judged: rules and tables that were judged; of them rules_failed found something.
        left_out_count: young people whose records are left out of at least one figure.
        waived_count: failing records that a waiver kept from holding the night.
    """

    decision_id: int
    run_id: str | None
    authority: str
    name: str
    night: dt.date
    kind: str
    gate_run_id: int | None
    outcome: str
    message: str
    rules_judged: int
    rules_failed: int
    rules_not_run: int
    left_out_count: int
    waived_count: int
    decided_at: dt.datetime

    @property
    def is_published(self) -> bool:
        """Whether the night was published."""
        return self.outcome in (PUBLISHED, WITH_RECORDS_LEFT_OUT)

    @property
    def what_happened(self) -> str:
        """What a night that was not published says, without what to do."""
        return self.message.partition(ADVICE)[0]


@dataclass(frozen=True)
class Authority:
    """A local authority."""

    authority: str
    name: str


@router.get("/decisions")
def decisions(
    request: Request,
    authority: str = "",
    outcome: str = "",
    night: str = "",
    before: int | None = None,
) -> HTMLResponse:
    """List how each night ended, newest first."""
    wanted = {"authority": authority, "outcome": outcome, "night": night, "before": before}
    with warehouse() as connection:
        found = read(connection, Decision, LISTED, wanted | {"day": _day(night)})
        authorities = read(
            connection, Authority, "select authority, name from ops.authorities order by name"
        )
    shown = found[:ON_A_PAGE]
    return page(
        request,
        "decisions.html",
        decisions=shown,
        authorities=authorities,
        wanted=wanted,
        older=shown[-1].decision_id if len(found) > ON_A_PAGE else None,
    )


@router.get("/decisions/{decision_id}")
def decision(request: Request, decision_id: int) -> HTMLResponse:
    """Show why an authority's night was held or published."""
    with warehouse() as connection:
        found = read(
            connection,
            Decision,
            f"{DECISIONS} where decisions.decision_id = %(id)s and decisions.kind = 'night'",
            {"id": decision_id},
        )
        if not found:
            raise HTTPException(404)
        night = found[0]
        gates = read(
            connection, Decision, OF_A_NIGHT, {"run": night.run_id, "authority": night.authority}
        )
        reasons = reasons_of(connection, [night.decision_id, *(each.decision_id for each in gates)])
        changed = figure_findings(
            connection, [each.gate_run_id for each in gates if each.gate_run_id]
        )
    return page(
        request, "decision.html", night=night, gates=gates, reasons=reasons, changed=changed
    )


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
