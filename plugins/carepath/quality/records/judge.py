"""Judge one authority's records: Great Expectations counts them, and SQL stores all failing keys.

Both read the same table: the authority's rows of a subject, kept while the gate runs. One
pass finds the failing keys of all rules of a subject. If its count differs from that of Great
Expectations, the result is an error, so a fault in either of them shows.
"""

from __future__ import annotations

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
from carepath.quality.records.copies import PLACE, copy_staging, drop_copies, names
from carepath.quality.results import JudgedLoad
from expectations.rule import Repeated, Rule
from expectations.subjects import Subject, subject

if TYPE_CHECKING:
    from carepath.quality.records.expectation import Counter

SCHEMA = "staging"
GATE_RUN_LOCK = 0x6A7E  # with the id of a gate run: its advisory lock while it works
DATE = "^[0-9]{1,4}[-/][0-9]{1,2}[-/][0-9]{1,4}([T ][0-9:.]*)?$"


@dataclass(frozen=True)
class GateRun:
    """One judging of one authority's load by gate 1."""

    gate_run_id: int
    load: JudgedLoad


@dataclass(frozen=True)
class Count:
    """The counts of Great Expectations for a rule; both are None if it could not count."""

    judged: int | None
    failing: int | None
    seconds: float = 0.0


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
    gate_run: GateRun,
    rules: Sequence[Rule],
    delivered: Collection[str],
) -> list[Result]:
    """Evaluate the rules and store every failing key. A rule that breaks raises no error.

    Args:
        connection: of carepath_loader, in autocommit.
        counter: Great Expectations on the same warehouse.
        gate_run: the gate run, whose load is judged.
        rules: the register.
        delivered: names of the tables that the authority has delivered at least once.

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
    _drop_left_over(connection)
    # PostgreSQL prepares the next subjects while Great Expectations counts this one
    try:
        connection.execute("select pg_advisory_lock(%s, %s)", (GATE_RUN_LOCK, gate_run.gate_run_id))
        with ThreadPoolExecutor(max_workers=1) as ahead:
            copied = ahead.submit(_copy_staging, connection, gate_run, work)
            prepared = [
                ahead.submit(_fix_and_store, connection, gate_run, about, members, copied)
                for about, members in work
            ]
            for (about, members), future in zip(work, prepared, strict=True):
                results += _count_and_compare(counter, gate_run, about, members, future)
    finally:
        for about, _ in work:
            connection.execute(sql.SQL("drop table if exists {}").format(_place(gate_run, about)))
        drop_copies(connection)
    return [weigh(result) for result in results]


def _sort_out(
    about: Subject, rules: Sequence[Rule], delivered: Collection[str]
) -> tuple[list[Result], list[Rule]]:
    """Return the results of rules without their tables, and the rules that can be evaluated."""
    results, applicable = [], []
    for rule in rules:
        absent = _not_delivered(about, rule, delivered)
        if not absent:
            applicable.append(rule)
        elif any(table.required for table in absent):
            why = (
                f"the source has never delivered {absent[0].name}, which every source must deliver"
            )
            results.append(_result(rule, about, "error", message=why))
        else:
            why = f"the source does not deliver {absent[0].name}"
            results.append(_result(rule, about, "not applicable", message=why))
    return results, applicable


@dataclass(frozen=True)
class Prepared:
    """A subject's rows, copied: their number, what store_keys returns, and seconds."""

    row_count: int
    stored: Mapping[str, int | str]
    seconds: float


def _copy_staging(
    connection: psycopg.Connection[Any],
    gate_run: GateRun,
    work: Sequence[tuple[Subject, Sequence[Rule]]],
) -> Mapping[str, str]:
    """Copy what the subjects read; return the views that could not be copied, with reasons."""
    readers = [
        " ".join((_query(gate_run, about), *sorted(_named(members)))) for about, members in work
    ]
    return copy_staging(connection, gate_run.load, readers)


