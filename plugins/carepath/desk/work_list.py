"""The page Work list: which records fail, for whom, since when. Also as CSV and Excel."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import psycopg
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from psycopg.types.json import Jsonb

from carepath.desk.answers import page
from carepath.desk.database import read, warehouse
from carepath.desk.downloads import csv_answer, excel_answer
from carepath.desk.findings import (
    OF_OWN_TEAMS,
    SORTS,
    Filters,
    OpenFinding,
    asked_filters,
    count_all,
    each_finding,
    read_part,
)
from carepath.desk.forms import Asker, Posted
from carepath.desk.guard import BASE
from carepath.desk.looks import note_look
from carepath.desk.people import Person
from carepath.quality.open_findings import HOLDS, IS_NEW, OPEN, TEAMS_TOGETHER
from carepath.site import desk as site
from carepath.spreadsheets import inert
from expectations.measures import in_words

router = APIRouter()

Asked = Annotated[Filters, Depends(asked_filters)]

# What the open findings can be filtered by. Workers are looked up in an index as teams are.
OPTIONS: Final = f"""
with recursive {TEAMS_TOGETHER},

workers as (
    select authorities.authority, (
        select min(kept.worker) from quality.kept_findings as kept
        where kept.fixed_on is null and kept.authority = authorities.authority
    ) as worker
    from ops.authorities
    union all
    select workers.authority, (
        select min(kept.worker) from quality.kept_findings as kept
        where
            kept.fixed_on is null
            and kept.authority = workers.authority
            and kept.worker > workers.worker
    )
    from workers
    where workers.worker is not null
),

failing as (
    select authorities.authority, rules.rule_id
    from ops.authorities
    cross join quality.rules
    where (
        select true from quality.kept_findings as kept
        where
            kept.fixed_on is null
            and kept.authority = authorities.authority
            and kept.rule_id = rules.rule_id
        limit 1
    )
)

select distinct null as authority, team, null as worker, null as rule_id
from together
cross join unnest(together.teams) as team
union all
select authority, null, worker, null from workers
where authority in (select authority from failing)
union all
select null, null, null, rule_id from failing
group by rule_id
"""
COUNTS: Final = f"""
select
    kept.rule_id,
    rules.severity,
    rules.plain_words,
    rules.owner,
    count(*)::integer as open_count,
    count(*) filter (where {IS_NEW})::integer as new_count,
    count(*) filter (where {HOLDS})::integer as holding_count,
    min(kept.failing_since) as oldest
from {OPEN} and {{condition}}
group by kept.rule_id, rules.severity, rules.plain_words, rules.owner
order by count(*) filter (where {HOLDS}) desc, count(*) desc, kept.rule_id
"""
VIEWS: Final = """
select view_id, name, filters from quality.desk_views where saved_by = %(person)s order by name
"""
MOST_VIEWS: Final = 30

HEADINGS: Final = (
    "Finding",
    "Authority",
    "Rule",
    "Severity",
    "What is wrong",
    "What to do",
    "Who",
    "Holds figures",
    "Table",
    "Record",
    "Case",
    "Failing since",
    "Days",
    "New",
    "Returned",
    "Team",
    "Worker",
    "Waiver",
)


@dataclass(frozen=True)
class Counted:
    """How many records fail a rule, for those who may not see which."""

    rule_id: str
    severity: str
    plain_words: str
    owner: str
    open_count: int
    new_count: int
    holding_count: int
    oldest: dt.date


@dataclass(frozen=True)
class SavedView:
    """Filters that a person has saved under a name."""

    view_id: int
    name: str
    filters: Mapping[str, str]


@router.get("/work-list")
def work_list(
    request: Request,
    person: Asker,
    filters: Asked,
    after: int | None = None,
    before: int | None = None,
) -> HTMLResponse:
    """Show a page of the open findings, or how many there are of each rule."""
    # counts of one case say what fails in its records
    if not person.may_see_records and (filters.case is not None or filters.worker):
        raise HTTPException(403)
    with warehouse() as connection:
        options = _options(connection, person)
        shared: dict[str, Any] = {
            "filters": filters,
            "options": options,
            "sorts": {name: label for name, (label, _, _) in SORTS.items()},
            "views": read(connection, SavedView, VIEWS, {"person": person.name}),
        }
        if not person.may_see_records:
            query = COUNTS.format(condition=filters.condition)
            counts = read(connection, Counted, query, vars(filters))
            return page(request, "work_list_counts.html", counts=counts, **shared)
        part = read_part(connection, filters, after=after, before=before)
        note_look(
            connection,
            person,
            "work list",
            count=len(part.found),
            authority=filters.authority,
            rule=filters.rule,
        )
        names = worker_names(connection, {each.authority for each in part.found})
    links = site.record_links()
    return page(request, "work_list.html", part=part, names=names, links=links, **shared)


@router.get("/work-list.csv")
def as_csv(person: Asker, filters: Asked) -> StreamingResponse:
    """Give all open findings that match, as CSV."""
    _note_download(person, filters, "CSV")
    return csv_answer(_file_name(), HEADINGS, _rows(filters))


@router.get("/work-list.xlsx")
def as_excel(person: Asker, filters: Asked) -> StreamingResponse:
    """Give all open findings that match, as an Excel workbook."""
    _note_download(person, filters, "Excel")
    return excel_answer(_file_name(), "Work list", HEADINGS, _rows(filters))


@router.post("/work-list/case")
def find_case(request: Request, person: Asker, form: Posted) -> RedirectResponse:
    """Find the findings about a case. Its id comes in a form, which no server logs."""
    if not person.may_see_records:
        raise HTTPException(403)
    with warehouse() as connection:
        limit = "true" if person.teams is None else OF_OWN_TEAMS
        row = connection.execute(
            "select finding_id from quality.work_list as kept where person_id = %(case)s"
            f" and {limit} order by finding_id limit 1",
            {**person.own_teams, "case": form["case_id"]},
        ).fetchone()
    found = f"?case={row[0]}" if row else "?case=0"
    return RedirectResponse(f"{request.scope[BASE]}/work-list{found}", status_code=303)


@router.post("/work-list/views")
def save_view(request: Request, person: Asker, form: Posted) -> RedirectResponse:
    """Save the filters of the page under a name. A view of the same name is replaced."""
    name = form["name"][:60]
    kept = {
        field: form[field]
        for field in vars(Filters())
        if field != "case" and form[field] and len(form[field]) <= 200
    }
    if name:
        with warehouse() as connection:
            connection.execute(
                "delete from quality.desk_views where saved_by = %s and (name = %s or view_id in"
                " (select view_id from quality.desk_views where saved_by = %s"
                " order by view_id desc offset %s))",
                (person.name, name, person.name, MOST_VIEWS - 1),
            )
            connection.execute(
                "insert into quality.desk_views (saved_by, name, filters) values (%s, %s, %s)",
                (person.name, name, Jsonb(kept)),
            )
    address = f"{request.scope[BASE]}/work-list?{urlencode(kept)}"
    return RedirectResponse(address, status_code=303)


@router.post("/work-list/views/{view_id}/remove")
def remove_view(request: Request, person: Asker, _: Posted, view_id: int) -> RedirectResponse:
    """Remove one of the person's own views."""
    with warehouse() as connection:
        connection.execute(
            "delete from quality.desk_views where view_id = %s and saved_by = %s",
            (view_id, person.name),
        )
    return RedirectResponse(f"{request.scope[BASE]}/work-list", status_code=303)


