"""Nights of two invented authorities, as the gates and publications would have recorded them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import psycopg

from carepath.dates import written
from carepath.quality.decision import Result, decide, weigh
from carepath.quality.log import log_nights
from carepath.quality.mirror import mirror
from carepath.quality.results import JudgedLoad, keep_decision, open_gate_run
from carepath.warehouse.connect import connect

ASHMERE, BROOK, COAST = "E09900001", "E09900002", "E09900003"
NAMES = {ASHMERE: "Ashmere", BROOK: "Brook"}
FIRST = dt.date(2019, 3, 1)
HELD_RULE, COUNTED_RULE = "EET-01", "CL-02"
TABLE = "ssd_care_leavers"
DRIFT, CHANGED = "DRIFT-01", "EET fell from 52% to 31%"
SAYS = "It contradicts."
# the recording system may send anything as an id
STRANGE_KEY, STRANGE_CASE = "=1+1", "<b>P</b>/&?"


def fill(nights: int = 12) -> None:
    """Write nights of Ashmere, of which the last two are held, and of Brook, all published."""
    with connect("carepath_loader") as loader:
        mirror(loader)
        allocate(loader)
        for authority, name in NAMES.items():
            loader.execute("insert into ops.authorities values (%s, %s)", (authority, name))
            loader.execute(
                "insert into ops.sources values (%s, %s, 'test')", (name.lower(), authority)
            )
        for number in range(nights):
            day = FIRST + dt.timedelta(days=number)
            held = number >= nights - 2
            failing = {HELD_RULE: 12 if held else number % 5, COUNTED_RULE: 3}
            night(loader, ASHMERE, day, failing, holds={HELD_RULE} if held else set())
            night(loader, BROOK, day, {COUNTED_RULE: 1}, holds=set())
    with connect("carepath_owner") as owner:
        owner.execute(
            "insert into ops.publications (run_id, authority, night, load_id, kind, code_version,"
            " published_at) select run_id, authority, night, load_id, 'publish', 'x',"
            " run_steps.started_at + interval '20 minutes' from ops.loads join ops.run_steps using"
            " (run_id, authority) where step = 'publish' and run_steps.state = 'done'"
        )


def night(
    loader: psycopg.Connection,
    authority: str,
    day: dt.date,
    failing: Mapping[str, int],
    holds: set[str],
) -> int:
    """Write one night of an authority; return the gate run of its records."""
    run = f"{NAMES[authority]} {day}"
    begun = dt.datetime.combine(day, dt.time(2), dt.UTC)
    state = "held" if holds else "published"
    loader.execute(
        "insert into ops.runs (run_id, night, state, code_version, trigger, started_at,"
        " finished_at) values (%s, %s, %s, 'x', 'test', %s, %s)",
        (run, day, state, begun, begun),
    )
    loader.execute(
        "insert into ops.run_steps (run_id, step, authority, source, state, message, started_at)"
        " values (%(run)s, 'load', %(authority)s, %(source)s, 'done', null, %(at)s),"
        " (%(run)s, 'publish', %(authority)s, '', %(state)s, %(message)s, %(at)s)",
        {
            "run": run,
            "authority": authority,
            "source": NAMES[authority].lower(),
            "state": "held" if holds else "done",
            "message": "The figures stay as they were. What to do: ask." if holds else None,
            "at": begun,
        },
    )
    row = loader.execute(
        "insert into ops.loads (run_id, source, authority, night, state, started_at)"
        " values (%s, %s, %s, %s, 'loaded', %s) returning load_id",
        (run, NAMES[authority].lower(), authority, day, begun),
    ).fetchone()
    assert row is not None
    load = JudgedLoad(int(row[0]), authority, day)
    gate_run = open_gate_run(loader, run, 1, load)
    loader.cursor().executemany(
        "insert into quality.failing_keys (gate_run_id, authority, rule_id, table_name,"
        " record_key, person_id) values (%s, %s, %s, %s, %s, %s)",
        [
            (gate_run, authority, rule, TABLE, key_of(number), case_of(number))
            for rule, n in failing.items()
            for number in range(n)
        ],
    )
    of_records = Result(HELD_RULE, TABLE, "warning", 0.02, SAYS, "passed", 300, threshold_count=3)
    results = [
        weigh(replace(of_records, rule_id=rule, failing=n, state="failed" if n else "passed"))
        for rule, n in failing.items()
    ]
    keep_decision(loader, gate_run, decide(results, failing), results)
    figures = open_gate_run(loader, run, 2, load)
    changed = Result(DRIFT, "marts_build", "info", 0.0, SAYS, "failed", 40, 1)
    loader.execute(
        "insert into quality.figure_findings values (%s, %s, 'kpi_eet|EET|all', %s)",
        (figures, DRIFT, f"{CHANGED} on {written(day)}."),
    )
    keep_decision(loader, figures, decide([weigh(changed)], {DRIFT}), [weigh(changed)])
    log_nights(loader, run)
    return gate_run


def refuse(loader: psycopg.Connection, authority: str, day: dt.date) -> None:
    """Write a night of an authority that was never loaded, because its source was away."""
    run = f"{authority} {day}"
    loader.execute("insert into ops.authorities values (%s, 'Coast')", (authority,))
    loader.execute(
        "insert into ops.runs (run_id, night, state, code_version, trigger)"
        " values (%s, %s, 'failed', 'x', 'test')",
        (run, day),
    )
    loader.execute(
        "insert into ops.run_steps (run_id, step, authority, source, state, message) values"
        " (%s, 'load', %s, 'coast', 'failed', 'The source cannot be reached. What to do: Start the"
        " source.')",
        (run, authority),
    )
    log_nights(loader, run)


def key_of(number: int) -> str:
    """Return the key of the record with a number."""
    return STRANGE_KEY if number == 1 else f"L-{number:03}"


def case_of(number: int) -> str:
    """Return the case id of the record with a number."""
    return STRANGE_CASE if number == 1 else f"P-{number:03}"


def allocate(loader: psycopg.Connection) -> None:
    """Allocate Ashmere's young people to two teams and a worker, as core would have it."""
    loader.execute(
        "create table core.fct_allocations (authority text, young_person_key bigint,"
        " team_key bigint, worker_key bigint, start_date date, end_date date);"
        "create table core.dim_team (team_key bigint, team_name text);"
        "create table identity.person_identity"
        " (young_person_key bigint, authority text, person_id text);"
        "create table identity.worker_identity"
        " (worker_key bigint, authority text, worker_id text, worker_name text);"
        "insert into core.dim_team values (7, 'Leaving care east'), (8, 'Leaving care west');"
        f"insert into identity.worker_identity values (5, '{ASHMERE}', 'W-5', 'Wanda Invented')"
    )
    loader.cursor().executemany(
        "with person as (insert into identity.person_identity values (%(n)s, %(la)s, %(case)s))"
        " insert into core.fct_allocations values (%(la)s, %(n)s, %(team)s, 5, '2015-01-01', null)",
        [{"n": n, "la": ASHMERE, "case": case_of(n), "team": 7 + n % 2} for n in range(12)],
    )


def add_many(count: int) -> None:
    """Add open findings of Brook, as many as a bad year leaves."""
    with connect("carepath_owner") as owner:
        owner.execute(
            "insert into quality.kept_findings (authority, gate, rule_id, table_name, record_id,"
            " record_key, person_id, first_seen, failing_since, team, teams, worker)"
            " select %s, 1, rules.rule_id, 'ssd_person', gen_random_uuid(), 'M-' || n,"
            " 'Q-' || n %% 30000, date '2016-01-01' + (n %% 1100)::integer,"
            " date '2016-01-01' + (n %% 1100)::integer, 'Team ' || n %% 40,"
            " array['Team ' || n %% 40], 'W-' || n %% 300"
            " from generate_series(1, %s) as n inner join (select rule_id, count(*) over () as"
            " rule_count, row_number() over (order by rule_id) - 1 as number"
            " from quality.rules) as rules on n %% rules.rule_count = rules.number",
            (BROOK, count),
        )
        owner.execute("analyze quality.kept_findings")
