"""Gate 1: all rules and all failing keys stored, against one hand-written pass per table.

The floor is what a person would write in psql: for each judged table one query that counts the
failing rows of all its rules, on the same rows of staging in the same run, and like the gate
without nested loops, which read all addresses for each episode. It stores no key.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from carepath.contract.model import load_contract
from carepath.quality.records.gate import run_gate
from carepath.quality.records.judge import by_subject
from carepath.quality.results import JudgedLoad
from carepath.warehouse import ready
from carepath.warehouse.connect import connect
from expectations.register import rules
from expectations.subjects import subject


@dataclass(frozen=True)
class GateFigures:
    """How long the gate of one authority took.

    Attributes:
        floor_seconds: one hand-written pass per judged table, counts only.
        gate_seconds: all rules, all failing keys stored; Great Expectations already imported.
        import_seconds: importing Great Expectations, once per process.
        keys: failing keys stored.
        peak_mb: memory of this process.
    """

    authority: str
    rules: int
    judgements: int
    rows: int
    keys: int
    floor_seconds: float
    gate_seconds: float
    import_seconds: float
    peak_mb: float

    @property
    def ratio(self) -> float:
        """The gate's seconds over the floor's; the budget is 2."""
        return self.gate_seconds / self.floor_seconds


def measure(authority: str) -> GateFigures:
    """Judge an authority that is loaded and staged; adds a gate run to `quality`.

    Raises:
        SystemExit: the authority has no accepted load.
    """
    ready()
    started = time.perf_counter()
    import carepath.quality.records.expectation  # noqa: F401

    imported = time.perf_counter() - started
    with connect("carepath_loader", autocommit=True) as connection:
        load = _shown(connection, authority)
        delivered = _delivered(connection, authority)
        connection.execute(
            "insert into ops.runs (run_id, night, trigger, state, message) values"
            " ('benchmark', %s, 'benchmark', 'failed', 'a gate alone, for the benchmark')"
            " on conflict do nothing",
            (load.night,),
        )
        connection.execute("set enable_nestloop = off")
        _pass_by_hand(connection, authority, load.night, delivered)  # reads from disk once
        started = time.perf_counter()
        rows = _pass_by_hand(connection, authority, load.night, delivered)
        floor = time.perf_counter() - started
        started = time.perf_counter()
        decision = run_gate("benchmark", load.load_id)
        gate = time.perf_counter() - started
        found = connection.execute(
            "select count(*), (select count(*) from quality.failing_keys where gate_run_id = %(g)s)"
            " from quality.rule_results where gate_run_id = %(g)s and state <> 'not applicable'",
            {"g": decision.gate_run_id},
        ).fetchone()
    judgements, keys = found or (0, 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return GateFigures(authority, len(rules()), judgements, rows, keys, floor, gate, imported, peak)


def _shown(connection: psycopg.Connection[Any], authority: str) -> JudgedLoad:
    """Return the load that staging shows: the floor reads the same rows as the gate."""
    row = connection.execute(
        "select load_id, authority, night from ops.cutoffs where authority = %s", (authority,)
    ).fetchone()
    if row is None:
        raise SystemExit(f"{authority} has no accepted load: run a night of it first.")
    return JudgedLoad(*row)


def _pass_by_hand(
    connection: psycopg.Connection[Any], authority: str, night: date, delivered: Collection[str]
) -> int:
    """Count the failing rows of every rule, one query per table; returns the rows read."""
    read = 0
    for name, members in by_subject(rules()).items():
        about = subject(name)
        if load_contract().by_entity(about.entity).name not in delivered:
            continue
        windows = {
            column: text
            for rule in members
            for column, text in [getattr(rule.condition, "window", ("", ""))]
            if column
        }
        counts = ", ".join(f"count(*) filter (where {rule.failing})" for rule in members)
        more = "".join(f", {text} as {column}" for column, text in windows.items())
        query = about.query(authority, night.isoformat())
        row = connection.execute(
            sql.SQL(f"select count(*), {counts} from (select *{more} from ({query}) as s) as t")
        ).fetchone()
        read += row[0] if row else 0
    return read


def _delivered(connection: psycopg.Connection[Any], authority: str) -> set[str]:
    rows = connection.execute(
        "select distinct table_name from ops.table_deliveries"
        " inner join ops.loads using (load_id) where authority = %s",
        (authority,),
    ).fetchall()
    return {name for (name,) in rows}


def main() -> None:
    """Measure the authority named on the command line and print the ratio."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("authority", nargs="?", default="E09900001")
    figures = measure(arguments.parse_args().authority)
    print(
        f"{figures.rules} rules, {figures.judgements} judgements of {figures.rows:,} rows,"
        f" {figures.keys:,} keys: gate {figures.gate_seconds:.2f} s, floor"
        f" {figures.floor_seconds:.2f} s, ratio {figures.ratio:.2f}; import of Great Expectations"
        f" {figures.import_seconds:.1f} s; peak {figures.peak_mb:.0f} MB"
    )


if __name__ == "__main__":
    main()
