"""Legal hold and release, and the request that a second person must approve."""

from __future__ import annotations

from typing import Any, Literal

import psycopg

from carepath.errors import RetentionError
from carepath.landing.disposed import PAST_LOADS
from carepath.quality.waivers import person
from carepath.retention.due import Due, read_due
from carepath.warehouse.connect import connect

WHY_NOT = {
    "on hold": "There is a legal hold on the records.",
    "still delivered": "The source still delivers records of the person.",
    "no date": "A date that the retention is counted from is missing.",
    "later": "The retention has not ended.",
}


def hold(authority: str, case_id: str, reason: str) -> None:
    """Put a legal hold on a person's records. They are not disposed of until it is released.

    Raises:
        RetentionError: the person is not known or on hold already, or the reason is blank.
    """
    _decide(authority, case_id, "held", reason)


def release(authority: str, case_id: str, reason: str) -> None:
    """Release a legal hold.

    Raises:
        RetentionError: there is no hold, or the reason is blank.
    """
    _decide(authority, case_id, "released", reason)


def ask(authority: str, case_id: str) -> int:
    """Ask that a person's records be disposed of, and return the number of the request.

    Raises:
        RetentionError: the person is not known, or their records may not go.
    """
    with connect("carepath_owner") as owner:
        found = one(owner, authority, case_id)
        if found.request_id is not None:
            return found.request_id
        refuse(found)
        row = owner.execute(
            "insert into identity.disposal_requests (authority, person_id, asked_by)"
            " values (%s, %s, %s) returning request_id",
            (authority, found.case_id, person()),
        ).fetchone()
        _note(owner, "asked for a disposal", authority, f"request {row and row[0]}")
        return int(row[0]) if row else 0


def refuse(found: Due) -> None:
    """Raise RetentionError if the records of a person may not go."""
    if found.state in WHY_NOT:
        raise RetentionError(
            WHY_NOT[found.state],
            where=f"authority {found.authority}",
            todo="see `carepath retention` and docs/retention.md.",
        )


def one(owner: psycopg.Connection[Any], authority: str, case_id: str) -> Due:
    """Return a person's retention.

    Raises:
        RetentionError: no record of the person is known. The case id is not repeated.
    """
    found = read_due(owner, authority, case_id)
    if not found:
        raise RetentionError(
            "There is no person with this case id.",
            where=f"authority {authority}",
            todo="check the authority's ONS code and the case id.",
        )
    return found[0]


def _known(owner: psycopg.Connection[Any], authority: str, case_id: str) -> str:
    """Return the case id as the records have it, of a person who is known or was disposed of.

    Raises:
        RetentionError: neither is so.
    """
    said = case_id.strip().upper()
    was_disposed = owner.execute(
        "select exists (select from identity.disposed_people where authority = %(authority)s"
        " and person_hash = identity.disposed_hash(%(authority)s, %(case)s))",
        {"authority": authority, "case": said},
    ).fetchone()
    return said if was_disposed == (True,) else one(owner, authority, case_id).case_id


def _decide(authority: str, case_id: str, event: Literal["held", "released"], reason: str) -> None:
    if not reason.strip():
        raise RetentionError("The reason is blank.", todo="say why, for those who read it later.")
    with connect("carepath_owner") as owner:
        case_id = _known(owner, authority, case_id)
        owner.execute("lock table identity.legal_holds in share row exclusive mode")
        last = owner.execute(
            "select event from identity.legal_holds where authority = %s and person_id = %s"
            " order by event_id desc limit 1",
            (authority, case_id),
        ).fetchone()
        if (last == ("held",)) == (event == "held"):
            what = "already on hold" if event == "held" else "not on hold"
            raise RetentionError(f"The records are {what}.", where=f"authority {authority}")
        owner.execute(
            "insert into identity.legal_holds (authority, person_id, event, reason, done_by)"
            " values (%s, %s, %s, %s, %s)",
            (authority, case_id, event, reason.strip(), person()),
        )
        # the next load of a past return is compared with history again, and lets the records in
        owner.execute(
            "update ops.table_deliveries set content_hash = ''"
            f" where load_id in (select load_id from ops.loads where authority = %s"
            f" and load_id in ({PAST_LOADS}))",
            (authority,),
        )
        what = "put on hold" if event == "held" else "released from hold"
        _note(owner, f"records {what}", authority, "one person")


def _note(owner: psycopg.Connection[Any], what: str, authority: str, detail: str) -> None:
    owner.execute(
        "insert into ops.audit_events (done_by, what, authority, detail) values (%s, %s, %s, %s)",
        (person(), what, authority, detail),
    )
