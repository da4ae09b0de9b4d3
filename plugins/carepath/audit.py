"""Who did what: `ops.audit_events` is only ever added to, and `ops.audit` shows everything."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from psycopg.rows import class_row

from carepath.quality.waivers import person
from carepath.warehouse.connect import connect


@dataclass(frozen=True)
class Deed:
    """What one person did.

    Attributes:
        done_by: the account of the machine, or the name with which the person signed in.
        detail: files, rules and counts; never a value of a record.
    """

    done_at: dt.datetime
    done_by: str
    what: str
    authority: str | None
    detail: str


def note(what: str, detail: str, authority: str | None = None, by: str | None = None) -> None:
    """Keep that somebody did something, before it is done.

    Args:
        what: the deed, as a verb in the past tense.
        detail: files, rules and counts; never a value of a record.
        authority: whose records or figures it was about.
        by: the name with which the person signed in; by default who runs this process.
    """
    with connect("carepath_loader") as connection:
        connection.execute(
            "insert into ops.audit_events (done_by, what, authority, detail)"
            " values (%s, %s, %s, %s)",
            (by or person(), what, authority, detail),
        )


def read_audit(
    *, since: dt.date | None = None, by: str | None = None, limit: int | None = None
) -> list[Deed]:
    """Return what people did, the newest first.

    Args:
        since: the first day, in UTC.
        by: only this person.
        limit: at most so many.
    """
    with (
        connect("carepath_analyst") as connection,
        connection.cursor(row_factory=class_row(Deed)) as cursor,
    ):
        return cursor.execute(
            "select done_at, done_by, what, authority, detail from ops.audit"
            " where done_at >= coalesce(%(since)s::date, '-infinity')"
            " and (%(by)s::text is null or done_by = %(by)s)"
            " order by done_at desc, what, detail limit %(limit)s",
            {"since": since, "by": by, "limit": limit},
        ).fetchall()
