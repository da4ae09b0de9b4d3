"""10,000 generated records, judged by the gate and by a plain reading of the rules' texts.

A second test weakens the rules one after another. Their own rows, or the generated records, must
tell each weakened rule from the real one.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterator

import generated_records
import pytest
import scratch_staging as staging
from psycopg import sql
from rules_oracle import Findings, findings

from carepath.contract.model import load_contract
from carepath.quality.records.gate import run_gate
from carepath.warehouse.connect import connect
from expectations.register import rules
from expectations.rule import Rule
from expectations.subjects import subject

CENSUS = """
1103 1104 1105 1510 1520 1540 1550 2884 2885 2889 2990 2991Q 4000 4001 4003 4004 4008 4009Q
4010 4012Q 4013 4014 4015 4016 4017 4180 4220 8525Q 8540 8545Q 8555Q 8565 8568 8569Q 8585Q
8590 8600 8606 8610 8614 8615 8620 8640 8670Q 8675Q 8696 8715 8720 8736 8740 8750 8770Q 8772
8775Q 8790 8794 8805 8810 8815 8816 8820 8825Q 8831 8832 8839 8840 8841 8842Q 8863Q 8866 8867
8868 8869 8870Q 8873Q 8875 8890 8896 8897Q 8898 8905 8910 8915 8920 8930 8935 8940 8945Q 8950Q
"""
READ = {
    *("EET-01", "EET-02", "EET-03", "EET-04", "PER-01", "PER-02"),
    *(f"CL-{number:02}" for number in range(1, 12)),
    *(f"CARE-{number:02}" for number in range(1, 6)),
    *(f"CEN-{number}" for number in CENSUS.split()),
}
ABOUT_PEOPLE = ("care_leavers", "cla_episodes", "cla_placement")
RETURNED = "in_touch_sent is not null or has_activity or has_accommodation"
# Weakened rules that mean the same as the real one: what is left of them implies the rest.
SAME = {
    *(
        f"CEN-{number} judged without is_in_census"
        for number in (
            "8620",
            "8815",
            "8816",
            "8540",
            "8770Q",
            "8772",
        )
    ),
    "CARE-01 judged without end_date > start_date",
    "CARE-02 judged without start_date is not null",
    "CARE-05 judged without start_date is not null",
    "CARE-05 judged without coalesce(end_date > start_date, true)",
    "CL-04 judged without activity_code is not null",
    "CL-05 judged without accommodation_sent is not null or suitability_sent is not null",
    f"CL-07 judged without {RETURNED}",
    f"CL-08 judged without {RETURNED}",
}


def chosen() -> list[Rule]:
    """Return the rules that are read; those about people on three tables only."""
    return [
        dataclasses.replace(rule, subject=ABOUT_PEOPLE) if len(rule.subjects) > 1 else rule
        for rule in rules()
        if rule.rule_id in READ
    ]


@pytest.fixture(scope="module")
def world(warehouse: None) -> generated_records.World:
    """The generated records, in staging."""
    records = generated_records.generate()
    with connect("carepath_loader") as loader:
        staging.create(loader)
        staging.load(loader)
        generated_records.insert(loader, records)
    return records


def test_gate_finds_what_a_person_finds_who_reads_the_rules(
    world: generated_records.World,
) -> None:
    assert generated_records.count(world) >= 10_000
    with connect("carepath_loader", autocommit=True) as loader:
        run_gate("run", staging.latest_load(loader), chosen())
        states = loader.execute(
            "select rule_id, message from quality.rule_results where state = 'error'"
        ).fetchall()
        rows = loader.execute(
            "select rule_id, table_name, record_key from quality.failing_keys"
        ).fetchall()
    assert states == []
    entities = {table.name: table.entity for table in load_contract().tables.values()}
    found: Findings = defaultdict(set)
    for rule_id, table, key in rows:
        found[f"{rule_id} {entities[table]}" if rule_id.startswith("PER-") else rule_id].add(key)
    expected = findings(world)
    assert {rule.split()[0] for rule in expected} == READ, "a rule that no record fails"
    differences = {
        rule: (sorted(found[rule] - keys)[:3], sorted(keys - found[rule])[:3])
        for rule, keys in expected.items()
        if found[rule] != keys
    }
    assert differences == {}, "by rule: what only the gate finds, what only the reading finds"
    assert set(found) == set(expected)


def parts(condition: str) -> list[str]:
    """Return what a condition joins by `and`, outside brackets and `between`."""
    found, start, depth, between = [], 0, 0, False
    for match in re.finditer(r"'[^']*'|\(|\)|\bcase\b|\bend\b|\bbetween\b|\band\b", condition):
        word = match.group()
        depth += {"(": 1, "case": 1, ")": -1, "end": -1}.get(word, 0)
        if word == "between":
            between = True
        elif word == "and" and depth == 0:
            if not between:
                found.append(condition[start : match.start()])
                start = match.end()
            between = False
        elif word == "or" and depth == 0:
            return [condition]
    return [*found, condition[start:]]


def weakened(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield what was weakened, and the SQL of the failing records then."""
    condition = rule.condition.predicate()
    if not re.search(r"\bor\b", re.sub(r"\([^()]*(\([^()]*\)[^()]*)*\)", "", condition)):
        joined = parts(condition)
        for number, part in enumerate(joined):
            rest = " and ".join([*joined[:number], *joined[number + 1 :]]) or "true"
            yield f"without {part.strip()}", f"({rule.judged}) and ({rest})"
    for match in re.finditer(r" (<=|>=|<|>) ", condition):
        other = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}[match.group(1)]
        text = f"{condition[: match.start(1)]}{other}{condition[match.end(1) :]}"
        where = condition[max(match.start() - 20, 0) : match.end() + 20]
        yield f"{other} in {where}", f"({rule.judged}) and ({text})"
    if rule.judged != "true" and rule.rule_id in READ:
        for part in parts(rule.judged):
            rest = [each for each in parts(rule.judged) if each != part]
            yield (
                f"judged without {part.strip()}",
                f"({' and '.join(rest) or 'true'}) and ({condition})",
            )


