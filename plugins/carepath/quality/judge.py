"""Judge one authority's records: counts by Great Expectations, all failing keys by SQL.

Both read the same relation: a subject's rows of the authority, fixed for the length of the gate.
The keys of all rules of a subject are found in one pass and stored; a count that differs from
Great Expectations' is an error, so neither can be wrong alone.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from carepath.contract.model import Table, load_contract
from carepath.errors import safe_message
from carepath.quality.decision import Result, weigh
from expectations.rule import Repeated, Rule
from expectations.subjects import Subject, subject

if TYPE_CHECKING:
    from carepath.quality.expectation import Count, Counter

SCHEMA = "staging"
DATE = "^[0-9]{1,4}[-/][0-9]{1,2}[-/][0-9]{1,4}([T ][0-9:.]*)?$"


@dataclass(frozen=True)
class Case:
    """Whose records are judged, as at which night, for which gate run."""

    authority: str
    night: dt.date
    gate_run_id: int


def by_subject(rules: Sequence[Rule]) -> Mapping[str, list[Rule]]:
    """Return the rules of each subject, in the register's order."""
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        for name in rule.subjects:
            found.setdefault(name, []).append(rule)
    return found


def judge(
    connection: psycopg.Connection[Any],
    counter: Counter,
    case: Case,
    rules: Sequence[Rule],
    delivered: Collection[str],
) -> list[Result]:
    """Evaluate the rules and store every failing key; never raises for a rule's sake.

    Args:
        connection: of carepath_loader, in autocommit.
        counter: Great Expectations on the same warehouse.
        case: whose records.
        rules: the register.
        delivered: names of the contract's tables that the authority has ever delivered.

    Returns:
        One weighed result per rule and subject.
    """
    results: list[Result] = []
    work: list[tuple[Subject, list[Rule]]] = []
    for name, members in by_subject(rules).items():
        left_out, applicable = _sort_out(subject(name), members, delivered)
        results += left_out
        if applicable:
            work.append((subject(name), applicable))
    # PostgreSQL fixes and stores the next subjects while Great Expectations counts this one
    try:
        with ThreadPoolExecutor(max_workers=1) as ahead:
            prepared = [
                ahead.submit(_fix_and_store, connection, case, about, members)
                for about, members in work
            ]
            for (about, members), future in zip(work, prepared, strict=True):
                results += _count_and_compare(counter, case, about, members, future)
    finally:
        for about, _ in work:
            connection.execute(sql.SQL("drop table if exists {}").format(_place(case, about)))
    return [weigh(result) for result in results]


def _sort_out(
    about: Subject, rules: Sequence[Rule], delivered: Collection[str]
) -> tuple[list[Result], list[Rule]]:
    """Return the results of rules whose tables were not delivered, and the other rules."""
    results, applicable = [], []
    for rule in rules:
        absent = _not_delivered(about, rule, delivered)
        if not absent:
            applicable.append(rule)
        elif any(table.required for table in absent):
            why = f"the source has never delivered {absent[0].name}, which it must"
            results.append(_result(rule, about, "error", message=why))
        else:
            why = f"the source delivers no {absent[0].name}"
            results.append(_result(rule, about, "not applicable", message=why))
    return results, applicable


def _fix_and_store(
    connection: psycopg.Connection[Any], case: Case, about: Subject, rules: Sequence[Rule]
) -> tuple[Mapping[str, int | str], float]:
    """Fix the judged rows and store the failing keys; returns them as store_keys, and seconds."""
    started = time.perf_counter()
    _fix_rows(connection, case, about, rules)
    stored = store_keys(connection, _relation(case, about), case, about, rules)
    return stored, time.perf_counter() - started


def _count_and_compare(
    counter: Counter,
    case: Case,
    about: Subject,
    rules: Sequence[Rule],
    prepared: Future[tuple[Mapping[str, int | str], float]],
) -> list[Result]:
    try:
        stored, seconds = prepared.result()
    except psycopg.Error as error:
        why = f"its rows could not be read: {safe_message(error)}"
        return [_result(rule, about, "error", message=why) for rule in rules]
    started = time.perf_counter()
    counts = counter.count(_relation(case, about), rules)
    each = (seconds + time.perf_counter() - started) / len(rules)
    return [
        _compare(rule, about, counts[rule.rule_id], stored[rule.rule_id], each) for rule in rules
    ]


def store_keys(
    connection: psycopg.Connection[Any],
    relation: str,
    case: Case,
    about: Subject,
    rules: Sequence[Rule],
) -> Mapping[str, int | str]:
    """Store the keys of all rows that fail, in one pass over the relation.

    Returns:
        rule id to the number of failing rows, or to why the rule's SQL could not run.
    """
    try:
        with connection.transaction():
            rows = connection.execute(
                keys_statement(relation, rules, _table(about)), _parameters(case, about)
            ).fetchall()
        return {rule.rule_id: 0 for rule in rules} | {rule_id: int(n) for rule_id, n in rows}
    except psycopg.Error as error:
        if len(rules) == 1:
            return {rules[0].rule_id: safe_message(error)}
    # one of them broke the pass: each on its own, so that the others still report their records
    found: dict[str, int | str] = {}
    for rule in rules:
        found |= store_keys(connection, relation, case, about, [rule])
    return found


