"""The rule book, and a page for each rule: what it means, and how often records fail it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from carepath.desk.answers import page
from carepath.desk.charts import Point, line_chart
from carepath.desk.database import read, warehouse
from carepath.desk.reasons import recent_figure_findings
from carepath.quality.figures.rules import FIGURE_RULES
from carepath.site import with_thresholds
from expectations.judged import judges
from expectations.register import DOMAINS

router = APIRouter()

FIGURES: Final = "Figures"
# by whether the rule is critical
WHY_FIGURES: Final = {
    True: "A wrong figure would be published to everyone who reads the marts.",
    False: "A figure that changed may be right or wrong. A person who knows the service can say.",
}
NIGHTS_SHOWN: Final = 60

# failing records of the last night on which each rule was judged
NOW: Final = """
with latest as (
    select distinct on (authority, gate) gate_run_id
    from quality.gate_runs
    order by authority, gate, gate_run_id desc
)

select
    results.rule_id,
    sum(results.failing_count)::bigint as failing_count,
    bool_or(results.holds) as holds,
    bool_or(results.state = 'error') as is_broken
from latest
inner join quality.rule_results as results on latest.gate_run_id = results.gate_run_id
group by results.rule_id
"""
TREND: Final = f"""
select night, failing_count, population_count, holds, is_broken
from (
    select
        gate_runs.night,
        max(gate_runs.gate_run_id) as gate_run_id,
        sum(results.failing_count)::bigint as failing_count,
        sum(results.population_count)::bigint as population_count,
        bool_or(results.holds) as holds,
        bool_or(results.state = 'error') as is_broken
    from (
        select distinct on (authority, gate, night) gate_run_id, night
        from quality.gate_runs
        order by authority, gate, night, gate_run_id desc
    ) as gate_runs
    inner join quality.rule_results as results on gate_runs.gate_run_id = results.gate_run_id
    where results.rule_id = %(rule)s and results.state <> 'not applicable'
    group by gate_runs.night
    order by gate_runs.night desc
    limit {NIGHTS_SHOWN}
) as nights
order by night
"""

OPEN: Final = """
select
    authorities.authority,
    authorities.name,
    count(list.finding_id)::integer as open_count,
    count(list.waiver_id)::integer as waived_count
from ops.authorities
left join quality.work_list as list
    on authorities.authority = list.authority and list.rule_id = %(rule)s
group by authorities.authority, authorities.name
order by authorities.name
"""


@dataclass(frozen=True)
class Open:
    """How many records of an authority fail a rule, and how many of them have a waiver."""

    authority: str
    name: str
    open_count: int
    waived_count: int


@dataclass(frozen=True)
class Entry:
    """A rule as the desk shows it, of either gate."""

    rule_id: str
    domain: str
    severity: str
    threshold: float
    says: str
    todo: str
    because: str
    owner: str
    reference: str
    department: tuple[str, ...]
    measures: tuple[str, ...]
    allowed_count: int
    judges: str


@dataclass(frozen=True)
class Now:
    """How many records fail a rule as of the last night."""

    rule_id: str
    failing_count: int | None
    holds: bool
    is_broken: bool


@dataclass(frozen=True)
class Night:
    """How a rule came out on a night, over all authorities and tables."""

    night: dt.date
    failing_count: int | None
    population_count: int | None
    holds: bool
    is_broken: bool


@lru_cache(maxsize=1)
def _register() -> Mapping[str, Entry]:
    found = [
        Entry(
            rule.rule_id,
            domain,
            rule.severity,
            rule.threshold,
            rule.says,
            rule.todo,
            rule.because,
            rule.owner,
            rule.reference,
            tuple(rule.department),
            tuple(rule.falsifies),
            rule.allowed_count,
            judges(rule),
        )
        for domain, rules in DOMAINS.items()
        for rule in with_thresholds(rules)
    ]
    found += [
        Entry(
            rule.rule_id,
            FIGURES,
            rule.severity,
            rule.threshold,
            rule.says,
            rule.todo,
            WHY_FIGURES[rule.severity == "critical"],
            rule.owner,
            rule.reference,
            (),
            (),
            0,
            "the figures that are about to be published",
        )
        for rule in FIGURE_RULES
    ]
    return {entry.rule_id: entry for entry in found}


def entry_of(rule_id: str) -> Entry | None:
    """Return a rule of the register; None if there is no such rule."""
    return _register().get(rule_id)


@router.get("/rules")
def rules(
    request: Request, words: str = "", severity: str = "", domain: str = "", failing: str = ""
) -> HTMLResponse:
    """List the rules, with how many records fail each of them now."""
    with warehouse() as connection:
        now = {each.rule_id: each for each in read(connection, Now, NOW)}

    def is_wanted(entry: Entry) -> bool:
        text = f"{entry.rule_id} {entry.says} {' '.join(entry.department)}".lower()
        fails = now.get(entry.rule_id)
        return (
            all(word in text for word in words.lower().split())
            and severity in ("", entry.severity)
            and domain in ("", entry.domain)
            and (not failing or bool(fails and (fails.failing_count or fails.is_broken)))
        )

    domains: dict[str, list[Entry]] = {}
    for entry in filter(is_wanted, _register().values()):
        domains.setdefault(entry.domain, []).append(entry)
    return page(
        request,
        "rules.html",
        domains=domains,
        now=now,
        all_domains=[*DOMAINS, FIGURES],
        wanted={"words": words, "severity": severity, "domain": domain, "failing": failing},
        rule_count=len(_register()),
        found_count=sum(map(len, domains.values())),
    )


@router.get("/rules/{rule_id}")
def rule(request: Request, rule_id: str) -> HTMLResponse:
    """Show one rule: what it means, why it matters, and how it came out night by night."""
    entry = entry_of(rule_id.upper())
    if entry is None:
        raise HTTPException(404)
    with warehouse() as connection:
        nights = read(connection, Night, TREND, {"rule": entry.rule_id})
        by_authority = read(connection, Open, OPEN, {"rule": entry.rule_id})
        said = recent_figure_findings(connection, rule=entry.rule_id, nights=5, most=20)
    points = [Point(each.night, each.failing_count) for each in nights]
    chart = line_chart(f"Records that fail {entry.rule_id}", points)
    return page(
        request,
        "rule.html",
        entry=entry,
        nights=nights[::-1],
        chart=chart,
        by_authority=by_authority,
        said=said,
    )
