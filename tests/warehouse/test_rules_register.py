"""Every rule of the register, tested with the rows in its entry: keys and counts."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
import pytest
import scratch_staging as staging
from psycopg import sql

from carepath.errors import SettingsError
from carepath.quality.mirror import mirror
from carepath.quality.records.expectation import Counter
from carepath.quality.records.judge import Count, GateRun, Stored, store_keys
from carepath.quality.results import open_gate_run, read_load
from carepath.settings import get_settings
from carepath.warehouse.connect import connect, url
from expectations.measures import measure_names
from expectations.register import check, rules
from expectations.rule import Repeated, Row, Rule
from expectations.subjects import subject

RULES = {rule.rule_id: rule for rule in rules()}
CAUGHT, PASSED = "caught", "passed"
SCHEMA = "staging"


Judged = Mapping[str, tuple[set[str], int, Count, int]]


@dataclasses.dataclass
class Bench:
    """The parts that test a rule: a warehouse, Great Expectations, an open gate run."""

    connection: psycopg.Connection[Any]
    counter: Counter
    gate_run: GateRun
    judged: dict[tuple[str, ...], Judged] = dataclasses.field(default_factory=dict)

    def judge(self, name: str, members: Sequence[Rule]) -> Judged:
        """Judge the example rows of several rules of a subject, all in one pass, as the gate does.

        Returns:
            rule id to the keys of failing rows, their number, Great Expectations' counts, and how
            many rows the rule is about by its SQL.
        """
        ids = (name, *(rule.rule_id for rule in members))
        if ids not in self.judged:
            relation = self.table(name)
            for rule in members:
                self.insert(relation, rule, CAUGHT, rule.caught_rows)
                self.insert(relation, rule, PASSED, rule.passed_rows)
            self.connection.execute("delete from quality.failing_keys")
            counts = self.counter.count(SCHEMA, relation, members)
            about = subject(name)
            place = sql.Identifier(SCHEMA, relation)
            stored = store_keys(self.connection, place, [self.gate_run], about, members)
            keys = self.connection.execute(
                "select rule_id, record_key from quality.failing_keys"
            ).fetchall()
            self.judged[ids] = {
                rule.rule_id: (
                    {key for rule_id, key in keys if rule_id == rule.rule_id},
                    number_of(stored[rule.rule_id]),
                    counts[rule.rule_id],
                    self.counted(relation, rule),
                )
                for rule in members
            }
        return self.judged[ids]

    def table(self, name: str) -> str:
        """Create the subject's columns as a table without rows; return its name."""
        relation = f"gate_test_{name}"
        query = subject(name).query(staging.AUTHORITY, staging.NIGHT.isoformat())
        self.connection.execute(f"drop table if exists {SCHEMA}.{relation}")
        self.connection.execute(f"create table {SCHEMA}.{relation} as {query} limit 0")
        for column, text in {
            rule.condition.of_set
            for rule in RULES.values()
            if name in rule.subjects and isinstance(rule.condition, Repeated)
        }:
            self.connection.execute(
                f"alter table {SCHEMA}.{relation} add column {column} text"
                f" generated always as ({text}) stored"
            )
        return relation

    def counted(self, relation: str, rule: Rule) -> int:
        """Return how many rows of a table a rule is about, by its SQL."""
        ((count,),) = self.connection.execute(
            f"select count(*) filter (where {rule.counted}) from {SCHEMA}.{relation}"
        ).fetchall()
        return int(count)

    def insert(self, relation: str, rule: Rule, which: str, rows: Sequence[Row]) -> None:
        """Insert rows of a rule, each with a key that names the rule where the row has none."""
        for number, row in enumerate(rows):
            common: dict[str, Any] = {"authority": staging.AUTHORITY}
            common["record_key"] = f"{rule.rule_id}:{which}:{number}"
            staging.insert(self.connection, relation, **(common | dict(row)))


def number_of(stored: Stored) -> int:
    """Return the number of failing rows; an error stops the test."""
    assert not isinstance(stored, str), stored
    return sum(stored.values())


