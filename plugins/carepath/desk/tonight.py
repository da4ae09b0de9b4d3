"""The page Tonight: is it published or held, since when, why, what to do, and who has to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from carepath.desk.answers import page
from carepath.desk.database import read, warehouse
from carepath.desk.reasons import (
    PUBLISHED,
    WITH_RECORDS_LEFT_OUT,
    FigureFinding,
    Reason,
    figure_findings,
    reasons_of,
)

router = APIRouter()

# how the last night ended for each authority, and since when it has not been published
STANDINGS: Final = f"""
with runs as (
    select distinct on (steps.authority)
        steps.authority,
        runs.run_id,
        runs.night,
        runs.state = 'running' as is_running
    from ops.runs
    inner join ops.run_steps as steps on runs.run_id = steps.run_id
    where steps.authority <> ''
    order by steps.authority, runs.run_number desc
),

published as (
    select distinct on (authority) authority, night, published_at, kind
    from ops.publications
    order by authority, publication_id desc
),

nights as (
    select * from quality.final_decisions where kind = 'night'
),

gates as (
    select
        authority,
        run_id,
        array_agg(decision_id) as decision_ids,
        sum(waived_count)::bigint as waived_count,
        max(gate_run_id) filter (where kind = 'figures') as figures_gate_run
    from quality.final_decisions
    where kind <> 'night'
    group by authority, run_id
),

last_good as (
    select authority, max(decision_id) as decision_id
    from nights
    where outcome in ('{PUBLISHED}', '{WITH_RECORDS_LEFT_OUT}')
    group by authority
),

unpublished as (
    select nights.authority, min(nights.night) as since, count(distinct nights.night) as night_count
    from nights
    left join last_good on nights.authority = last_good.authority
    where
        last_good.decision_id is null or nights.decision_id > last_good.decision_id
    group by nights.authority
)

select
    authorities.authority,
    authorities.name,
    runs.night,
    case
        when runs.run_id is null then 'none'
        when runs.is_running then 'running'
        else coalesce(nights.outcome, 'failed')
    end as state,
    nights.decision_id,
    array_append(coalesce(gates.decision_ids, '{{}}'), nights.decision_id) as decision_ids,
    gates.figures_gate_run,
    coalesce(nights.left_out_count, 0) as left_out_count,
    coalesce(gates.waived_count, 0) as waived_count,
    published.night as figures_of,
    published.published_at,
    coalesce(published.kind = 'rollback', false) as is_rolled_back,
    unpublished.since as held_since,
    coalesce(unpublished.night_count, 0)::integer as held_night_count
from ops.authorities
left join runs on authorities.authority = runs.authority
left join nights on runs.run_id = nights.run_id and runs.authority = nights.authority
left join gates on runs.run_id = gates.run_id and runs.authority = gates.authority
left join published on authorities.authority = published.authority
left join unpublished on authorities.authority = unpublished.authority
order by authorities.name, authorities.authority
"""

SUMMARIES: Final = """
with nights as (
    select authority, max(night) as night from quality.latest_gate_runs group by authority
)

select
    nights.authority,
    count(*) filter (where kept.fixed_on is null)::integer as open_count,
    count(*) filter (
        where kept.fixed_on is null and kept.failing_since = nights.night
    )::integer as new_count,
    count(*) filter (
        where kept.fixed_on >= date_trunc('month', nights.night)
    )::integer as fixed_count,
    min(kept.failing_since) filter (where kept.fixed_on is null) as oldest
from nights
left join quality.kept_findings as kept on nights.authority = kept.authority
group by nights.authority
"""


@dataclass(frozen=True)
class Summary:
    """How many findings an authority has.

    Attributes:
        fixed_count: findings put right in the month of the last night.
        oldest: since when the oldest open finding has failed.
    """

    authority: str
    open_count: int
    new_count: int
    fixed_count: int
    oldest: dt.date | None


@dataclass(frozen=True)
class Standing:
    """How things are with an authority's figures after the last night.

    Attributes:
        night: the last night.
        state: how it ended, as `quality.decisions` says; running; or none if no night has run.
        decision_id: the decision about the night; None if it was not decided.
        decision_ids: this decision and those of the gates.
        figures_gate_run: the gate run that judged the figures.
        left_out_count: young people whose records are left out of at least one figure.
        waived_count: failing records that a waiver kept from holding the night.
        figures_of: the night that the published figures are of; None if there are none.
        held_since: the first night that was not published since then.
    """

    authority: str
    name: str
    night: dt.date | None
    state: str
    decision_id: int | None
    decision_ids: Sequence[int | None]
    figures_gate_run: int | None
    left_out_count: int
    waived_count: int
    figures_of: dt.date | None
    published_at: dt.datetime | None
    is_rolled_back: bool
    held_since: dt.date | None
    held_night_count: int

    @property
    def is_published(self) -> bool:
        """Whether the last night was published."""
        return self.state in (PUBLISHED, WITH_RECORDS_LEFT_OUT)


@router.get("/")
def tonight(request: Request) -> HTMLResponse:
    """Show how the last night ended for each authority."""
    with warehouse() as connection:
        standings = read(connection, Standing, STANDINGS)
        holding = holding_reasons(connection, standings)
        summaries = {each.authority: each for each in read(connection, Summary, SUMMARIES)}
        changed = changed_figures(connection, standings)
    return page(
        request,
        "tonight.html",
        standings=standings,
        holding=holding,
        summaries=summaries,
        changed=changed,
    )


def holding_reasons(
    connection: psycopg.Connection[Any], standings: Sequence[Standing]
) -> Mapping[str, list[Reason]]:
    """Return by authority why its last night was not published.

    If a rule holds it, the rules are the reasons. If not, what happened to the steps is.
    """
    ids = [number for each in standings for number in each.decision_ids if number is not None]
    found: dict[str, list[Reason]] = {}
    for each in reasons_of(connection, ids):
        if each.holds:
            found.setdefault(each.authority, []).append(each)
    return {
        authority: [each for each in reasons if each.kind != "night"] or reasons
        for authority, reasons in found.items()
    }


def changed_figures(
    connection: psycopg.Connection[Any], standings: Sequence[Standing]
) -> Mapping[str, list[FigureFinding]]:
    """Return by authority what gate 2 says about figures that changed on the last night."""
    runs = [each.figures_gate_run for each in standings if each.figures_gate_run is not None]
    found: dict[str, list[FigureFinding]] = {}
    for each in figure_findings(connection, runs):
        found.setdefault(each.authority, []).append(each)
    return found
