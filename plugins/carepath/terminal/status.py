"""`carepath status`: what runs, the last nights, what is published and what is held."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from psycopg.rows import class_row
from rich.console import Console

from carepath.dates import written
from carepath.settings import get_settings
from carepath.terminal.layout import STATE_COLOURS, WIDE, messages, print_indented, table_of
from carepath.warehouse.connect import connect

DOOR = "tls-door"
UNPUBLISHED = ("held", "partly")


class FailedRun(Protocol):
    """A run that Airflow ended before its night was recorded."""

    @property
    def started_at(self) -> dt.datetime: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True)
class Night:
    """One night as ops.runs has it, with its place in the order of nights."""

    run_number: int
    night: dt.date
    state: str
    trigger: str
    started_at: dt.datetime
    took: dt.timedelta | None
    code_version: str
    message: str
    leaves_out: bool

    @property
    def outcome(self) -> str:
        """How it ended, in words."""
        return f"{self.state} with records left out" if self.leaves_out else self.state


def read_nights(limit: int = 5) -> tuple[list[Night], Night | None]:
    """Return the last nights, newest first, and the last one that held figures back."""
    query = (
        "select run_number, night, state, trigger, started_at,"
        " greatest(finished_at - started_at, interval '0') as took, code_version,"
        " coalesce(message, '') as message,"
        " state in ('published', 'partly') and exists (select from quality.final_decisions"
        " as decisions where decisions.run_id = runs.run_id and kind = 'night'"
        " and outcome = 'published with records left out') as leaves_out from ops.runs"
    )
    with connect("carepath_analyst") as connection:
        cursor = connection.cursor(row_factory=class_row(Night))
        last = cursor.execute(f"{query} order by run_number desc limit %s", (limit,)).fetchall()
        held = cursor.execute(
            f"{query} where state = any(%s) order by run_number desc limit 1", ([*UNPUBLISHED],)
        ).fetchone()
    return last, held


def print_status(
    console: Console,
    services: Mapping[str, int | None],
    failed_early: Sequence[FailedRun] = (),
) -> None:
    """Print what runs, the last nights, what each authority's marts hold, and what is held.

    Args:
        console: where to print.
        services: the services with their process ids, None for one that does not run.
        failed_early: runs that ended before their first step, newest first.
    """
    _print_services(console, services)
    nights, held = read_nights()
    if failed_early:
        console.print("  [bold red]Runs that failed before their first step[/]")
        for run in failed_early:
            at = f"{written(run.started_at)}, {run.started_at:%H:%M} UTC"
            print_indented(console, f"{at}: {run.reason}")
    if not nights:
        console.print(
            "No night has run yet. `make demo` shows one. The README says how to connect a system."
        )
        return
    _print_nights(console, nights)
    if nights[0].state == "running":
        _print_retries(console)
    _print_message(console, "The last night", nights[0])
    if held is not None and held != nights[0]:
        since = [each for each in nights if each.run_number > held.run_number]
        published = any(each.state == "published" for each in since)
        _print_message(console, "The last night that held figures back", held)
        if published:
            print_indented(console, "A later night was published, so this may have been put right.")
    _print_publications(console)


def _print_services(console: Console, services: Mapping[str, int | None]) -> None:
    door = services.get(DOOR, 0)
    running = [name for name, pid in services.items() if pid and name != DOOR]
    if running:
        port = get_settings().airflow_port
        console.print(f"Airflow: {', '.join(running)}; http://127.0.0.1:{port}")
    else:
        console.print("Airflow: not running as a service (start it with `make up`)")
    if door:
        console.print(f"Readers, encrypted: {get_settings().tls_listen}", markup=False)
    elif door is None:
        console.print(
            f"Readers, encrypted: [bold red]nothing answers[/] at {get_settings().tls_listen}"
            " (start it with `make up`)"
        )


def _print_nights(console: Console, nights: Sequence[Night]) -> None:
    wide = console.width >= WIDE  # the version of the code is shown too
    headings = ("night", "outcome", "started by", "started (UTC)")
    table = table_of("Last nights", left=headings, right=("took",))
    if wide:
        table.add_column("code", overflow="fold")
    for each in nights:
        cells = (
            f"{each.night}",
            f"[{STATE_COLOURS.get(each.state, 'white')}]{each.outcome}[/]",
            # the mark at the end is only for the process that waits for the run
            re.sub(" [0-9a-f]{8}$", "", each.trigger),
            f"{each.started_at:%Y-%m-%d %H:%M}",
            f"{each.took.total_seconds():,.0f} s" if each.took else "",
        )
        table.add_row(*cells, *((each.code_version,) if wide else ()))
    console.print(table)


def _print_message(console: Console, which: str, night: Night) -> None:
    """Print what a person must do about a night; nothing if it published everything."""
    if not night.message:
        return
    console.print(f"  [bold]{which}[/], of {written(night.night)}: {night.state}")
    for text in messages(night.message):
        print_indented(console, text)


def _print_retries(console: Console) -> None:
    """Print which sources the running night could not load yet, and why."""
    with connect("carepath_analyst") as connection:
        rows = connection.execute(
            "select run_steps.message from ops.run_steps inner join ops.runs using (run_id)"
            " where runs.state = 'running' and step = 'load' and run_steps.state = 'failed'"
            " order by source"
        ).fetchall()
    if rows:
        console.print("  [bold]Not loaded yet[/]. The service tries again a few times:")
    for (message,) in rows:
        print_indented(console, message)


def _print_publications(console: Console) -> None:
    with connect("carepath_analyst") as connection:
        publications = connection.execute(
            "select distinct on (authority) authority, night, kind, published_at, code_version"
            " from ops.publications order by authority, publication_id desc"
        ).fetchall()
    if not publications:
        console.print("Nothing has been published yet.")
        return
    wide = console.width >= WIDE
    headings = ("authority", "figures of", "by", "since (UTC)", *(("code",) if wide else ()))
    table = table_of("What the marts hold", left=headings)
    for authority, night, kind, since, code in publications:
        table.add_row(
            authority, f"{night}", kind, f"{since:%Y-%m-%d %H:%M}", *((code,) if wide else ())
        )
    console.print(table)