@pytest.fixture(scope="module")
def bench(warehouse: None) -> Iterator[Bench]:
    with connect("carepath_loader", autocommit=True) as connection:
        staging.create(connection)
        load = read_load(connection, staging.load(connection))
        mirror(connection)
        run = open_gate_run(connection, "run", 1, load)
        counter = Counter(url("carepath_loader"))
        yield Bench(connection, counter, GateRun(run, load))
        counter.close()


def judged_with(rule: Rule) -> list[Rule]:
    """Return the rules whose example rows can stand in one table with this rule's rows.

    A rule that compares rows with each other, or whose rows bring keys of their own, stands alone.
    """
    if stands_alone(rule):
        return [rule]
    name = rule.subjects[0]
    return [each for each in RULES.values() if each.subjects[0] == name and not stands_alone(each)]


def stands_alone(rule: Rule) -> bool:
    rows = (*rule.caught_rows, *rule.passed_rows)
    return isinstance(rule.condition, Repeated) or any("record_key" in row for row in rows)


@pytest.mark.parametrize("rule_id", RULES)
def test_rule_catches_its_row_and_passes_the_other(bench: Bench, rule_id: str) -> None:
    rule = RULES[rule_id]
    keys, stored, counted, about = bench.judge(rule.subjects[0], judged_with(rule))[rule_id]
    if stands_alone(rule):
        caught = [
            row.get("record_key", f"{rule_id}:{CAUGHT}:{n}")
            for n, row in enumerate(rule.caught_rows)
        ]
        assert sorted(keys) == sorted(set(caught))
        assert stored == len(caught)
    own = {key for key in keys if key.startswith(f"{rule_id}:")}
    assert len({key for key in own if f":{CAUGHT}:" in key}) == len(
        [row for row in rule.caught_rows if "record_key" not in row]
    )
    assert not {key for key in own if f":{PASSED}:" in key}
    assert counted.failing == stored
    assert counted.judged == about
    assert about >= stored


@pytest.mark.parametrize("name", sorted({s for rule in RULES.values() for s in rule.subjects}))
def test_rules_of_a_subject_run_on_its_columns(bench: Bench, name: str) -> None:
    """A rule for many tables is tested with rows of one; its SQL must run on all of them."""
    members = [rule for rule in RULES.values() if name in rule.subjects]
    place = sql.Identifier(SCHEMA, bench.table(name))
    stored = store_keys(bench.connection, place, [bench.gate_run], subject(name), members)
    assert stored == {rule.rule_id: {} for rule in members}


def test_register_refuses_a_rule_id_used_twice() -> None:
    rule = RULES["EET-01"]
    with pytest.raises(SettingsError, match=r"EET-01.*twice"):
        check((rule, rule))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"rule_id": "eet1"}, "rule_id: String should match"),
        ({"severity": "bad"}, "severity: Input should be 'critical', 'warning' or 'info'"),
        ({"threshold": 0.0}, "threshold"),
        ({"severity": "critical"}, "only a warning"),
        ({"says": " "}, "says: String should match"),
        ({"subject": "nothing"}, "unknown subject"),
        ({"subject": ()}, "subject.*at least 1 item"),
        ({"catches": ()}, "catches.*at least 1 item"),
        ({"falsifies": ("eat",)}, "no measure called eat .*accommodation, eet"),
        ({"falsifies": "eet"}, "falsifies: Input should be a valid tuple"),
        ({"threshold": "2 %"}, "threshold: Input should be a valid number"),
    ],
)
def test_register_refuses_an_incomplete_rule(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        check((dataclasses.replace(RULES["EET-01"], **change),))


def test_measures_that_rules_falsify_are_those_that_core_looks_for() -> None:
    """A declared measure that no model reads would leave no records out."""
    models = (get_settings().project_root / "dbt_project" / "models" / "core").rglob("*.sql")
    looked_for = {
        name
        for path in models
        for name in re.findall(r"'(\w+)' = any\(rules\.falsifies\)", path.read_text())
    }
    assert set(measure_names()) == looked_for


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