def keys_statement(relation: str, rules: Sequence[Rule], table: Table) -> sql.Composed:
    """Return the statement that stores the failing keys of several rules of one relation.

    Records of `table` whose keys differ only in what `shown_key` hides are one key, counted.
    """
    windows = dict(rule.check.window for rule in rules if isinstance(rule.check, Repeated))
    columns = sql.SQL("").join(
        sql.SQL(", {} as {}").format(sql.SQL(text), sql.Identifier(name))
        for name, text in windows.items()
    )
    verdicts = sql.SQL(",\n        ").join(
        sql.SQL("({}, {})").format(sql.Literal(rule.rule_id), _condition(rule.failing))
        for rule in rules
    )
    return sql.SQL(
        """
with judged as (
    select *{columns} from {schema}.{relation}
),

failing as (
    select verdict.rule_id, {key} as record_key, judged.person_id
    from judged
    cross join lateral (values
        {verdicts}
    ) as verdict (rule_id, fails)
    where verdict.fails
),

stored as (
    insert into quality.failing_keys
        (gate_run_id, authority, rule_id, table_name, record_key, person_id, record_count)
    select
        %(gate_run_id)s, %(authority)s, rule_id, %(table_name)s,
        record_key, max(person_id), count(*)
    from failing
    group by rule_id, record_key
    returning rule_id, record_count
)

select rule_id, sum(record_count) from stored group by rule_id
"""
    ).format(
        columns=columns,
        schema=sql.Identifier(SCHEMA),
        relation=sql.Identifier(relation),
        verdicts=verdicts,
        key=shown_key(table),
    )


def shown_key(table: Table) -> sql.Composable:
    """Return the SQL of a record's key as quality may keep it: its ids and dates.

    A code, a text, and what stands in a date's place and is none become `*`: what substance, what
    disability is nobody's business who looks for the record. So does all behind the first part
    where a value holds the bar that joins the parts.
    """
    kinds = [table.column(name).type for name in table.natural_key]
    if set(kinds) == {"id"}:
        return sql.SQL("judged.record_key")
    return sql.SQL(
        """array_to_string(array(
        select
            case
                when part = '' then part
                when position > 1 and cardinality(parts) > cardinality(kinds) then '*'
                when kinds[position] = 'id' then part
                when kinds[position] = 'date' and part ~ {date} then part
                else '*'
            end
        from (values (string_to_array(judged.record_key, '|'), {kinds}::text[])) as _ (parts, kinds)
        cross join lateral unnest(parts) with ordinality as each (part, position)
        order by position
    ), '|')"""
    ).format(date=sql.Literal(DATE), kinds=sql.Literal(kinds))


def _table(about: Subject) -> Table:
    return load_contract().by_entity(about.entity)


def _relation(case: Case, about: Subject) -> str:
    return f"gate_{case.authority.lower()}_{about.name}"[:63]


def _place(case: Case, about: Subject) -> sql.Composed:
    return sql.SQL("{}.{}").format(sql.Identifier(SCHEMA), sql.Identifier(_relation(case, about)))


def _fix_rows(
    connection: psycopg.Connection[Any], case: Case, about: Subject, rules: Sequence[Rule]
) -> None:
    """Fix a subject's rows of the authority in a table for the length of the gate.

    It has only the columns that the rules name: a table of contacts is mostly text that no rule
    reads.
    """
    query = about.query(case.authority, case.night.isoformat())
    connection.execute(sql.SQL("drop table if exists {}").format(_place(case, about)))
    connection.execute(
        sql.SQL("create unlogged table {} as select {} from ({}) as subject").format(
            _place(case, about), _columns(connection, query, rules), sql.SQL(query)
        )
    )


def _columns(
    connection: psycopg.Connection[Any], query: str, rules: Sequence[Rule]
) -> sql.Composed:
    """Return the subject's columns that the rules' conditions name, and the record's identity.

    A name that is missed breaks the rule's own SQL, which holds.
    """
    named = {"record_key", "person_id"}
    for rule in rules:
        named |= set(re.findall(r"[a-z_][a-z0-9_]*", rule.failing))
        if isinstance(rule.check, Repeated):
            named.add(rule.check.column)
    cursor = connection.execute(
        sql.SQL("select * from ({}) as subject limit 0").format(sql.SQL(query))
    )
    found = [column.name for column in cursor.description or ()]
    return sql.SQL(", ").join(sql.Identifier(name) for name in found if name in named)


def _not_delivered(about: Subject, rule: Rule, delivered: Collection[str]) -> list[Table]:
    """Return the tables that the rule needs and the source has never delivered."""
    tables = [load_contract().by_entity(entity) for entity in (about.entity, *rule.needs)]
    return [table for table in tables if table.name not in delivered]


def _condition(text: str) -> sql.SQL:
    """Return a rule's condition for a statement that has parameters."""
    return sql.SQL(text.replace("%", "%%"))


def _compare(rule: Rule, about: Subject, count: Count, stored: int | str, seconds: float) -> Result:
    """Return the result on which Great Expectations and the stored keys agree, or an error."""
    if isinstance(stored, str):
        return _result(rule, about, "error", message=stored, seconds=seconds)
    if count.failing is None:
        why = "Great Expectations could not evaluate the rule"
        return _result(rule, about, "error", message=why, seconds=seconds)
    if count.failing != stored:
        why = f"Great Expectations counts {count.failing} failing records, the SQL {stored}"
        return _result(rule, about, "error", message=why, seconds=seconds)
    return _result(
        rule,
        about,
        "failed" if stored else "passed",
        population=count.judged,
        failing=stored,
        seconds=seconds,
    )


def _result(rule: Rule, about: Subject, state: Any, **more: Any) -> Result:
    return Result(
        rule_id=rule.rule_id,
        table_name=_table(about).name,
        severity=rule.severity,
        threshold=rule.threshold,
        says=rule.says,
        state=state,
        **more,
    )


def _parameters(case: Case, about: Subject) -> dict[str, Any]:
    return {
        "gate_run_id": case.gate_run_id,
        "authority": case.authority,
        "table_name": _table(about).name,
    }