@pytest.mark.usefixtures("world")
def test_each_weakened_rule_is_told_from_the_real_one() -> None:
    sample: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules():
        if rule.rule_id in READ - {"PER-01", "PER-02"} or rule.rule_id.startswith("CEN-"):
            sample[rule.subjects[0]].append(rule)
    survivors, tried = [], 0
    with connect("carepath_loader") as loader:
        loader.execute("set local enable_nestloop = off")  # as the gate
        for name, members in sample.items():
            query = subject(name).query(staging.AUTHORITY, staging.NIGHT.isoformat())
            loader.execute("drop table if exists staging.own_rows, staging.all_rows")
            loader.execute(f"create table staging.all_rows as {query}")
            loader.execute("create table staging.own_rows (like staging.all_rows)")
            for rule in members:
                for row in (*rule.caught_rows, *rule.passed_rows):
                    common = {"authority": staging.AUTHORITY} | dict(row)
                    staging.insert(loader, "own_rows", **common | {"record_key": rule.rule_id})
            mutants = [(rule, *mutant) for rule in members for mutant in weakened(rule)]
            tried += len(mutants)
            for rows in ("own_rows", "all_rows"):
                differing = _differing(rows, mutants)
                found = loader.execute(differing).fetchone()
                assert found is not None
                mutants = [m for m, times in zip(mutants, found, strict=True) if times == 0]
                if not mutants:
                    break
            survivors += [f"{rule.rule_id} {what}" for rule, what, _ in mutants]
    assert tried > 300
    assert sorted(set(survivors) - set(SAME)) == []


def _differing(rows: str, mutants: list[tuple[Rule, str, str]]) -> sql.Composed:
    """Return the query that counts, for each weakened rule, the rows with another verdict."""
    columns = [
        f"count(*) filter (where {own} and (({failing}) is true) <> (({rule.failing}) is true))"
        for rule, _, failing in mutants
        for own in [f"record_key = '{rule.rule_id}'" if rows == "own_rows" else "true"]
    ]
    return sql.SQL("select {} from staging.{}").format(
        sql.SQL(", ").join(map(sql.SQL, columns)), sql.Identifier(rows)
    )
