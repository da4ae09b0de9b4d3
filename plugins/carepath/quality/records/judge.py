"""Judge the records of a set of authorities: Great Expectations counts, and SQL stores all keys.

Both read the same table: the set's rows of a subject, kept while the gate runs. One pass finds the
failing keys of all rules of a subject, by authority. If their number differs from that of Great
Expectations, the result is an error, so a fault in either of them shows. While Great Expectations
counts one subject, PostgreSQL prepares the next ones on two connections.

What goes wrong in a set is judged again for each authority alone: a value that breaks a rule, or a
difference between the counts, then holds only the authority that it comes from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from carepath.contract.model import Table, load_contract
from carepath.errors import safe_message
from carepath.quality.decision import Result, weigh
from carepath.quality.records.copies import Copies, names, plan_copies
from carepath.quality.results import JudgedLoad
from carepath.warehouse.connect import connect
from expectations.rule import Repeated, Rule
from expectations.subjects import Subject, subject

if TYPE_CHECKING:
    from carepath.quality.records.expectation import Counter

LOADER = "carepath_loader"
LANES = 2  # connections that copy and judge; more made no difference on two cores
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


Work = Sequence[tuple[Subject, Sequence[Rule]]]
Stored = (
    Mapping[str, int] | str
)  # failing rows by authority, or the reason why the SQL could not run


def judge(
    connection: psycopg.Connection[Any],
    counter: Callable[[], Counter],
    gate_runs: Sequence[GateRun],
    rules: Sequence[Rule],
    delivered: Collection[str],
    *,
    of_files: bool = False,
) -> dict[int, list[Result]]:
    """Evaluate the rules and store every failing key. A rule that breaks raises no error.

    Args:
        connection: of carepath_loader, in autocommit.
        counter: gives Great Expectations on the same warehouse. It is first asked while PostgreSQL
            works, because the import takes 5 s.
        gate_runs: the gate runs, one of each authority of the set; their loads have one night.
        rules: the register.
        delivered: names of the tables that each of the authorities has delivered at least once.
        of_files: whether they have delivered files only. No kind of file has every required
            table, so a rule about one that they do not have is not applicable.

    Returns:
        The id of each gate run to one weighed result per rule and subject.
    """
    found: dict[int, list[Result]] = {each.gate_run_id: [] for each in gate_runs}
    work: list[tuple[Subject, Sequence[Rule]]] = []
    for name, members in by_subject(rules).items():
        left_out, applicable = _sort_out(subject(name), members, delivered, of_files=of_files)
        for results in found.values():
            results += left_out
        if applicable:
            work.append((subject(name), applicable))
    _drop_left_over(connection)
    for about, wrong, stored in _judge_work(connection, counter, gate_runs, work, found):
        for gate_run in gate_runs:
            known = {
                rule_id: of_each.get(gate_run.load.authority, 0)
                for rule_id, of_each in stored.items()
                if not isinstance(of_each, str)
            }
            _judge_work(connection, counter, [gate_run], [(about, wrong)], found, known)
    return {
        gate_run_id: [weigh(each) for each in results] for gate_run_id, results in found.items()
    }


def _judge_work(
    connection: psycopg.Connection[Any],
    counter: Callable[[], Counter],
    gate_runs: Sequence[GateRun],
    work: Work,
    found: Mapping[int, list[Result]],
    known: Mapping[str, int] = MappingProxyType({}),
) -> list[tuple[Subject, list[Rule], Mapping[str, Stored]]]:
    """Judge the rules of several subjects, and add the results to those that were found.

    `known` has the number of failing keys of rules whose keys have been stored before.

    Returns:
        What went wrong in a set of several: subject, rules, and the keys that were stored all the
        same. It has no results yet.
    """
    troubled = []
    schema = schema_of(gate_runs[0].gate_run_id)
    queries = {about.name: _query(gate_runs, about, schema) for about, _ in work}
    try:
        connection.execute(
            "select pg_advisory_lock(%s, %s)", (GATE_RUN_LOCK, gate_runs[0].gate_run_id)
        )
        copies = plan_copies(
            connection,
            schema,
            [each.load for each in gate_runs],
            [" ".join((queries[about.name], *sorted(_named(rules)))) for about, rules in work],
        )
        with _lanes() as submit:
            copied: dict[str, Future[str | None]] = {}
            for view, others in copies.in_order():
                copied[view] = submit(_copy, copies, view, [copied[other] for other in others])
            prepared = []
            for about, rules in work:
                query = queries[about.name]
                read = [copied[view] for view in sorted(names(query) & copied.keys())]
                prepared.append(submit(_fix_and_store, read, gate_runs, about, rules, query, known))
            for (about, rules), future in zip(work, prepared, strict=True):
                wrong, stored = _count_and_compare(counter, gate_runs, about, rules, future, found)
                if wrong:
                    troubled.append((about, wrong, stored))
    finally:
        _drop(connection, schema)
    return troubled


@contextmanager
def _lanes() -> Iterator[Callable[..., Future[Any]]]:
    """Give a function that queues work; the next free connection takes the first in the queue.

    Work may wait for what was queued before it, and for nothing else.
    """
    free: SimpleQueue[psycopg.Connection[Any]] = SimpleQueue()
    with ExitStack() as stack:
        for _ in range(LANES):
            free.put(stack.enter_context(connect(LOADER, autocommit=True)))
        pool = ThreadPoolExecutor(LANES)
        stack.callback(pool.shutdown, cancel_futures=True)

        def run(work: Callable[..., Any], *arguments: Any) -> Any:
            connection = free.get()
            try:
                return work(connection, *arguments)
            finally:
                free.put(connection)

        yield lambda work, *arguments: pool.submit(run, work, *arguments)


def _sort_out(
    about: Subject, rules: Sequence[Rule], delivered: Collection[str], *, of_files: bool
) -> tuple[list[Result], list[Rule]]:
    """Return the results of rules without their tables, and the rules that can be evaluated."""
    results, applicable = [], []
    for rule in rules:
        absent = _not_delivered(about, rule, delivered)
        if not absent:
            applicable.append(rule)
        elif not of_files and (required := [table for table in absent if table.required]):
            why = f"no source of the authority has delivered {required[0].name}, which is required"
            results.append(_result(rule, about, "error", message=why))
        else:
            why = f"the source does not deliver {absent[0].name}"
            results.append(_result(rule, about, "not applicable", message=why))
    return results, applicable


@dataclass(frozen=True)
class Prepared:
    """A subject's rows, copied.

    Attributes:
        row_count: their number.
        stored: what store_keys returns.
        judged: rule id to the judged rows of each authority, for a set of several.
        seconds: the time that it took.
    """

    row_count: int
    stored: Mapping[str, Stored]
    judged: Mapping[str, Mapping[str, int]]
    seconds: float


def _copy(
    connection: psycopg.Connection[Any],
    copies: Copies,
    view: str,
    read: Sequence[Future[str | None]],
) -> str | None:
    """Copy a view after those that it reads; return why it could not be read, or None."""
    return _first_cause(read) or copies.copy(connection, view)


def _first_cause(copied: Sequence[Future[str | None]]) -> str | None:
    """Wait for copies; return why one of them could not be made, or None."""
    causes = [each.result() for each in copied]
    return next((cause for cause in causes if cause), None)


def _query(gate_runs: Sequence[GateRun], about: Subject, schema: str) -> str:
    night = gate_runs[0].load.night.isoformat()
    return about.query_of([each.load.authority for each in gate_runs], night, staging=schema)


class UnreadableError(Exception):
    """A view that a subject reads could not be copied; the message has no value of a record."""


def _fix_and_store(
    connection: psycopg.Connection[Any],
    read: Sequence[Future[str | None]],
    gate_runs: Sequence[GateRun],
    about: Subject,
    rules: Sequence[Rule],
    query: str,
    known: Mapping[str, int],
) -> Prepared:
    """Keep the judged rows and store the failing keys that are not known yet."""
    if cause := _first_cause(read):
        raise UnreadableError(cause)
    started = time.perf_counter()
    place = _place(gate_runs, about)
    row_count = _fix_rows(connection, place, query, rules)
    stored: dict[str, Stored] = {
        rule_id: {gate_runs[0].load.authority: count} for rule_id, count in known.items()
    }
    if unknown := [rule for rule in rules if rule.rule_id not in known]:
        stored |= store_keys(connection, place, gate_runs, about, unknown)
    judged = _judged(connection, place, rules) if len(gate_runs) > 1 else {}
    return Prepared(row_count, stored, judged, time.perf_counter() - started)


def _judged(
    connection: psycopg.Connection[Any], place: sql.Identifier, rules: Sequence[Rule]
) -> Mapping[str, Mapping[str, int]]:
    """Return rule id to the number of judged rows of each authority, in one pass."""
    conditions = list(dict.fromkeys(rule.counted for rule in rules))
    counts = sql.SQL(", ").join(
        sql.SQL("count(*) filter (where {})").format(sql.SQL(condition)) for condition in conditions
    )
    rows = connection.execute(
        sql.SQL("select authority, {} from {} group by authority").format(counts, place)
    ).fetchall()
    of_condition = {
        condition: {row[0]: int(row[number]) for row in rows}
        for number, condition in enumerate(conditions, start=1)
    }
    return {rule.rule_id: of_condition[rule.counted] for rule in rules}


def _count_and_compare(
    counter: Callable[[], Counter],
    gate_runs: Sequence[GateRun],
    about: Subject,
    rules: Sequence[Rule],
    future: Future[Prepared],
    found: Mapping[int, list[Result]],
) -> tuple[list[Rule], Mapping[str, Stored]]:
    """Add a result of each rule and authority to those that were found.

    Returns:
        The rules that went wrong in a set of several, and their stored keys.
    """
    several = len(gate_runs) > 1
    try:
        prepared = future.result()
    except (psycopg.Error, UnreadableError) as error:
        if several:
            return list(rules), {}
        why = f"the rows could not be read: {safe_message(error)}"
        found[gate_runs[0].gate_run_id] += [
            _result(rule, about, "error", message=why) for rule in rules
        ]
        return [], {}
    started = time.perf_counter()
    # of a table without rows there is nothing to count, and storing keys has tried each rule's SQL
    counts = (
        counter().count(schema_of(gate_runs[0].gate_run_id), _relation(about), rules)
        if prepared.row_count
        else {rule.rule_id: Count(0, 0) for rule in rules}
    )
    seconds = prepared.seconds + time.perf_counter() - started
    each = seconds / len(rules) / len(gate_runs)
    wrong = []
    for rule in rules:
        count, stored = counts[rule.rule_id], prepared.stored[rule.rule_id]
        judged = prepared.judged.get(rule.rule_id, {})
        if several and not _agree(count, judged, stored):
            wrong.append(rule)
            continue
        for gate_run in gate_runs:
            authority = gate_run.load.authority
            own = stored if isinstance(stored, str) else stored.get(authority, 0)
            if several and not isinstance(own, str):
                count = Count(judged.get(authority, 0), own)
            found[gate_run.gate_run_id].append(_compare(rule, about, count, own, each))
    return wrong, {rule.rule_id: prepared.stored[rule.rule_id] for rule in wrong}


def _agree(count: Count, judged: Mapping[str, int], stored: Stored) -> bool:
    """Say whether Great Expectations counts as many rows of a set as SQL does."""
    return not isinstance(stored, str) and (count.judged, count.failing) == (
        sum(judged.values()),
        sum(stored.values()),
    )


def store_keys(
    connection: psycopg.Connection[Any],
    place: sql.Identifier,
    gate_runs: Sequence[GateRun],
    about: Subject,
    rules: Sequence[Rule],
) -> Mapping[str, Stored]:
    """Store the keys of all rows that fail, in one pass over the rows that were kept.

    Returns:
        rule id to the number of failing rows of each authority that has some, or to the reason why
        the SQL could not run.
    """
    try:
        with connection.transaction():
            rows = connection.execute(
                keys_statement(place, rules, _table(about)), _parameters(gate_runs, about)
            ).fetchall()
        counts: dict[str, dict[str, int]] = {rule.rule_id: {} for rule in rules}
        for rule_id, authority, count in rows:
            counts[rule_id][authority] = int(count)
        return dict(counts)
    except psycopg.Error as error:
        if len(rules) == 1:
            return {rules[0].rule_id: safe_message(error)}
    # one rule broke the pass: run each separately, so that the others still report
    found: dict[str, Stored] = {}
    for rule in rules:
        found |= store_keys(connection, place, gate_runs, about, [rule])
    return found


def keys_statement(place: sql.Identifier, rules: Sequence[Rule], table: Table) -> sql.Composed:
    """Return the statement that stores the failing keys of several rules about one table.

    Records with the same key are stored as one key with their number. `record_id` tells records
    apart whose shown key (see `shown_key`) is the same.
    """
    windows = dict(rule.condition.window for rule in rules if isinstance(rule.condition, Repeated))
    columns = sql.SQL("").join(
        sql.SQL(", {} as {}").format(sql.SQL(text), sql.Identifier(name))
        for name, text in windows.items()
    )
    # one array, because PostgreSQL prepares each row of `lateral (values ...)` again for each
    # record (ADR 12)
    failed = sql.SQL(",\n            ").join(
        sql.SQL("case when {} then {} end").format(
            _condition(rule.failing), sql.Literal(rule.rule_id)
        )
        for rule in rules
    )
    return sql.SQL(
        """
