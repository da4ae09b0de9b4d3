"""`carepath waive`, `waivers`, `approve` and `withdraw`: what need not hold the night, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from rich.console import Console

from carepath.errors import WaiverError
from carepath.quality.waivers import approve, ask, person, read_waivers, withdraw
from carepath.terminal.layout import table_of
from carepath.warehouse.connect import connect

STEWARD: Final = "carepath_steward"
LASTING: Final = ("waiting", "counts")


@dataclass(frozen=True)
class Wanted:
    """The waiver that a person asks for; see `carepath waive`."""

    rule_id: str
    reason: str
    until: dt.date
    record_key: str | None = None
    figure: str | None = None
    table: str | None = None
    since: dt.date | None = None
    authority: str | None = None


def ask_for(console: Console, wanted: Wanted) -> int:
    """Ask for a waiver as the person who runs the command; say what must happen next.

    Returns:
        The waiver's id.

    Raises:
        WaiverError: the record or the authority is not clear, or the database refuses the waiver.
    """
    with connect(STEWARD, autocommit=True) as connection:
        authority = _authority(connection, wanted.authority)
        table, record_id = wanted.table, None
        if wanted.record_key is not None:
            table, record_id = _record(connection, authority, wanted)
        waiver_id = ask(
            connection,
            authority,
            wanted.rule_id,
            reason=wanted.reason,
            until=wanted.until,
            by=person(),
            since=wanted.since,
            table=table,
            record_id=record_id,
            figure=wanted.figure,
        )
        (waiver,) = [w for w in read_waivers(connection, authority) if w.waiver_id == waiver_id]
    console.print(f"Waiver {waiver_id} is recorded: {waiver.about}.", markup=False)
    if waiver.state == "waiting":
        console.print(
            "It does not count yet. A second person approves it on the desk, or runs "
            f"`carepath approve {waiver_id}`.",
            markup=False,
        )
    else:
        console.print(f"It counts until the night of {waiver.ends_on}.", markup=False)
    return waiver_id


def approve_each(console: Console, numbers: Sequence[int]) -> None:
    """Approve waivers as the person who runs the command.

    Raises:
        WaiverError: this person asked for it, or it was approved or withdrawn before.
    """
    with connect(STEWARD, autocommit=True) as connection:
        for number in numbers:
            approve(connection, number, person())
            console.print(f"Waiver {number} is approved. The next night takes it into account.")


def withdraw_one(console: Console, number: int, reason: str) -> None:
    """Withdraw a waiver as the person who runs the command.

    Raises:
        WaiverError: there is no such waiver, or it was withdrawn before.
    """
    with connect(STEWARD, autocommit=True) as connection:
        withdraw(connection, number, person(), reason)
    console.print(f"Waiver {number} is withdrawn. It no longer counts.")


def print_waivers(console: Console, authority: str | None, *, everything: bool = False) -> None:
    """Print the waivers, newest first; without `everything`, only those that last."""
    with connect(STEWARD) as connection:
        found = read_waivers(connection, authority.upper() if authority else None)
    shown = [waiver for waiver in found if everything or waiver.state in LASTING]
    if not shown:
        more = " `carepath waivers --all` lists those of the past." if found else ""
        console.print(f"No waiver counts or waits for approval.{more}")
        return
    table = table_of(
        "Waivers", left=("number", "state", "about", "nights", "why", "asked by", "approved by")
    )
    for waiver in shown:
        table.add_row(
            str(waiver.waiver_id),
            waiver.state,
            waiver.about,
            f"{waiver.starts_on} to {waiver.ends_on}",
            waiver.reason,
            waiver.asked_by,
            waiver.approved_by or "",
        )
    console.print(table)


def _authority(connection: psycopg.Connection[Any], authority: str | None) -> str:
    """Return the given authority or, if only one has been judged, that one."""
    if authority is not None:
        return authority.upper()
    known = connection.execute("select distinct authority from quality.gate_runs").fetchall()
    if len(known) != 1:
        raise WaiverError(
            "No authority has been judged yet."
            if not known
            else "Several authorities have been judged, and none was named.",
            todo="run a night first." if not known else "name one with --authority.",
        )
    return str(known[0][0])


def _record(connection: psycopg.Connection[Any], authority: str, wanted: Wanted) -> tuple[str, str]:
    """Return table and id of the record with a finding of the rule.

    Raises:
        WaiverError: no open finding has the key, or several have it.
    """
    found = connection.execute(
        "select table_name, record_id::text from quality.findings"
        " where authority = %s and rule_id = %s and record_key = %s and is_open"
        " and (%s::text is null or table_name = %s)",
        (authority, wanted.rule_id, wanted.record_key, wanted.table, wanted.table),
    ).fetchall()
    if len(found) == 1:
        return found[0][0], found[0][1]
    if not found:
        raise WaiverError(
            f"No record with this key fails the rule {wanted.rule_id}.",
            where=wanted.record_key or "",
            todo="copy the key from `carepath work-list`.",
        )
    tables = sorted({table for table, _ in found})
    raise WaiverError(
        f"{len(found)} records with this key fail the rule {wanted.rule_id}.",
        where=wanted.record_key or "",
        todo=f"name one of the tables with --table: {', '.join(tables)}."
        if len(tables) == len(found)
        else "choose the record on the desk, which tells them apart.",
    )
