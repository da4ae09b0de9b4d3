"""The page Trends: how many records fail, by domain, night by night."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from carepath.desk.answers import page
from carepath.desk.charts import Point, line_chart
from carepath.desk.database import read, warehouse
from carepath.desk.reasons import FigureFinding, recent_figure_findings

router = APIRouter()

NIGHTS_SHOWN: Final = 60

BY_DOMAIN: Final = f"""
with nights as (
    select distinct night from quality.gate_runs order by night desc limit {NIGHTS_SHOWN}
),

judged as (
    select distinct on (authority, gate, night) gate_run_id, night
    from quality.gate_runs
    where night in (select night from nights)
    order by authority, gate, night, gate_run_id desc
)

select
    judged.night,
    rules.domain,
    sum(results.failing_count)::bigint as failing_count
from judged
inner join quality.rule_results as results on judged.gate_run_id = results.gate_run_id
inner join quality.rules on results.rule_id = rules.rule_id
where results.state <> 'not applicable'
group by judged.night, rules.domain
order by rules.domain, judged.night
"""


@dataclass(frozen=True)
class DomainNight:
    """How many records failed the rules of a domain on a night."""

    night: dt.date
    domain: str
    failing_count: int | None


@router.get("/trends")
def trends(request: Request) -> HTMLResponse:
    """Show how the number of failing records changed."""
    with warehouse() as connection:
        found = read(connection, DomainNight, BY_DOMAIN)
        sentences = recent_figure_findings(connection)
    changed: dict[tuple[dt.date, str], list[FigureFinding]] = {}
    for sentence in sentences:
        changed.setdefault((sentence.night, sentence.authority_name), []).append(sentence)
    domains: dict[str, list[Point]] = {}
    total: dict[dt.date, int] = {}
    for each in found:
        domains.setdefault(each.domain, []).append(Point(each.night, each.failing_count))
        total[each.night] = total.get(each.night, 0) + (each.failing_count or 0)
    nights = sorted(total)
    charts = {
        domain: line_chart(f"{domain}: records that fail", points)
        for domain, points in domains.items()
        if any(point.value for point in points)
    }
    overall = line_chart("All rules: records that fail", [Point(n, total[n]) for n in nights])
    return page(
        request,
        "trends.html",
        overall=overall,
        nights=nights[::-1],
        total=total,
        charts=charts,
        changed=changed,
        domains={name: {p.night: p.value for p in points} for name, points in domains.items()},
    )
