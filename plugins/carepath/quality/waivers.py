"""Waivers: a person says, with a reason and an end date, that a rule need not hold the night.

A waiver changes the decision, and nothing else. The finding stays on the work list, and figures
still leave the record out. A waiver counts on the nights from its first to its last day, once a
second person has approved it. The database refuses approval by the person who asked.
"""

from __future__ import annotations

import datetime as dt
import os
import pwd
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import class_row

from carepath.contract.model import load_contract
from carepath.errors import WaiverError, safe_message
from carepath.quality.decision import Result, weigh
from carepath.quality.figures.figure import Finding

LOGIN: Final = Path("/proc/self/loginuid")
NOT_SIGNED_IN: Final = 2**32 - 1
MOVED_RULES: Final = ("KPI-06",)
DATE_GONE: Final = "KPI-08"
LOST_ROWS: Final = "LOAD-01"
# what the database's constraints refuse
REFUSALS: Final = {
    "waiver_ends_after_it_starts": "The waiver ends before its first night.",
    "waiver_of_a_year": "A waiver may last a year at most.",
    "waiver_of_a_record_names_its_table": "A waiver of a record must name its table.",
    "waiver_of_one_thing": "A waiver is about a record or a figure, not both.",
}


@dataclass(frozen=True)
class Waiver:
    """A waiver, as `quality.waivers` shows it.

    Attributes:
        state: waiting (for a second person), counts, expired or withdrawn.
    """

    waiver_id: int
    authority: str
    rule_id: str
    table_name: str | None
    record_id: str | None
    record_key: str | None
    person_id: str | None
    figure: str | None
    starts_on: dt.date
    ends_on: dt.date
    reason: str
    asked_by: str
    asked_at: dt.datetime
    approved_by: str | None
    approved_at: dt.datetime | None
    withdrawn_by: str | None
    withdrawn_at: dt.datetime | None
    withdrawn_because: str | None
    state: str

    @property
    def is_of_record(self) -> bool:
        """Whether it is about one record."""
        return self.record_id is not None

    @property
    def about(self) -> str:
        """What it is about, in a few words."""
        if self.record_key:
            return f"{self.rule_id}, {self.table_name} {self.record_key}"
        if self.figure:
            return f"{self.rule_id}, {self.figure}"
        if self.table_name:
            return f"{self.rule_id}, all of {self.table_name}"
        return f"{self.rule_id}, all records"

    def covers(self, finding: Finding) -> bool:
        """Return whether it is about a finding of gate 2."""
        if self.figure is None:
            return self.record_id is None
        names = ("all", f"{finding.mart}|{finding.key}", finding.mart, *finding.key.split("|")[:2])
        return self.figure.casefold() in {name.casefold() for name in names}


COLUMNS: Final = ", ".join(
    "waivers.record_id::text" if field.name == "record_id" else f"waivers.{field.name}"
    for field in fields(Waiver)
)


def read_waivers(connection: psycopg.Connection[Any], authority: str | None = None) -> list[Waiver]:
    """Return all waivers, of one authority or of all, newest first."""
    cursor = connection.cursor(row_factory=class_row(Waiver))
    return cursor.execute(
        f"select {COLUMNS} from quality.waivers"
        " where %(authority)s::text is null or authority = %(authority)s"
        " order by waiver_id desc",
        {"authority": authority},
    ).fetchall()


def that_count(connection: psycopg.Connection[Any], authority: str, night: dt.date) -> list[Waiver]:
    """Return the waivers that count for an authority on a night."""
    cursor = connection.cursor(row_factory=class_row(Waiver))
    return cursor.execute(
        f"select {COLUMNS} from quality.waivers where authority = %s and may_count"
        " and %s between starts_on and ends_on order by waiver_id",
        (authority, night),
    ).fetchall()


def lost_rows_waived(
    connection: psycopg.Connection[Any], authority: str, night: dt.date
) -> tuple[list[int], Collection[str]]:
    """Return the waivers of lost rows and columns that count on a night, and their tables."""
    found = [each for each in that_count(connection, authority, night) if each.rule_id == LOST_ROWS]
    tables = {each.table_name for each in found if each.table_name}
    if any(each.table_name is None for each in found):
        tables = set(load_contract().tables)
    return [each.waiver_id for each in found], tables


