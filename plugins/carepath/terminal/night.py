"""A night in the terminal: its progress while it runs, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from rich.console import Console

from carepath.quality.log import people_left_out
from carepath.service.night_run import NightRun
from carepath.sources import SourceSpec
from carepath.sources.look import unreachable
from carepath.terminal.layout import (
    STATE_COLOURS,
    messages,
    pack,
    plural,
    print_indented,
    table_of,
)
from carepath.warehouse.connect import connect


def look_at_sources(console: Console, specs: Sequence[SourceSpec]) -> bool:
    """Say which sources cannot be reached, before Airflow is started.

    Returns:
        Whether any of them can be, so that the night may start.
    """
    with console.status("looking at the sources") if console.is_terminal else nullcontext():
        troubles = unreachable(specs)
    for each in troubles:
        print_indented(console, str(each), by=2)
    others = len(specs) - len(troubles)
    if not others:
        console.print(
            "  Outcome: [bold red]not started[/], because no source can be reached."
            " Nothing was loaded."
        )
    elif troubles:
        console.print(f"  The night goes on with {plural(others, 'other source')}.")
    return others > 0


@contextmanager
def watching(console: Console) -> Iterator[Callable[[str | None], None]]:
    """Show a night's steps while it runs: one moving line on a terminal, plain lines elsewhere."""
    shown: set[tuple[str, str]] = set()
    begun = time.monotonic()
    status = console.status("starting Airflow")
    if console.is_terminal:
        status.start()

    def watch(run_id: str | None) -> None:
        if run_id is None:
            status.update(f"starting Airflow ({time.monotonic() - begun:.0f} s)")
            return
        moving = ""
        for step, subject, state, message, seconds in _steps(run_id):
            name = f"{step} {subject}".strip()
            if state == "running":
                moving = f"{name} {message or ''} ({seconds:.0f} s)"
            elif state != "waiting" and (name, state) not in shown:
                shown.add((name, state))
                console.print(
                    f"    [{STATE_COLOURS.get(state, 'white')}]{state:<8}[/] {name:<34}"
                    f" {seconds:6.1f} s"
                )
                if state == "failed" and message:
                    print_indented(console, message, by=6)
        status.update(moving or f"between two steps ({time.monotonic() - begun:.0f} s)")

    try:
        yield watch
    finally:
        status.stop()


def print_night(console: Console, night: NightRun) -> None:
    """Print how a night ended: what was loaded, what was held and why."""
    if night.run_id is not None:
        _print_loads(console, night.run_id)
        _print_failed_rules(console, night.run_id)
        _print_information(console, night.run_id)
    colour = STATE_COLOURS.get(night.state, "white")
    outcome = f"{night.state}{_left_out(night.run_id)}"
    console.print(f"  Outcome: [bold {colour}]{outcome}[/] after {night.seconds:.1f} s")
    for text in messages(night.message):
        print_indented(console, text, by=2)


def _left_out(run_id: str | None) -> str:
    if run_id is None:
        return ""
    with connect("carepath_analyst") as connection:
        return " with records left out" if people_left_out(connection, run_id) else ""


def _steps(run_id: str) -> list[tuple[str, str, str, str | None, float]]:
    with connect("carepath_analyst") as connection:
        return connection.execute(
            "select step, coalesce(nullif(source, ''), authority), state, message,"
            " greatest(0, extract(epoch from coalesce(finished_at, clock_timestamp()) - started_at"
            "))::float8"
            " from ops.run_steps where run_id = %s order by started_at",
            (run_id,),
        ).fetchall()


def _print_loads(console: Console, run_id: str) -> None:
    with connect("carepath_analyst") as connection:
        rows: list[Any] = connection.execute(
            "select l.source, l.state, count(d.table_name), sum(d.row_count)::bigint,"
            " sum(d.byte_count)::bigint, sum(d.opened_count)::bigint,"
            " sum(d.closed_count)::bigint, sum(d.duplicate_count)::bigint"
            " from ops.loads as l left join ops.table_deliveries as d using (load_id)"
            " where l.run_id = %s group by l.load_id order by l.load_id",
            (run_id,),
        ).fetchall()
    if not rows:
        return
    table = table_of(
        "Loaded",
        left=("source", "state"),
        right=("tables", "rows", "MB", "opened", "closed", "duplicates"),
    )
    for source, state, tables, row_count, size, *versions in rows[:12]:
        table.add_row(
            source,
            state,
            f"{tables:,}",
            f"{row_count or 0:,}",
            f"{(size or 0) / 1e6:,.1f}",
            *(f"{count or 0:,}" for count in versions),
        )
    console.print(pack(table, console))
    if len(rows) > 12:
        console.print(f"  and {len(rows) - 12} more sources (ops.loads has them all)")


def _print_failed_rules(console: Console, run_id: str) -> None:
    with connect("carepath_analyst") as connection:
        rows = connection.execute(
            "select g.authority, r.rule_id, r.table_name, r.failing_count,"
            " r.population_count, r.share, r.threshold, r.holds"
            " from quality.gate_runs as g join quality.rule_results as r using (gate_run_id)"
            " join quality.rules as q using (rule_id)"
            " where g.run_id = %s and r.state <> 'passed' and (r.failing_count > 0 or r.holds)"
            " and (q.severity <> 'info' or r.holds)"
            " order by r.holds desc, r.failing_count desc nulls first limit 12",
            (run_id,),
        ).fetchall()
    if not rows:
        return
    several = len({row[0] for row in rows}) > 1
    table = table_of(
        "Rules that records fail",
        left=("rule", "table"),
        right=("records", "of", "share", "limit", "decision"),
    )
    for authority, rule, tested, failing, population, share, limit, holds in rows:
        table.add_row(
            f"{authority} {rule}" if several else rule,
            tested,
            "" if failing is None else f"{failing:,}",
            "" if population is None else f"{population:,}",
            "" if share is None else f"{share:.1%}",
            "" if not limit else f"{limit:.1%}",
            "[yellow]holds[/]" if holds else "counted",
        )
    console.print(pack(table, console))


def _print_information(console: Console, run_id: str) -> None:
    with connect("carepath_analyst") as connection:
        row: Any = connection.execute(
            "select count(distinct rule_id), coalesce(sum(failing_count), 0)::bigint"
            " from quality.gate_runs join quality.rule_results using (gate_run_id)"
            " join quality.rules using (rule_id)"
            " where run_id = %s and severity = 'info' and failing_count > 0 and not holds",
            (run_id,),
        ).fetchone()
    rules, records = row
    if rules:
        print_indented(
            console,
            f"For information: {plural(rules, 'rule')} that cannot hold a night found"
            f" {plural(records, 'record')}. To see them: carepath work-list --severity info",
            by=2,
        )
