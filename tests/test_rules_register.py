"""Every rule of the register, by the rows in its own entry: caught and passed, keys and counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import scratch_staging as staging

from carepath.errors import SettingsError
from carepath.quality.expectation import Counter
from carepath.quality.judge import SCHEMA, Case, store_keys
from carepath.quality.results import mirror, open_gate_run, read_cutoff
from carepath.warehouse.connect import connect, url
from expectations.register import check, rules
from expectations.rule import Row, Rule
from expectations.subjects import subject

RULES = {rule.rule_id: rule for rule in rules()}


@dataclasses.dataclass
class Bench:
    """What a rule is tried on: a warehouse, Great Expectations, an open gate run."""

    connection: psycopg.Connection[Any]
    counter: Counter
    case: Case

    def rows(self, rule: Rule, name: str) -> str:
        """Create the subject's columns as a table with the rule's rows; return its name."""
        relation = f"gate_test_{name}"
        query = subject(name).query(staging.AUTHORITY, staging.NIGHT.isoformat())
        self.connection.execute(f"drop table if exists {SCHEMA}.{relation}")
        self.connection.execute(f"create table {SCHEMA}.{relation} as {query} limit 0")
        for key, rows in (("CAUGHT", rule.caught_rows), ("PASSED", rule.passed_rows)):
            for row in rows:
                self.insert(relation, key, row)
        return relation

    def insert(self, relation: str, key: str, row: Row) -> None:
        """Insert one of a rule's rows, with a key and arrays where it names none."""
        common: dict[str, Any] = {"authority": staging.AUTHORITY, "record_key": key}
        staging.insert(self.connection, relation, **(common | dict(row)))


@pytest.fixture(scope="module")
def bench(warehouse: None) -> Iterator[Bench]:
    with connect("carepath_loader", autocommit=True) as connection:
        staging.create(connection)
        staging.load(connection)
        mirror(connection)
        cutoff = read_cutoff(connection, staging.AUTHORITY)
        run = open_gate_run(connection, "run", staging.AUTHORITY, 1, cutoff)
        counter = Counter(url("carepath_loader"), SCHEMA)
        yield Bench(connection, counter, Case(staging.AUTHORITY, staging.NIGHT, run))
        counter.close()


@pytest.mark.parametrize("rule_id", RULES)
def test_rule_catches_its_row_and_passes_the_other(bench: Bench, rule_id: str) -> None:
    rule = RULES[rule_id]
    name = rule.subjects[0]
    relation = bench.rows(rule, name)
    bench.connection.execute("delete from quality.failing_keys")
    counted = bench.counter.count(relation, [rule])[rule_id]
    stored = store_keys(bench.connection, relation, bench.case, subject(name), [rule])
    keys = bench.connection.execute(
        "select distinct record_key from quality.failing_keys where rule_id = %s", (rule_id,)
    ).fetchall()
    caught = [row.get("record_key", "CAUGHT") for row in rule.caught_rows]
    assert [key for (key,) in keys] == sorted(set(caught))
    assert stored == {rule_id: len(rule.caught_rows)}
    assert counted.failing == len(rule.caught_rows)
    assert counted.judged is not None
    assert counted.judged >= counted.failing


@pytest.mark.parametrize("name", sorted({s for rule in RULES.values() for s in rule.subjects}))
def test_rules_of_a_subject_run_on_its_columns(bench: Bench, name: str) -> None:
    """A rule of many tables is tried with rows on one of them; its SQL must run on all."""
    members = [rule for rule in RULES.values() if name in rule.subjects]
    relation = bench.rows(dataclasses.replace(members[0], catches=(), passes=()), name)
    stored = store_keys(bench.connection, relation, bench.case, subject(name), members)
    assert stored == {rule.rule_id: 0 for rule in members}


def test_register_refuses_a_rule_id_used_twice() -> None:
    rule = RULES["EET-01"]
    with pytest.raises(SettingsError, match=r"EET-01.*twice"):
        check((rule, rule))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"rule_id": "eet1"}, "the id"),
        ({"severity": "bad"}, "unknown severity"),
        ({"threshold": 0.0}, "threshold"),
        ({"severity": "critical"}, "only a warning"),
        ({"says": " "}, "says is empty"),
        ({"subject": "nothing"}, "unknown subject"),
        ({"subject": ()}, "judges no subject"),
        ({"catches": ()}, "lacks a row"),
    ],
)
def test_register_refuses_an_incomplete_rule(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        check((dataclasses.replace(RULES["EET-01"], **change),))


def test_register_mirror_retires_a_rule_that_is_gone(bench: Bench) -> None:
    bench.connection.execute(
        "insert into quality.rules (rule_id, domain, entity, severity, owner, plain_words)"
        " values ('OLD-01', 'Old', 'person', 'info', 'nobody', 'An old rule.')"
    )
    mirror(bench.connection)
    rows = dict(
        bench.connection.execute(
            "select rule_id, retired_at is not null from quality.rules"
        ).fetchall()
    )
    assert rows["OLD-01"] is True
    assert rows["EET-01"] is False
