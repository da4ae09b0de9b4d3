"""What a person sees in the terminal: a night's progress and outcome, KPIs, the work list."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from carepath.errors import CarepathError
from carepath.orchestration import NightRun
from carepath.settings import get_settings
from carepath.warehouse.connect import connect

STATE_COLOURS = {
    "published": "green",
    "done": "green",
    "pass": "green",
    "running": "cyan",
    "partly": "yellow",
    "held": "yellow",
    "hold": "yellow",
    "failed": "red",
}


@contextmanager
def watching(console: Console) -> Iterator[Callable[[str | None], None]]:
    """Show a night's steps while it runs: one moving line on a terminal, plain lines elsewhere."""
    told: set[tuple[str, str]] = set()
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
            elif state != "waiting" and (name, state) not in told:
                told.add((name, state))
                console.print(
                    f"    [{STATE_COLOURS.get(state, 'white')}]{state:<8}[/] {name:<34}"
                    f" {seconds:6.1f} s"
                )
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
    colour = STATE_COLOURS.get(night.state, "white")
    console.print(f"  Outcome: [bold {colour}]{night.state}[/] after {night.seconds:.1f} s")
    if night.message:
        console.print(f"  {night.message}", markup=False)


def print_status(console: Console, services: Mapping[str, int | None]) -> None:
    """Print what runs, the last nights, what each authority's marts hold, and what is held."""
    settings = get_settings()
    running = [name for name, pid in services.items() if pid]
    if running:
        console.print(f"Airflow: {', '.join(running)}; http://127.0.0.1:{settings.airflow_port}")
    else:
        console.print("Airflow: not running as a service (start it with `make up`)")
    with connect("carepath_analyst") as connection:
        nights = connection.execute(
            "select night, state, trigger, started_at, finished_at - started_at, code_version,"
            " coalesce(message, '') from ops.runs order by started_at desc limit 5"
        ).fetchall()
        publications = connection.execute(
            "select distinct on (authority) authority, night, kind, published_at, code_version"
            " from ops.publications order by authority, publication_id desc"
        ).fetchall()
    if not nights:
        console.print(
            "No night has run yet. `make demo` shows one; README says how to connect a system."
        )
        return
    table = _table(
        "Last nights", left=("night", "outcome", "started by", "started", "took", "code")
    )
    for night, state, trigger, started, took, code, _ in nights:
        table.add_row(
            f"{night}",
            f"[{STATE_COLOURS.get(state, 'white')}]{state}[/]",
            # the run's own mark is for the process that waits for it
            re.sub(" [0-9a-f]{8}$", "", trigger),
            f"{started:%Y-%m-%d %H:%M} UTC",
            f"{took.total_seconds():.0f} s" if took else "",
            code,
        )
    console.print(table)
    if nights[0][-1]:
        console.print("  What the last night asks of you:")
        _print_indented(console, nights[0][-1])
    table = _table("What the marts hold", left=("authority", "figures of", "by", "since", "code"))
    for authority, night, kind, since, code in publications:
        table.add_row(authority, f"{night}", kind, f"{since:%Y-%m-%d %H:%M} UTC", code)
    console.print(table if publications else "Nothing has been published yet.")


def print_work_list(console: Console, *, authority: str | None = None, limit: int = 10) -> None:
    """Print the stewards' list by rule, worst first: keys only, never a value of a record.

    Args:
        console: where to print.
        authority: only this one's records; None for all.
        limit: how many record keys to print per rule.
    """
    with connect("carepath_steward") as connection:
        rules = connection.execute(
            "select authority, severity, rule_id, table_name, is_holding, plain_words, what_to_do,"
            " count(*), (array_agg(record_key order by record_key))[:%(limit)s]"
            " from quality.work_list"
            " where %(authority)s::text is null or authority = %(authority)s"
            " group by authority, severity, rule_id, table_name, is_holding, plain_words,"
            " what_to_do order by is_holding desc,"
            " array_position(array['critical', 'warning', 'info'], severity), rule_id, table_name",
            {"authority": authority, "limit": limit},
        ).fetchall()
    if not rules:
        console.print("The work list is empty: no record fails a rule.")
        return
    console.print(f"  [bold]Work list[/], {sum(row[7] for row in rules):,} records by rule")
    for code, severity, rule, table, holds, words, todo, count, keys in rules:
        mark = "[bold yellow]holds [/]" if holds else "      "
        console.print(f"  {mark}[bold]{rule}[/] {severity}, {code} {table}: {count:,} records")
        for text in (f"why         {words}", f"what to do  {todo}"):
            _print_indented(console, text)
        more = f" and {count - len(keys):,} more in quality.work_list" if count > len(keys) else ""
        _print_indented(console, f"records     {', '.join(keys)}{more}")