def _query(gate_run: GateRun, about: Subject) -> str:
    load = gate_run.load
    return about.query(load.authority, load.night.isoformat(), staging=PLACE)


class UnreadableError(Exception):
    """A view that a subject reads could not be copied; the message has no value of a record."""


def _fix_and_store(
    connection: psycopg.Connection[Any],
    gate_run: GateRun,
    about: Subject,
    rules: Sequence[Rule],
    copied: Future[Mapping[str, str]],
) -> Prepared:
    """Keep the judged rows and store the failing keys."""
    started = time.perf_counter()
    uncopied = copied.result()
    for view in sorted(uncopied.keys() & names(_query(gate_run, about))):
        raise UnreadableError(uncopied[view])
    row_count = _fix_rows(connection, gate_run, about, rules)
    stored = store_keys(connection, _relation(gate_run, about), gate_run, about, rules)
    return Prepared(row_count, stored, time.perf_counter() - started)


def _count_and_compare(
    counter: Counter,
    gate_run: GateRun,
    about: Subject,
    rules: Sequence[Rule],
    future: Future[Prepared],
) -> list[Result]:
    try:
        prepared = future.result()
    except (psycopg.Error, UnreadableError) as error:
        why = f"the rows could not be read: {safe_message(error)}"
        return [_result(rule, about, "error", message=why) for rule in rules]
    started = time.perf_counter()
    # of a table without rows there is nothing to count, and storing keys has tried each rule's SQL
    counts = (
        counter.count(_relation(gate_run, about), rules)
        if prepared.row_count
        else {rule.rule_id: Count(0, 0) for rule in rules}
    )
    each = (prepared.seconds + time.perf_counter() - started) / len(rules)
    return [
        _compare(rule, about, counts[rule.rule_id], prepared.stored[rule.rule_id], each)
        for rule in rules
    ]


def store_keys(
    connection: psycopg.Connection[Any],
    relation: str,
    gate_run: GateRun,
    about: Subject,
    rules: Sequence[Rule],
) -> Mapping[str, int | str]:
    """Store the keys of all rows that fail, in one pass over the relation.

    Returns:
        rule id to the number of failing rows, or to the reason why the SQL could not run.
    """
    try:
        with connection.transaction():
            rows = connection.execute(
                keys_statement(relation, rules, _table(about)), _parameters(gate_run, about)
            ).fetchall()
        return {rule.rule_id: 0 for rule in rules} | {rule_id: int(n) for rule_id, n in rows}
    except psycopg.Error as error:
        if len(rules) == 1:
            return {rules[0].rule_id: safe_message(error)}
    # one rule broke the pass: run each separately, so that the others still report
    found: dict[str, int | str] = {}
    for rule in rules:
        found |= store_keys(connection, relation, gate_run, about, [rule])
    return found


def keys_statement(relation: str, rules: Sequence[Rule], table: Table) -> sql.Composed:
    """Return the statement that stores the failing keys of several rules of one relation.

    Records with the same key are stored as one key with their number. `record_id` tells records
    apart whose shown key (see `shown_key`) is the same.
    """
    windows = dict(rule.condition.window for rule in rules if isinstance(rule.condition, Repeated))
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
    select
        verdict.rule_id,
        {key} as record_key,
        quality.record_id((select salt from quality.key_salt), judged.record_key) as record_id,
        judged.person_id
    from judged
    cross join lateral (values
        {verdicts}
    ) as verdict (rule_id, fails)
    where verdict.fails
),

