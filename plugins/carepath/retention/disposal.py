"""Disposal: everything held about a person goes, in one transaction, and the register says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from carepath.contract import load_contract
from carepath.errors import RetentionError
from carepath.landing.disposed import PAST_LOADS
from carepath.night.lock import keep_nights_away
from carepath.person import Place, find_person
from carepath.quality.waivers import person
from carepath.retention.decide import one, refuse
from carepath.warehouse.connect import connect
from carepath.warehouse.models import FORGET

ONLY_ADDED_TO = """
select tgrelid::regclass::text from pg_trigger
where tgname = 'only_added_to' and tgrelid = %s::regclass
"""


def dispose(
    request_id: int, progress: Callable[[str, int], None] = lambda *_: None
) -> Mapping[str, int]:
    """Approve a request and remove everything held about the person.

    All tables change in one transaction, or none does. No night runs meanwhile. The next night
    builds core and marts from the start, because rows of others may rest on what went.

    Args:
        request_id: what `ask` returned. Another person must have asked.
        progress: is called with each table and the number of rows that went.

    Returns:
        The number of rows removed by table.

    Raises:
        RetentionError: the request is not known, the same person asked, or the records may not go.
        NightError: a night is running.
    """
    with connect("carepath_owner") as owner:
        keep_nights_away(owner)
        owner.execute("lock table identity.legal_holds in share mode")
        row = owner.execute(
            "select authority, person_id, asked_by from identity.disposal_requests"
            " where request_id = %s for update",
            (request_id,),
        ).fetchone()
        if row is None:
            raise RetentionError(
                f"There is no request {request_id}.", todo="see `carepath retention`."
            )
        authority, case_id, asked_by = row
        if asked_by.strip().lower() == person().strip().lower():
            raise RetentionError(
                f"Request {request_id} was made by {asked_by}, so another person must dispose."
            )
        found = one(owner, authority, case_id)
        refuse(found)
        subject, places = find_person(
            owner, load_contract(), authority, case_id, also_of_others=False
        )
        _refuse_delivered(owner, authority, places)
        past = _past_years(owner, places)
        person_hash = owner.execute(
            "select identity.disposed_hash(%s, %s)", (authority, subject.case_id)
        ).fetchone()
        removed: Counter[str] = Counter()
        # what belongs to a row that is found goes before that row
        for place in reversed(places):
            if count := _delete(owner, place):
                name = f"{place.schema}.{place.table}"
                removed[name] += count
                progress(name, count)
        disposal = owner.execute(
            "insert into ops.disposals"
            " (authority, kind, rows_removed, past_years, asked_by, done_by)"
            " values (%s, %s, %s, %s, %s, %s) returning disposal_id",
            (authority, found.kind, Jsonb(dict(removed)), past, asked_by, person()),
        ).fetchone()
        owner.execute(
            "insert into identity.disposed_people (authority, person_hash, disposal_id)"
            " values (%s, %s, %s)"
            " on conflict (authority, person_hash) do nothing",
            (authority, person_hash and person_hash[0], disposal and disposal[0]),
        )
        owner.execute(
            "insert into ops.audit_events (done_by, what, authority, detail)"
            " values (%s, 'disposed of the records of a person', %s, %s)",
            (person(), authority, f"disposal {disposal and disposal[0]}"),
        )
        owner.execute(FORGET)
    _vacuum(removed)
    return removed


def _refuse_delivered(owner: psycopg.Connection[Any], authority: str, places: list[Place]) -> None:
    """Refuse while the source still delivers any record of the person, but for past returns."""
    for place in _of_history(places):
        row = owner.execute(
            sql.SQL(
                "select exists (select from {} as held where held.to_load is null"
                " and held.from_load not in ({}) and ({}))"
            ).format(place.name, sql.SQL(PAST_LOADS), place.condition)
        ).fetchone()
        if row == (True,):
            raise RetentionError(
                "The source still delivers records of the person.",
                where=f"authority {authority}, table {place.table.partition('__')[0]}",
                todo="delete them in the recording system, and run a night first.",
            )


def _past_years(owner: psycopg.Connection[Any], places: list[Place]) -> list[str]:
    """Return the collection years whose returns still name the person, in order."""
    found: set[str] = set()
    for place in _of_history(places):
        rows = owner.execute(
            sql.SQL(
                "select distinct held.period from {} as held"
                " where held.to_load is null and held.period is not null and ({})"
            ).format(place.name, place.condition)
        ).fetchall()
        found |= {period for (period,) in rows}
    return sorted(found)


def _of_history(places: list[Place]) -> list[Place]:
    return [place for place in places if place.schema == "history"]


def _delete(owner: psycopg.Connection[Any], place: Place) -> int:
    guarded = owner.execute(ONLY_ADDED_TO, (place.name.as_string(owner),)).fetchone() is not None
    if guarded:
        owner.execute(sql.SQL("alter table {} disable trigger only_added_to").format(place.name))
    count = owner.execute(
        sql.SQL("delete from {} as held where {}").format(place.name, place.condition)
    ).rowcount
    if guarded:
        owner.execute(sql.SQL("alter table {} enable trigger only_added_to").format(place.name))
    return count


def _vacuum(tables: Mapping[str, int]) -> None:
    """Let PostgreSQL clear the pages in which the rows were."""
    with connect("carepath_owner", autocommit=True) as owner:
        for name in tables:
            owner.execute(sql.SQL("vacuum {}").format(sql.Identifier(*name.split(".", 1))))
