"""The page of a record: all its findings, their history, and what the record says tonight."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from carepath.desk.answers import page
from carepath.desk.database import read, warehouse
from carepath.desk.findings import refuse_other_teams
from carepath.desk.forms import Asker
from carepath.desk.looks import note_look_at
from carepath.desk.said import Said, what_the_record_says
from carepath.desk.work_list import worker_names
from carepath.site import desk as site

router = APIRouter()

# all findings of the record that has this one
FINDINGS: Final = """
select
    findings.finding_id,
    findings.authority,
    authorities.name as authority_name,
    findings.rule_id,
    findings.severity,
    findings.owner,
    findings.table_name,
    findings.record_key,
    findings.person_id,
    findings.first_seen,
    findings.failing_since,
    findings.last_seen,
    findings.fixed_on,
    findings.is_open,
    findings.is_new,
    findings.times_returned,
    findings.age_days,
    findings.team,
    findings.worker,
    findings.measures,
    rules.plain_words,
    rules.what_to_do,
    waived.waiver_id,
    waived.state as waiver_state
from quality.findings as this
inner join quality.findings as findings
    on
        this.authority = findings.authority
        and this.table_name = findings.table_name
        and this.record_id = findings.record_id
inner join quality.rules as rules on findings.rule_id = rules.rule_id
inner join ops.authorities as authorities on findings.authority = authorities.authority
left join quality.waived_findings as waived on findings.finding_id = waived.finding_id
where this.finding_id = %(finding)s
order by findings.is_open desc, findings.failing_since, findings.rule_id
"""
HISTORY: Final = """
select history.finding_id, findings.rule_id, history.failing_since, history.fixed_on
from quality.finding_history as history
inner join quality.kept_findings as findings on history.finding_id = findings.finding_id
where history.finding_id = any(%(findings)s)
order by history.failing_since desc, findings.rule_id
"""


@dataclass(frozen=True)
class Finding:
    """A rule that a record fails, or failed."""

    finding_id: int
    authority: str
    authority_name: str
    rule_id: str
    severity: str
    owner: str
    table_name: str
    record_key: str
    person_id: str | None
    first_seen: dt.date
    failing_since: dt.date
    last_seen: dt.date
    fixed_on: dt.date | None
    is_open: bool
    is_new: bool
    times_returned: int
    age_days: int
    team: str | None
    worker: str | None
    measures: Sequence[str]
    plain_words: str
    what_to_do: str
    waiver_id: int | None
    waiver_state: str | None


@dataclass(frozen=True)
class Spell:
    """A time during which a record failed a rule without a gap."""

    finding_id: int
    rule_id: str
    failing_since: dt.date
    fixed_on: dt.date | None


@router.get("/records/{finding_id}")
def record(request: Request, person: Asker, finding_id: int) -> HTMLResponse:
    """Show a record that fails a rule: every finding about it, and what it says."""
    if not person.may_see_records:
        raise HTTPException(403)
    with warehouse() as connection:
        refuse_other_teams(connection, person, finding_id)
        findings = read(connection, Finding, FINDINGS, {"finding": finding_id})
        if not findings:
            raise HTTPException(404)
        spells = read(
            connection, Spell, HISTORY, {"findings": [each.finding_id for each in findings]}
        )
        about = next(each for each in findings if each.finding_id == finding_id)
        note_look_at(connection, person, "record", about)
        names: Mapping[tuple[str, str], str] = worker_names(connection, {about.authority})
    is_open = [each for each in findings if each.is_open]
    says: Said | None = what_the_record_says(
        about.authority, about.table_name, about.record_key, [each.rule_id for each in is_open]
    )
    return page(
        request,
        "record.html",
        about=about,
        findings=is_open,
        past=[each for each in findings if not each.is_open],
        spells=spells,
        names=names,
        links=site.record_links(),
        says=says,
    )