stored as (
    insert into quality.failing_keys
        (gate_run_id, authority, rule_id, table_name, record_key, record_id, person_id,
        record_count)
    select
        %(gate_run_id)s, %(authority)s, rule_id, %(table_name)s,
        record_key, record_id, max(person_id), count(*)
    from failing
    group by rule_id, record_key, record_id
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
    """Return the SQL of a record's key as schema quality may keep it: only ids and dates.

    Codes, texts, and values in a date column that are not dates are shown as `*`, because a key may
    contain a disability or a substance. Where a value contains the bar that joins the parts, all
    parts after the first are shown as `*`.
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


def _relation(gate_run: GateRun, about: Subject) -> str:
    return f"gate_{gate_run.gate_run_id}_{about.name}"[:63]


def _place(gate_run: GateRun, about: Subject) -> sql.Composed:
    return sql.SQL("{}.{}").format(
        sql.Identifier(SCHEMA), sql.Identifier(_relation(gate_run, about))
    )


def _fix_rows(
    connection: psycopg.Connection[Any], gate_run: GateRun, about: Subject, rules: Sequence[Rule]
) -> int:
    """Keep a subject's rows, as known at the load, in a table that stays while the gate runs.

    It has only the columns that the rules name. Returns the number of rows.
    """
    query = _query(gate_run, about)
    kept = connection.execute(
        sql.SQL("create unlogged table {} as select {} from ({}) as subject").format(
            _place(gate_run, about), _columns(connection, query, rules), sql.SQL(query)
        )
    )
    return kept.rowcount


def _drop_left_over(connection: psycopg.Connection[Any]) -> None:
    """Drop the tables of gate runs that were killed, which are those without a lock."""
    tables = connection.execute(
        "select tablename, substring(tablename, '^gate_([0-9]+)_')::integer from pg_tables"
        " where schemaname = %s and tablename ~ '^gate_[0-9]+_'",
        (SCHEMA,),
    ).fetchall()
    for table, gate_run_id in tables:
        with connection.transaction():
            is_over = connection.execute(
                "select pg_try_advisory_xact_lock(%s, %s)", (GATE_RUN_LOCK, gate_run_id)
            ).fetchone()
            if is_over == (True,):
                connection.execute(
                    sql.SQL("drop table if exists {}").format(sql.Identifier(SCHEMA, table))
                )


def _columns(
    connection: psycopg.Connection[Any], query: str, rules: Sequence[Rule]
) -> sql.Composed:
    """Return the columns that the rules' conditions name, and those that identify the record.

    If a column were missed, the SQL of its rule would break, which holds the night.
    """
    named = _named(rules)
    cursor = connection.execute(
        sql.SQL("select * from ({}) as subject limit 0").format(sql.SQL(query))
    )
    found = [column.name for column in cursor.description or ()]
    return sql.SQL(", ").join(sql.Identifier(name) for name in found if name in named)


def _named(rules: Sequence[Rule]) -> set[str]:
    found = {"record_key", "person_id"}
    for rule in rules:
        found |= names(rule.failing)
        if isinstance(rule.condition, Repeated):
            found.add(rule.condition.column)
            found |= names(rule.condition.window[1])
    return found


def _not_delivered(about: Subject, rule: Rule, delivered: Collection[str]) -> list[Table]:
    """Return the tables that the rule needs but the source has never delivered."""
    tables = [load_contract().by_entity(entity) for entity in (about.entity, *rule.needs)]
    return [table for table in tables if table.name not in delivered]


def _condition(text: str) -> sql.SQL:
    """Return a rule's condition for a statement with parameters: its percent signs doubled."""
    return sql.SQL(text.replace("%", "%%"))


def _compare(rule: Rule, about: Subject, count: Count, stored: int | str, seconds: float) -> Result:
    """Return the result on which Great Expectations and the stored keys agree, or an error."""
    if isinstance(stored, str):
        return _result(rule, about, "error", message=stored, seconds=seconds)
    if count.failing is None:
        why = "Great Expectations could not evaluate the rule"
        return _result(rule, about, "error", message=why, seconds=seconds)
    if count.failing != stored:
        why = f"Great Expectations counts {count.failing} failing records, but the SQL {stored}"
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
        threshold_count=rule.allowed_count,
        says=rule.says,
        state=state,
        **more,
    )


def _parameters(gate_run: GateRun, about: Subject) -> dict[str, Any]:
    return {
        "gate_run_id": gate_run.gate_run_id,
        "authority": gate_run.load.authority,
        "table_name": _table(about).name,
    }
