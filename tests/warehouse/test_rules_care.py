"""What the rules of care compare a record with: the child's next one, and the episodes of care."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import scratch_staging as staging

from carepath.warehouse.connect import connect
from expectations.register import rules
from expectations.subjects import subject

RULES = {rule.rule_id: rule for rule in rules()}


@pytest.fixture
def loader(warehouse: None) -> Iterator[psycopg.Connection[Any]]:
    """A loader's connection to a warehouse with empty staging."""
    with connect("carepath_loader", autocommit=True) as connection:
        staging.create(connection)
        yield connection


def add(
    loader: psycopg.Connection[Any], table: str, person: str | None, start: str, end: str | None,
    **fields: Any,
) -> None:  # fmt: skip
    staging.insert(
        loader, f"stg_{table}", authority=staging.AUTHORITY, record_key=f"{person}|{start}|{end}",
        person_id=person, start_date=start, end_date=end, **fields,
    )  # fmt: skip


def failing(loader: psycopg.Connection[Any], rule_id: str) -> list[str]:
    rule = RULES[rule_id]
    query = subject(rule.subjects[0]).query(staging.AUTHORITY, staging.NIGHT.isoformat())
    return [
        key
        for (key,) in loader.execute(
            f"select record_key from ({query}) as judged where {rule.failing} order by 1"
        ).fetchall()
    ]


def test_episodes_are_compared_with_the_next_of_the_same_child(
    loader: psycopg.Connection[Any],
) -> None:
    for person, start, end in (
        ("A", "2018-01-01", "2018-03-01"),
        ("A", "2018-02-28", "2018-04-01"),
        ("A", "2018-04-01", None),
        ("A", "2018-05-01", None),
        ("B", "2018-01-15", "2018-06-01"),
        ("B", "2018-01-15", "2018-05-01"),
    ):
        add(loader, "cla_episodes", person, start, end, end_reason_code=end and "X1")
    assert failing(loader, "CARE-01") == ["A|2018-01-01|2018-03-01"]
    assert failing(loader, "CARE-02") == ["A|2018-04-01|None"]
    assert failing(loader, "CARE-03") == [
        "A|2018-01-01|2018-03-01", "B|2018-01-15|2018-05-01", "B|2018-01-15|2018-06-01",
    ]  # fmt: skip
    counted = loader.execute(
        f"select count(*) from ({subject('care_episodes_in_order').query(staging.AUTHORITY, '2019-06-30')}) as s"  # noqa: E501
    ).fetchone()
    assert counted == (6,)


def test_placements_are_compared_with_care_and_with_the_next_that_lasts(
    loader: psycopg.Connection[Any],
) -> None:
    add(loader, "cla_episodes", "A", "2018-01-01", "2018-06-01", placement_id="P1")
    add(loader, "cla_episodes", "A", "2018-07-01", None, placement_id="P4")
    for number, (person, start, end, kind) in enumerate((
        (None, "2018-01-01", "2018-03-01", "U6"),   # of A, whose episode refers to it
        ("A", "2018-02-01", "2018-02-05", "T1"),    # a stay in hospital meanwhile
        ("A", "2018-03-01", None, "K2"),            # no end, though the next one has begun
        ("A", "2018-06-01", "2018-07-01", "U6"),    # between two periods of care
        ("B", "2018-01-01", "2018-03-01", "U6"),    # of a child who was never in care
    ), start=1):  # fmt: skip
        add(loader, "cla_placement", person, start, end, placement_id=f"P{number}",
            placement_type_code=kind)  # fmt: skip
    assert failing(loader, "CARE-04") == ["A|2018-06-01|2018-07-01", "B|2018-01-01|2018-03-01"]
    assert failing(loader, "CARE-05") == ["A|2018-03-01|None"]


def test_history_of_a_clean_child_breaks_no_rule_of_care(
    loader: psycopg.Connection[Any],
) -> None:
    day = dt.date(2018, 1, 1)
    for month in range(4):
        start, end = day + dt.timedelta(30 * month), day + dt.timedelta(30 * (month + 1))
        last = month == 3
        add(loader, "cla_episodes", "A", f"{start}", None if last else f"{end}",
            end_reason_code=None if last else "X1", placement_id=f"P{month}")  # fmt: skip
        add(loader, "cla_placement", "A", f"{start}", None if last else f"{end}",
            placement_id=f"P{month}", placement_type_code="U6")  # fmt: skip
    found = {rule: failing(loader, rule) for rule in RULES if rule.startswith("CARE-")}
    assert len(found) >= 5
    assert {rule: keys for rule, keys in found.items() if keys} == {}