with judged as (
    select *{columns} from {place}
),

failing as (
    select
        verdict.rule_id,
        judged.authority,
        {key} as record_key,
        quality.record_id((select salt from quality.key_salt), judged.record_key) as record_id,
        judged.person_id
    from (
        select
            authority,
            record_key,
            person_id,
            array_remove(array[
            {failed}
            ], null) as failed
        from judged
        offset 0
    ) as judged
    cross join unnest(judged.failed) as verdict (rule_id)
    where judged.failed <> '{{}}'
),

gate_runs as (
    select * from unnest(%(authorities)s::text[], %(gate_run_ids)s::bigint[])
        as each (authority, gate_run_id)
),

stored as (
    insert into quality.failing_keys
        (gate_run_id, authority, rule_id, table_name, record_key, record_id, person_id,
        record_count)
    select
        gate_runs.gate_run_id, gate_runs.authority, rule_id, %(table_name)s,
        record_key, record_id, max(person_id), count(*)
    from failing
    inner join gate_runs on failing.authority = gate_runs.authority
    group by gate_runs.gate_run_id, gate_runs.authority, rule_id, record_key, record_id
    returning rule_id, authority, record_count
)

select rule_id, authority, sum(record_count) from stored group by rule_id, authority
"""
    ).format(
        columns=columns,
        place=place,
        failed=failed,
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


def schema_of(gate_run_id: int) -> str:
    """Return the schema that a gate run has while it works."""
    return f"gate_{gate_run_id}"


def _relation(about: Subject) -> str:
    return f"judged_{about.name}"[:63]


def _place(gate_runs: Sequence[GateRun], about: Subject) -> sql.Identifier:
    return sql.Identifier(schema_of(gate_runs[0].gate_run_id), _relation(about))


def _fix_rows(
    connection: psycopg.Connection[Any],
    place: sql.Identifier,
    query: str,
    rules: Sequence[Rule],
) -> int:
    """Keep a subject's rows, as known at the loads, in a table that stays while the gate runs.

    It has only the columns that the rules name. Returns the number of rows.
    """
    kept = connection.execute(
        sql.SQL("create unlogged table {} as select {} from ({}) as subject").format(
            place, _columns(connection, query, rules), sql.SQL(query)
        )
    )
    return kept.rowcount


def _drop_left_over(connection: psycopg.Connection[Any]) -> None:
    """Drop the schemas of gate runs that were killed, which are those without a lock."""
    left = connection.execute(
        "select nspname, substring(nspname, '[0-9]+')::integer from pg_namespace"
        " where nspname ~ '^gate_[0-9]+$'"
    ).fetchall()
    for schema, gate_run_id in left:
        with connection.transaction():
            is_over = connection.execute(
                "select pg_try_advisory_xact_lock(%s, %s)", (GATE_RUN_LOCK, gate_run_id)
            ).fetchone()
            if is_over == (True,):
                _drop(connection, schema)


def _drop(connection: psycopg.Connection[Any], schema: str) -> None:
    connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))


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
    of_set = dict(rule.condition.of_set for rule in rules if isinstance(rule.condition, Repeated))
    return sql.SQL(", ").join(
        [sql.Identifier(name) for name in found if name in named]
        + [
            sql.SQL("{} as {}").format(sql.SQL(text), sql.Identifier(name))
            for name, text in of_set.items()
        ]
    )


def _named(rules: Sequence[Rule]) -> set[str]:
    found = {"authority", "record_key", "person_id"}
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


def _parameters(gate_runs: Sequence[GateRun], about: Subject) -> dict[str, Any]:
    return {
        "gate_run_ids": [each.gate_run_id for each in gate_runs],
        "authorities": [each.load.authority for each in gate_runs],
        "table_name": _table(about).name,
    }