def waive_records(
    connection: psycopg.Connection[Any],
    gate_run_id: int,
    waivers: Sequence[Waiver],
    results: Sequence[Result],
) -> list[Result]:
    """Return the results of gate 1, weighed again without the records that a waiver covers."""
    if not waivers:
        return list(results)
    of_records = _waived_records(connection, gate_run_id, waivers)
    found = []
    for result in results:
        whole = [
            waiver.waiver_id
            for waiver in waivers
            if waiver.rule_id == result.rule_id
            and waiver.record_id is None
            and waiver.figure is None
            and waiver.table_name in (None, result.table_name)
        ]
        count, ids = of_records.get((result.rule_id, result.table_name), (0, ()))
        if result.failing and whole:
            result = replace(result, waived=result.failing, waivers=tuple(whole))
        elif result.failing and count:
            result = replace(result, waived=count, waivers=tuple(ids))
        found.append(weigh(result))
    return found


def _waived_records(
    connection: psycopg.Connection[Any], gate_run_id: int, waivers: Sequence[Waiver]
) -> dict[tuple[str, str], tuple[int, list[int]]]:
    """Return rule and table to the number of waived records and the waivers' ids."""
    ids = [waiver.waiver_id for waiver in waivers if waiver.record_id is not None]
    if not ids:
        return {}
    rows = connection.execute(
        """
        select rule_id, table_name, sum(record_count), array_agg(waiver_id order by waiver_id)
        from (
            select
                keys.rule_id,
                keys.table_name,
                keys.record_id,
                max(keys.record_count) as record_count,
                min(requests.waiver_id) as waiver_id
            from quality.waiver_requests as requests
            inner join quality.failing_keys as keys
                on
                    requests.rule_id = keys.rule_id
                    and requests.table_name = keys.table_name
                    and requests.record_id = keys.record_id
            where keys.gate_run_id = %s and requests.waiver_id = any(%s)
            group by keys.rule_id, keys.table_name, keys.record_id
        ) as waived
        group by rule_id, table_name
        """,
        (gate_run_id, ids),
    ).fetchall()
    return {(rule, table): (int(count), found) for rule, table, count, found in rows}


def waive_figures(waivers: Sequence[Waiver], result: Result, findings: Sequence[Finding]) -> Result:
    """Return a result of gate 2, weighed again without the findings that a waiver covers."""
    about = [waiver for waiver in waivers if waiver.rule_id == result.rule_id]
    covered = [
        [waiver.waiver_id for waiver in about if waiver.covers(finding)] for finding in findings
    ]
    ids = sorted({each for found in covered for each in found})
    return weigh(replace(result, waived=sum(map(bool, covered)), waivers=tuple(ids)))


def ask(
    connection: psycopg.Connection[Any],
    authority: str,
    rule_id: str,
    *,
    reason: str,
    until: dt.date,
    by: str,
    since: dt.date | None = None,
    table: str | None = None,
    record_id: str | None = None,
    figure: str | None = None,
) -> int:
    """Ask for a waiver.

    Args:
        connection: of a role that may ask.
        authority: the authority, by its ONS code.
        rule_id: the rule.
        reason: why the rule need not hold the night.
        until: the last night on which it may count.
        by: who asks.
        since: the first night; by default the authority's latest.
        table: the table of the record, or the only table for which the rule is waived.
        record_id: the record (`quality.findings`); None for the whole rule.
        figure: of gate 2: a mart, a measure, a date (yyyy-mm-dd), the key of a figure, or `all`.

    Returns:
        The waiver's id.

    Raises:
        WaiverError: the database refuses it; the message says why.
    """
    with _refusals():
        row = connection.execute(
            "select quality.ask_waiver(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (authority, rule_id, reason, until, by, table, record_id, figure, since),
        ).fetchone()
    if row is None:
        raise WaiverError("The waiver was not recorded.", where=rule_id)
    return int(row[0])


def approve(connection: psycopg.Connection[Any], waiver_id: int, by: str) -> None:
    """Approve a waiver as a second person.

    Raises:
        WaiverError: the same person asked for it, or it was approved or withdrawn before.
    """
    with _refusals():
        connection.execute("select quality.approve_waiver(%s, %s)", (waiver_id, by))