def worker_names(
    connection: psycopg.Connection[Any], authorities: set[str]
) -> Mapping[tuple[str, str], str]:
    """Return the names of workers by authority and id."""
    rows = connection.execute(
        "select authority, worker_id, worker_name from unnest(%s::text[]) as authority"
        " cross join lateral quality.worker_names(authority) where worker_name is not null",
        ([*authorities],),
    ).fetchall()
    return {(authority, worker): name for authority, worker, name in rows}


def _options(
    connection: psycopg.Connection[Any], person: Person
) -> Mapping[str, list[tuple[str, str]]]:
    rows = connection.execute(OPTIONS).fetchall()
    names = dict(connection.execute("select authority, name from ops.authorities").fetchall())
    rules = connection.execute(
        "select rule_id, owner, falsifies from quality.rules where rule_id = any(%s)",
        ([rule for _, _, _, rule in rows if rule],),
    ).fetchall()
    authorities = {authority for authority, _, _, _ in rows if authority}
    workers = worker_names(connection, authorities)
    return {
        "authority": sorted(((each, names.get(each, each)) for each in authorities), key=_second),
        "team": sorted(
            (team, team)
            for _, team, _, _ in rows
            if team and (person.teams is None or team in person.own_teams["own_teams"])
        ),
        "worker": sorted(
            {(w, workers.get((authority, w), w)) for authority, _, w, _ in rows if authority and w},
            key=_second,
        ),
        "owner": sorted({(owner, owner[:1].upper() + owner[1:]) for _, owner, _ in rules}),
        "rule": sorted((rule, rule) for rule, _, _ in rules),
        "measure": sorted(
            {(each, in_words(each)) for _, _, measures in rules for each in measures}
        ),
    }


def _second(pair: tuple[str, str]) -> str:
    return pair[1]


def _note_download(person: Any, filters: Filters, kind: str) -> None:
    if not person.may_see_records:
        raise HTTPException(403)
    with warehouse() as connection:
        note_look(
            connection,
            person,
            f"work list as {kind}",
            count=count_all(connection, filters),
            authority=filters.authority,
            rule=filters.rule,
        )


def _cells(each: OpenFinding, names: Mapping[tuple[str, str], str]) -> list[object]:
    worker = each.worker and names.get((each.authority, each.worker), each.worker)
    return [
        each.finding_id,
        each.authority,
        each.rule_id,
        each.severity,
        each.plain_words,
        each.what_to_do,
        each.owner,
        "yes" if each.is_holding else "no",
        each.table_name,
        inert(each.record_key),
        inert(each.person_id),
        each.failing_since,
        each.days,
        "yes" if each.is_new else "no",
        each.times_returned,
        inert(each.team),
        inert(worker),
        each.waiver_state or "",
    ]


def _rows(filters: Filters) -> Iterator[list[object]]:
    with warehouse() as connection:
        names = worker_names(connection, _authorities(connection))
        for each in each_finding(connection, filters):
            yield _cells(each, names)


def _file_name() -> str:
    return f"work-list-{dt.datetime.now(dt.UTC):%Y-%m-%d}"


def _authorities(connection: psycopg.Connection[Any]) -> set[str]:
    return {each for (each,) in connection.execute("select authority from ops.authorities")}
