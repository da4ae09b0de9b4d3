"""What a record says tonight, for the people who put it right.

It shows only the columns that the failed rules read. Nobody needs the others to correct the record.
Staging shows the last load that gate 1 accepted. On a held night, the failing record is in a later
one. So the cut-off is moved inside a transaction that is then rolled back, as gate 1 does.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from carepath.contract.model import load_contract
from carepath.quality.records.judge import shown_key
from carepath.warehouse import cutoffs
from carepath.warehouse.connect import connect
from expectations.register import rules
from expectations.rule import Rule
from expectations.subjects import subject

MOST_ROWS: Final = 5  # records whose shown keys are the same
NOT_SHOWN: Final = ("authority", "record_key", "person_id", "night", "is_known_person")
OPTIONS: Final = "-c lock_timeout=2s -c statement_timeout=10s"


@dataclass(frozen=True)
class Said:
    """What a record says.

    Attributes:
        night: the night of the delivery that it is read from.
        records: for each record with this key, its columns with what they hold.
        because: why nothing can be shown; blank if it can.
    """

    night: dt.date | None
    records: tuple[Mapping[str, object], ...] = ()
    because: str = ""


def what_the_record_says(
    authority: str, table_name: str, record_key: str, failed: Sequence[str]
) -> Said | None:
    """Return what a record says in the last delivery; None if no record rule reads it.

    Args:
        authority: the authority whose record it is.
        table_name: the table of the contract.
        record_key: its key, as the findings show it.
        failed: the rules that it fails.
    """
    about = _rules_of(table_name, failed)
    if not about:
        return None
    try:
        with (
            connect("carepath_loader", options=OPTIONS) as loader,
            loader.transaction(force_rollback=True),
        ):
            return _read(loader, authority, table_name, record_key, about)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled):
        return Said(None, because="A night is running now. Open this page again in a few minutes.")
    except psycopg.errors.UndefinedTable:
        return Said(None, because="The table has not been delivered yet.")


def _rules_of(table_name: str, failed: Sequence[str]) -> list[tuple[Rule, str]]:
    """Return the failed record rules, each with the name of its subject of this table."""
    entity = load_contract().tables[table_name].entity if _is_table(table_name) else ""
    return [
        (rule, name)
        for rule in rules()
        if rule.rule_id in failed
        for name in rule.subjects
        if subject(name).entity == entity and not name.endswith("_table")
    ]


def _is_table(table_name: str) -> bool:
    return table_name in load_contract().tables


def _read(
    loader: psycopg.Connection[Any],
    authority: str,
    table_name: str,
    record_key: str,
    about: Sequence[tuple[Rule, str]],
) -> Said:
    row = loader.execute(
        "select load_id, night from ops.loads where authority = %s and state = 'loaded'"
        " order by load_id desc limit 1",
        (authority,),
    ).fetchone()
    if row is None:
        return Said(None, because="Nothing has been loaded yet.")
    load_id, night = row
    cutoffs.show(loader, load_id, decided_by="the desk, for one page")
    found: list[dict[str, object]] = []
    for rule, name in about:
        for number, values in enumerate(
            _rows(loader, rule, name, authority, night, table_name, record_key)
        ):
            if number == len(found):
                found.append({})
            found[number] |= values
    because = "" if found else "The last delivery does not have this record."
    return Said(night, tuple(found), because)


def _rows(
    loader: psycopg.Connection[Any],
    rule: Rule,
    subject_name: str,
    authority: str,
    night: dt.date,
    table_name: str,
    record_key: str,
) -> list[dict[str, object]]:
    query = subject(subject_name).query(authority, night.isoformat())
    rows = sql.SQL("select judged.* from ({}) as judged").format(sql.SQL(query.replace("%", "%%")))
    cursor = loader.cursor(row_factory=dict_row)
    cursor.execute(rows + sql.SQL(" limit 0"), {})
    named = set(re.findall(r"[a-z_][a-z0-9_]*", f"{rule.failing} {rule.judged}"))
    columns = [
        column.name
        for column in cursor.description or ()
        if column.name in named and column.name not in NOT_SHOWN
    ]
    if not columns:
        return []
    chosen = sql.SQL(", ").join(sql.Identifier("judged", column) for column in columns)
    cursor.execute(
        sql.SQL("select {} from ({}) as judged where {} = %(key)s limit {}").format(
            chosen,
            sql.SQL(query.replace("%", "%%")),
            shown_key(load_contract().tables[table_name]),
            sql.Literal(MOST_ROWS),
        ),
        {"key": record_key},
    )
    return list(cursor.fetchall())
