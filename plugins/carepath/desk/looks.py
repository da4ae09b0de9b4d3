"""The audit: each time that a person looks at which records fail, a line is kept."""

from __future__ import annotations

from typing import Any, Protocol

import psycopg

from carepath.desk.people import Person


class OneRecord(Protocol):
    """What is about one record: a finding, or a waiver."""

    @property
    def authority(self) -> str: ...
    @property
    def rule_id(self) -> str: ...
    @property
    def table_name(self) -> str | None: ...
    @property
    def record_key(self) -> str | None: ...


def note_look_at(
    connection: psycopg.Connection[Any], person: Person, page: str, about: OneRecord
) -> None:
    """Keep who looked at one record."""
    note_look(
        connection,
        person,
        page,
        count=1,
        authority=about.authority,
        rule=about.rule_id,
        table=about.table_name,
        record_key=about.record_key,
    )


def note_look(
    connection: psycopg.Connection[Any],
    person: Person,
    page: str,
    *,
    count: int,
    authority: str | None = None,
    rule: str | None = None,
    table: str | None = None,
    record_key: str | None = None,
) -> None:
    """Keep who looked at which records, in the same transaction that reads them."""
    connection.execute(
        "insert into quality.desk_looks"
        " (looked_by, page, authority, rule_id, table_name, record_key, record_count)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (person.name, page, authority or None, rule or None, table, record_key, count),
    )