def withdraw(connection: psycopg.Connection[Any], waiver_id: int, by: str, reason: str) -> None:
    """Withdraw a waiver, which then never counts again.

    Raises:
        WaiverError: there is no such waiver, or it was withdrawn before.
    """
    with _refusals():
        connection.execute("select quality.withdraw_waiver(%s, %s, %s)", (waiver_id, by, reason))


@dataclass(frozen=True)
class Accepted:
    """What a person accepts for one night on the command line or on Airflow's pages.

    Attributes:
        movement: KPIs or measures that may change a lot, and published dates that may go.
        truncation: tables that may lose rows or columns.
        reason: why.
        by: who accepts; None for the account that runs this process.
    """

    movement: Sequence[str] = ()
    truncation: Sequence[str] = ()
    reason: str = ""
    by: str | None = None

    @property
    def waived(self) -> list[tuple[str, str | None, str | None]]:
        """The waivers that it needs: rule, table and figure."""
        found: list[tuple[str, str | None, str | None]] = [
            (LOST_ROWS, table, None) for table in self.truncation
        ]
        for name in self.movement:
            if name.casefold() == "all" or not _is_date(name):
                found += [(rule_id, None, name) for rule_id in MOVED_RULES]
            if name.casefold() == "all" or _is_date(name):
                found.append((DATE_GONE, None, name))
        return found


def accept(
    connection: psycopg.Connection[Any],
    authorities: Sequence[str],
    night: dt.date,
    accepted: Accepted,
) -> list[int]:
    """Record what a person accepts for a night as waivers, unless there are such waivers.

    Returns:
        The ids of the waivers.

    Raises:
        WaiverError: a waiver waits for a second person, so the night cannot go on with it.
    """
    found: list[int] = []
    for authority in authorities:
        for rule_id, table, figure in accepted.waived:
            known = connection.execute(
                "select waiver_id from quality.waivers"
                " where authority = %s and rule_id = %s and record_id is null"
                " and table_name is not distinct from %s and lower(figure) is not distinct from %s"
                " and withdrawn_by is null and %s between starts_on and ends_on"
                " order by may_count desc, waiver_id limit 1",
                (authority, rule_id, table, figure.lower() if figure else None, night),
            ).fetchone()
            found.append(
                known[0]
                if known
                else ask(
                    connection,
                    authority,
                    rule_id,
                    reason=accepted.reason or "Accepted when the night was started.",
                    since=night,
                    until=night,
                    by=accepted.by or person(),
                    table=table,
                    figure=figure,
                )
            )
    waiting = connection.execute(
        "select waiver_id from quality.waivers where waiver_id = any(%s) and not may_count"
        " order by 1",
        (found,),
    ).fetchall()
    if waiting:
        ids = " ".join(str(waiver_id) for (waiver_id,) in waiting)
        raise WaiverError(
            f"What you accept is recorded as a waiver ({ids.replace(' ', ', ')}). It does not "
            "count until a second person approves it.",
            todo=f"ask a second person to run `carepath approve {ids}`, or to approve it on the "
            "desk. Then run the night again.",
        )
    return found


def person() -> str:
    """Return who runs this process, as the audit and the rule of two people name them.

    It is the account that signed in to the machine, which Linux keeps and only root can change.
    Where it keeps none, as in containers, it is the account that called sudo, or that of the
    process.
    """
    try:
        signed_in = int(LOGIN.read_text())
        if signed_in != NOT_SIGNED_IN:
            return pwd.getpwuid(signed_in).pw_name
    except (OSError, ValueError, KeyError):
        pass
    # not getpass.getuser, which believes the environment
    return os.environ.get("SUDO_USER") or _account(os.getuid())


def _account(number: int) -> str:
    """Return the name of an account of this machine; its number if it has no name."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the database refuses into a message for people."""
    try:
        yield
    except psycopg.errors.RaiseException as error:
        raise WaiverError(safe_message(error)) from None
    except psycopg.errors.CheckViolation as error:
        said = REFUSALS.get(error.diag.constraint_name or "", "A reason or a name is blank.")
        raise WaiverError(said, todo="correct it, and ask again.") from None
    except psycopg.errors.ForeignKeyViolation:
        raise WaiverError(
            "There is no such rule or authority.", todo="docs/rule_book.md lists the rules."
        ) from None
