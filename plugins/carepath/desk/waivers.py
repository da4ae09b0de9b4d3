"""The pages Waivers: ask for one, approve what another person asked for, withdraw."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from carepath.desk.answers import page
from carepath.desk.database import read, warehouse
from carepath.desk.findings import refuse_other_teams
from carepath.desk.forms import Asker, Form, Posted
from carepath.desk.guard import BASE
from carepath.desk.looks import note_look, note_look_at
from carepath.desk.people import Person
from carepath.desk.rule_book import entry_of
from carepath.quality.waivers import COLUMNS, Waiver

router = APIRouter()

LONGEST_DAYS: Final = 366
LONGEST_REASON: Final = 1000

WAIVERS: Final = f"""
select
    {COLUMNS},
    authorities.name as authority_name,
    rules.plain_words
from quality.waivers
inner join ops.authorities as authorities on waivers.authority = authorities.authority
inner join quality.rules as rules on waivers.rule_id = rules.rule_id
"""
LISTED: Final = f"""{WAIVERS}
where
    (%(state)s = '' or waivers.state = %(state)s)
    and (%(rule)s = '' or waivers.rule_id = upper(%(rule)s))
order by
    array_position(array['waiting', 'counts', 'expired', 'withdrawn'], waivers.state),
    waivers.waiver_id desc
limit 500
"""
FINDING: Final = """
select
    findings.finding_id,
    findings.authority,
    authorities.name as authority_name,
    findings.rule_id,
    findings.table_name,
    findings.record_id,
    findings.record_key,
    findings.person_id,
    latest.night
from quality.kept_findings as findings
inner join ops.authorities as authorities on findings.authority = authorities.authority
inner join quality.latest_gate_runs as latest
    on findings.authority = latest.authority and findings.gate = latest.gate