def only_authority(authority: str | None) -> str:
    """Return the given authority or, when the marts hold just one, that one.

    Raises:
        CarepathError: nothing is published, several are and none was named, or it is unknown.
    """
    with connect("carepath_analyst") as connection:
        known = [
            str(code)
            for (code,) in connection.execute(
                "select distinct authority from ops.publications order by authority"
            )
        ]
    if authority is not None and authority in known:
        return authority
    if not known:
        raise CarepathError("nothing has been published yet", todo="run a night first")
    if authority is None and len(known) == 1:
        return known[0]
    raise CarepathError(
        f"'{authority}' has published nothing" if authority else "several authorities published",
        todo=f"name one of: {', '.join(known)}",
    )


def _steps(run_id: str) -> list[tuple[str, str, str, str | None, float]]:
    with connect("carepath_analyst") as connection:
        return connection.execute(
            "select step, coalesce(nullif(source, ''), authority), state, message,"
            " extract(epoch from coalesce(finished_at, clock_timestamp()) - started_at)::float8"
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
    table = _table("Loaded", left=("source", "state"))
    for heading in ("tables", "rows", "MB", "opened", "closed", "duplicates"):
        table.add_column(heading, justify="right")
    for source, state, tables, row_count, size, *versions in rows[:12]:
        table.add_row(
            source,
            state,
            f"{tables:,}",
            f"{row_count or 0:,}",
            f"{(size or 0) / 1e6:,.1f}",
            *(f"{count or 0:,}" for count in versions),
        )
    console.print(table)
    if len(rows) > 12:
        console.print(f"  and {len(rows) - 12} more sources (ops.loads has them all)")


def _print_failed_rules(console: Console, run_id: str) -> None:
    with connect("carepath_analyst") as connection:
        rows = connection.execute(
            "select g.authority, r.rule_id, r.table_name, q.severity, r.failing_count,"
            " r.population_count, r.share, r.threshold, r.holds"
            " from quality.gate_runs as g join quality.rule_results as r using (gate_run_id)"
            " join quality.rules as q using (rule_id)"
            " where g.run_id = %s and r.state <> 'passed' and (r.failing_count > 0 or r.holds)"
            " order by r.holds desc, r.failing_count desc nulls first limit 12",
            (run_id,),
        ).fetchall()
    if not rows:
        return
    several = len({row[0] for row in rows}) > 1
    table = _table("Rules that records fail", left=("rule", "table", "severity"))
    for heading in ("records", "of", "share", "limit"):
        table.add_column(heading, justify="right")
    table.add_column("decision")
    for authority, rule, tested, severity, failing, population, share, limit, holds in rows:
        table.add_row(
            f"{authority} {rule}" if several else rule,
            tested,
            severity,
            "" if failing is None else f"{failing:,}",
            "" if population is None else f"{population:,}",
            "" if share is None else f"{share:.1%}",
            "" if not limit else f"{limit:.1%}",
            "[yellow]holds[/]" if holds else "counted",
        )
    console.print(table)


def _table(title: str, left: Sequence[str]) -> Table:
    """Return an empty table that fits a terminal of 80 columns."""
    table = Table(title=f"  {title}", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for heading in left:
        table.add_column(heading, overflow="fold")
    return table


def _print_indented(console: Console, text: str) -> None:
    console.print(Padding(Text(text), (0, 0, 0, 8)))