where findings.finding_id = %(finding)s and findings.fixed_on is null
"""


@dataclass(frozen=True)
class Shown(Waiver):
    """A waiver with the name of its authority, and what its rule says."""

    authority_name: str
    plain_words: str

    def may_be_approved_by(self, person: Person) -> bool:
        """Whether this person may approve it: not the one who asked."""
        return (
            self.state == "waiting"
            and person.may_approve
            and person.name.lower() != self.asked_by.lower()
        )

    def may_be_withdrawn_by(self, person: Person) -> bool:
        """Whether this person may withdraw it. Of one record: who sees all teams, or asked."""
        is_theirs = (
            not self.is_of_record
            or person.may_see_every_record
            or person.name.lower() == self.asked_by.lower()
        )
        return self.state in ("waiting", "counts") and person.may_ask and is_theirs


@dataclass(frozen=True)
class About:
    """What a waiver would be for: one record, or a whole rule of an authority."""

    authority: str
    authority_name: str
    rule_id: str
    night: dt.date
    finding_id: int | None = None
    table_name: str | None = None
    record_id: UUID | None = None
    record_key: str | None = None
    person_id: str | None = None


@router.get("/waivers")
def waivers(
    request: Request, person: Asker, state: str = "", rule: str = "", done: str = ""
) -> HTMLResponse:
    """List the waivers: those that wait for a second person first."""
    wanted = {"state": state, "rule": rule}
    with warehouse() as connection:
        found = read(connection, Shown, LISTED, wanted)
        shown = [each for each in found if each.is_of_record]
        if shown and person.may_see_every_record:
            note_look(connection, person, "waivers", count=len(shown), rule=rule)
    return page(request, "waivers.html", waivers=found, wanted=wanted, done=done)


@router.get("/waivers/ask")
def ask_form(
    request: Request,
    person: Asker,
    finding: int | None = None,
    rule: str = "",
    authority: str = "",
) -> HTMLResponse:
    """Show the form with which a person asks for a waiver."""
    with warehouse() as connection:
        about = _about(connection, person, finding, rule, authority)
    return _form(request, about, {}, {})


@router.post("/waivers/ask", response_model=None)
def ask(request: Request, person: Asker, form: Posted) -> HTMLResponse | RedirectResponse:
    """Check what the person has written; ask for the waiver once they have confirmed it."""
    with warehouse() as connection:
        finding = int(form["finding"]) if form["finding"].isdecimal() else None
        about = _about(connection, person, finding, form["rule"], form["authority"])
        wrong, last_night = _mistakes(form, about)
        if wrong or last_night is None:
            return _form(request, about, form.fields, wrong, status=422)
        if form["confirmed"] != "yes":
            return page(
                request,
                "waiver_check.html",
                about=about,
                entry=entry_of(about.rule_id),
                reason=form["reason"],
                last_night=last_night,
            )
        row = connection.execute(
            "select quality.ask_waiver(%s, %s, %s, %s, %s, %s, %s)",
            (
                about.authority,
                about.rule_id,
                form["reason"],
                last_night,
                person.name,
                about.table_name,
                about.record_id,
            ),
        ).fetchone()
    number = row[0] if row else 0
    return RedirectResponse(f"{request.scope[BASE]}/waivers/{number}?done=asked", status_code=303)


@router.get("/waivers/{waiver_id}")
def waiver(request: Request, person: Asker, waiver_id: int, done: str = "") -> HTMLResponse:
    """Show one waiver, who did what, and what can be done with it."""
    with warehouse() as connection:
        about = _one(connection, waiver_id)
        if about.is_of_record and person.may_see_every_record:
            note_look_at(connection, person, "waiver", about)
    return page(request, "waiver.html", waiver=about, done=done, wrong={})


@router.post("/waivers/{waiver_id}/approve")
def approve(request: Request, person: Asker, _: Posted, waiver_id: int) -> RedirectResponse:
    """Approve a waiver that another person has asked for."""
    with warehouse() as connection:
        about = _one(connection, waiver_id)
        if not person.may_approve or (about.is_of_record and not person.may_see_every_record):
            raise HTTPException(403)
        if not about.may_be_approved_by(person):
            raise HTTPException(409, _why_not(about, person))
        _do(connection, "select quality.approve_waiver(%s, %s)", (waiver_id, person.name))
    address = f"{request.scope[BASE]}/waivers/{waiver_id}?done=approved"
    return RedirectResponse(address, status_code=303)


@router.post("/waivers/{waiver_id}/withdraw", response_model=None)
def withdraw(
    request: Request, person: Asker, form: Posted, waiver_id: int
) -> HTMLResponse | RedirectResponse:
    """Withdraw a waiver, which then does not count any more."""
    with warehouse() as connection:
        about = _one(connection, waiver_id)
        may_not = about.state in ("waiting", "counts") and not about.may_be_withdrawn_by(person)
        if not person.may_ask or may_not:
            raise HTTPException(403)
        if not about.may_be_withdrawn_by(person):
            raise HTTPException(409, _why_not(about, person))
        if not form["reason"]:
            if about.is_of_record and person.may_see_every_record:
                note_look_at(connection, person, "waiver", about)
            wrong = {"reason": "Say why you are withdrawing the waiver."}
            return page(request, "waiver.html", status=422, waiver=about, done="", wrong=wrong)
        _do(
            connection,
            "select quality.withdraw_waiver(%s, %s, %s)",
            (waiver_id, person.name, form["reason"][:LONGEST_REASON]),
        )
    address = f"{request.scope[BASE]}/waivers/{waiver_id}?done=withdrawn"
    return RedirectResponse(address, status_code=303)


def _about(
    connection: psycopg.Connection[Any],
    person: Person,
    finding: int | None,
    rule: str,
    authority: str,
) -> About:
    if not person.may_ask:
        raise HTTPException(403)
    if finding is not None:
        refuse_other_teams(connection, person, finding)
        found = read(connection, About, FINDING, {"finding": finding})
    else:
        found = read(
            connection,
            About,
            "select latest.authority, authorities.name as authority_name, rules.rule_id,"
            " max(latest.night) as night from quality.latest_gate_runs as latest"
            " inner join ops.authorities as authorities on latest.authority = authorities.authority"
            " inner join quality.rules as rules on rules.rule_id = upper(%(rule)s)"
            " where latest.authority = %(authority)s"
            " group by latest.authority, authorities.name, rules.rule_id",
            {"rule": rule, "authority": authority},
        )
    if not found:
        raise HTTPException(404)
    # each answer shows the record: the form, the form with its mistakes, and the check
    if found[0].finding_id is not None:
        note_look_at(connection, person, "waiver", found[0])
    return found[0]


def _mistakes(form: Form, about: About) -> tuple[dict[str, str], dt.date | None]:
    wrong: dict[str, str] = {}
    if not form["reason"]:
        wrong["reason"] = "Say why the rule should not count here."
    elif len(form["reason"]) > LONGEST_REASON:
        wrong["reason"] = f"The reason must have at most {LONGEST_REASON:,} characters."
    last_night: dt.date | None = None
    try:
        last_night = dt.date.fromisoformat(form["last_night"])
    except ValueError:
        wrong["last_night"] = "Enter the last night, such as 31/03/2019."
    else:
        if last_night < about.night:
            wrong["last_night"] = "The last night must not be before the last night that ran."
        elif (last_night - about.night).days > LONGEST_DAYS:
            wrong["last_night"] = "A waiver lasts at most a year. Ask again when it ends."
    return wrong, last_night


def _form(
    request: Request,
    about: About,
    written: Mapping[str, str],
    wrong: Mapping[str, str],
    status: int = 200,
) -> HTMLResponse:
    return page(
        request,
        "waiver_ask.html",
        status=status,
        about=about,
        entry=entry_of(about.rule_id),
        written=written,
        wrong=wrong,
    )


def _one(connection: psycopg.Connection[Any], waiver_id: int) -> Shown:
    found = read(
        connection, Shown, f"{WAIVERS} where waivers.waiver_id = %(id)s", {"id": waiver_id}
    )
    if not found:
        raise HTTPException(404)
    return found[0]


def _do(connection: psycopg.Connection[Any], statement: str, values: tuple[object, ...]) -> None:
    """Run one of the functions that change a waiver. Another person may have been faster."""
    try:
        connection.execute(statement.encode(), values)
    except psycopg.errors.RaiseException as error:
        raise HTTPException(409, error.diag.message_primary or "") from None


def _why_not(waiver: Shown, person: Person) -> str:
    if waiver.state == "waiting" and person.name.lower() == waiver.asked_by.lower():
        return "You asked for this waiver yourself, so another person must approve it."
    said = {
        "counts": "The waiver counts already.",
        "expired": "The waiver has expired.",
        "withdrawn": "The waiver has been withdrawn.",
    }
    return said.get(waiver.state, "Your role does not include it.")
