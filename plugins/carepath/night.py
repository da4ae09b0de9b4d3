"""The steps of a night, in the order in which dags/nightly_load.py tells them.

plan -> load (per source) -> stage -> gate (per authority) -> build -> check and publish (per
authority) -> verdict. Every step may run twice with the same result, records itself in
ops.run_steps, takes and returns names and counts only, and decides nothing that belongs to another
authority: one that is late or held keeps yesterday's figures while the others go on.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from carepath.errors import (
    CarepathError,
    GateHeldError,
    SettingsError,
    SourceError,
    safe_message,
)
from carepath.settings import get_settings
from carepath.warehouse import ready
from carepath.warehouse.code_version import code_version
from carepath.warehouse.connect import connect

log = logging.getLogger(__name__)

LONDON = ZoneInfo("Europe/London")
LOADER = "carepath_loader"
# as the DAG's timeout: after it, Airflow has ended whatever a night still did
LONGEST_NIGHT = dt.timedelta(hours=5)
# gate 1's last word on each load
DECISIONS = (
    "select distinct on (authority, load_id) authority, load_id, decision, gate_run_id"
    " from quality.gate_runs where gate = 1 order by authority, load_id, gate_run_id desc"
)


@dataclass(frozen=True)
class Verdict:
    """How a night ended.

    Attributes:
        state: published, partly (some authorities published), held or failed.
        message: one line that says what a person must do; empty when all was published.
    """

    state: str
    message: str


def start(run_id: str, night: dt.date, sources: Sequence[str] | None, trigger: str) -> list[str]:
    """Open the night in ops.runs and say which sources it loads.

    Args:
        run_id: identity of the run (Airflow's run id).
        night: the day whose close the sources stand for.
        sources: names from sources.yml or `ssda903:FOLDER`; None loads every listed source.
        trigger: who started it (`schedule`, `command line`, `demonstration`).

    Returns:
        Source names, each of which `load` understands.

    Raises:
        SettingsError: no source is listed, or one is named that is not, or the night is to come,
            or another night is running.
    """
    from carepath.sources import find_source, read_sources

    if night > dt.datetime.now(LONDON).date():
        raise SettingsError(
            f"the night {night} has not come yet, and once loaded none before it could be",
            todo="correct the date.",
        )
    ready()
    try:
        specs = [find_source(name) for name in sources] if sources else read_sources()
    except SourceError as error:
        raise SettingsError(error.what, where=error.where, todo=error.todo) from None
    names = list(sources) if sources else [spec.name for spec in specs]
    if not names:
        raise SettingsError(
            "no recording system is listed, so there is nothing to load",
            where=str(get_settings().sources_file),
            todo="add one (README, 'Connect your own system') or run `make demo`",
        )
    with connect(LOADER) as connection:
        _refuse_beside_another(connection, run_id)
        connection.execute(
            "insert into ops.runs (run_id, night, state, code_version, trigger, started_at)"
            " values (%s, %s, 'running', %s, %s, now())"
            " on conflict (run_id) do update set state = 'running', message = null,"
            " finished_at = null",
            (run_id, night, code_version(), trigger),
        )
        connection.execute(
            "delete from ops.run_steps where run_id = %s and step <> 'plan'", (run_id,)
        )
        # a source that dies before its first word is missed too: its authority stays incomplete
        connection.cursor().executemany(
            "insert into ops.run_steps (run_id, step, authority, source, state)"
            " values (%s, 'load', %s, %s, 'waiting') on conflict do nothing",
            [(run_id, spec.authority, spec.name) for spec in specs],
        )
        with _step(connection, run_id, "plan") as detail:
            detail["sources"] = names
    return names


def abandon() -> int:
    """Close nights that were killed before their verdict; return how many."""
    with connect(LOADER) as connection:
        return connection.execute(
            "update ops.runs set state = 'failed', finished_at = now(),"
            " message = 'The night was stopped before its verdict. What to do: run it again.'"
            " where state = 'running'"
        ).rowcount


def load(run_id: str, source: str, accept_truncation: Sequence[str] = ()) -> int:
    """Extract one source and bring its history up to the night.

    Returns:
        The load's id.

    Raises:
        CarepathError: the source cannot be reached, breaks the contract or is truncated; landing
            and history are as they were.
    """
    from carepath.landing import load_source
    from carepath.sources import find_source

    with connect(LOADER, autocommit=True) as connection:
        night = _night(connection, run_id)
        spec = find_source(source)
        with _step(
            connection, run_id, "load", authority=spec.authority, source=spec.name
        ) as detail:

            def progress(table: str, rows: int) -> None:
                connection.execute(
                    "update ops.run_steps set message = %s where run_id = %s and step = 'load'"
                    " and source = %s",
                    (f"{table}: {rows:,} rows", run_id, spec.name),
                )

            result = load_source(
                run_id, spec, night, accept_truncation=tuple(accept_truncation), progress=progress
            )
            detail |= {
                "load_id": result.load_id,
                "tables": len(result.tables),
                "rows": sum(t.row_count for t in result.tables),
                "opened": sum(t.opened_count for t in result.tables),
                "closed": sum(t.closed_count for t in result.tables),
                "extract_seconds": round(result.extract_seconds, 2),
                "history_seconds": round(result.history_seconds, 2),
            }
    return result.load_id


def stage(run_id: str) -> list[str]:
    """Let staging show tonight's loads, for each authority whose sources all arrived.

    Returns:
        The authorities to judge; none if no delivery is complete, and then nothing is built.
    """
    from carepath.warehouse.staging import ensure_staging

    with (
        connect(LOADER, autocommit=True) as connection,
        _step(connection, run_id, "stage") as detail,
    ):
        rows = connection.execute(
            """
            select s.authority, max(l.load_id)
            from (
                select distinct authority, source from ops.run_steps
                where run_id = %(run)s and step = 'load'
            ) as s
            left join ops.loads as l
                on l.run_id = %(run)s and l.source = s.source and l.state = 'loaded'
            group by s.authority
            having count(*) = count(l.load_id)
            order by s.authority
            """,
            {"run": run_id},
        ).fetchall()
        for authority, load_id in rows:
            _show(connection, authority, load_id, decided_by="tonight's delivery")
        detail["authorities"] = len(rows)
        if rows:
            detail["views made"] = ensure_staging(connection, run_id)
    return [authority for authority, _ in rows]


def gate(run_id: str, authority: str) -> None:
    """Judge one authority's staging; on a hold, staging shows its last accepted load again.

    Raises:
        GateHeldError: with the line that tells a person what to do.
    """
    from carepath.quality.gate import run_gate

    with connect(LOADER, autocommit=True) as connection:
        try:
            with _step(connection, run_id, "gate", authority=authority) as detail:
                decision = run_gate(run_id, authority)
                detail |= {"reasons": list(decision.reasons)}
                if not decision.passed:
                    raise GateHeldError(decision.message, where=authority)
        except BaseException:
            # fail closed: whatever went wrong, a timeout too, the build must not see the records
            _show_accepted(connection, authority)
            raise


def build(run_id: str) -> list[str]:
    """Build core and marts aside, of every authority as at its accepted load, and test them.

    A test that fails is recorded: gate 2 holds the authorities that it is about. A model that fails
    leaves no figures of anybody to judge.

    Returns:
        The authorities that passed the gate tonight (none: nothing was built).
    """
    from carepath.warehouse.models import build_models

    with connect(LOADER, autocommit=True) as connection:
        for authority in _doubtful(connection):  # its gate was killed, or never began
            _show_accepted(connection, authority)
        passed = _passed(connection, run_id, "gate")
        if passed:
            with _step(connection, run_id, "build") as detail:
                detail["all anew"] = build_models(connection, run_id)
                detail["authorities"] = len(passed)
    return passed


def check(run_id: str, authority: str, accept_movement: Sequence[str] = ()) -> None:
    """Gate 2: the build must reconcile to core, and no KPI may leap without a reason.

    Raises:
        GateHeldError: with the line that tells a person what to do.
        CarepathError: the build is not of the load that gate 1 accepted.
    """
    from carepath.quality.gate import run_checks

    with (
        connect(LOADER, autocommit=True) as connection,
        _step(connection, run_id, "check", authority=authority),
    ):
        _refuse_other_build(connection, authority)
        decision = run_checks(run_id, authority, accept_movement=tuple(accept_movement))
        if not decision.passed:
            raise GateHeldError(decision.message, where=authority)


def publish(run_id: str, authority: str) -> int:
    """Make the authority's marts equal to the build in one transaction.

    Returns:
        The publication's id.
    """
    from carepath.publish import publish as publish_build

    with (
        connect(LOADER, autocommit=True) as connection,
        _step(connection, run_id, "publish", authority=authority) as detail,
    ):
        cutoff = connection.execute(
            "select load_id, night from ops.cutoffs where authority = %s", (authority,)
        ).fetchone()
        if cutoff is None:
            raise CarepathError("the authority has no accepted load", where=authority)
        publication = publish_build(run_id, authority, cutoff[0], cutoff[1])
        detail["publication_id"] = publication.publication_id
    return publication.publication_id


def verdict(run_id: str) -> Verdict:
    """Close the night in ops.runs: published, partly, held or failed, and what a person must do."""
    with connect(LOADER, autocommit=True) as connection:
        published = _passed(connection, run_id, "publish")
        troubles = connection.execute(
            "select step, coalesce(nullif(authority, ''), source), state,"
            " case when state in ('failed', 'held') then message else concat_ws(' ', step,"
            " nullif(authority, ''), nullif(source, '')) || ': the step never ended; it was"
            " killed or did not begin. What to do: read its log, then run the night again.' end"
            " from ops.run_steps where run_id = %s and state <> 'done'"
            " order by started_at",
            (run_id,),
        ).fetchall()
        lines = [text for _, _, _, text in troubles]
        unexplained = connection.execute(
            "select distinct authority from ops.run_steps where run_id = %(run)s"
            " and step = 'load' and authority not in (select authority from ops.run_steps"
            " where run_id = %(run)s and (step = 'publish' or state <> 'done')) order by 1",
            {"run": run_id},
        ).fetchall()
        if all(about for _, about, _, _ in troubles):  # no step that serves all explains it
            lines += [
                f"{authority}: a step died before its first word. What to do: read the log of the "
                "failed task, then run the night again."
                for (authority,) in unexplained
            ]
        message = " | ".join(lines)
        held = any(state == "held" for _, _, state, _ in troubles)
        if published and not lines:
            state = "published"
        elif published:
            state = "partly"
        else:
            state = "held" if held else "failed"
        connection.execute(
            "update ops.runs set state = %s, message = nullif(%s, ''), finished_at = now()"
            " where run_id = %s",
            (state, message, run_id),
        )
    return Verdict(state, message)


@contextmanager
def _step(
    connection: psycopg.Connection[Any],
    run_id: str,
    step: str,
    *,
    authority: str = "",
    source: str = "",
) -> Iterator[dict[str, Any]]:
    """Record one step of a night in ops.run_steps, with the outcome and what it counted."""
    identity = (run_id, step, authority, source)
    connection.execute(
        "delete from ops.run_steps where run_id = %s and step = %s"
        " and authority = %s and source = %s",
        identity,
    )
    connection.execute(
        "insert into ops.run_steps (run_id, step, authority, source, state, started_at)"
        " values (%s, %s, %s, %s, 'running', clock_timestamp())",
        identity,
    )
    detail: dict[str, Any] = {}
    state, message = "done", None
    try:
        yield detail
    except GateHeldError as error:
        state, message = "held", str(error)
        raise
    except CarepathError as error:
        state, message = "failed", str(error)
        raise
    except Exception as error:
        # what others say of their errors may quote a record: only the safe part goes on
        is_safe = isinstance(error, (psycopg.Error, OSError))
        state, message = "failed", safe_message(error) if is_safe else type(error).__name__
        log.error("%s, raised at\n%s", message, "".join(traceback.format_tb(error.__traceback__)))
        raise CarepathError(
            message,
            where=step,
            todo="run `carepath doctor`; the log of this task has the details",
        ) from None
    except BaseException as error:  # Airflow's timeout and its end of a task are no Exception
        state, message = "failed", f"the step was ended from outside ({type(error).__name__})"
        raise
    finally:
        connection.execute(
            "update ops.run_steps set state = %s, message = %s, detail = %s,"
            " finished_at = clock_timestamp() where run_id = %s and step = %s"
            " and authority = %s and source = %s",
            (state, message, json.dumps(detail), *identity),
        )


def _refuse_beside_another(connection: psycopg.Connection[Any], run_id: str) -> None:
    """Refuse a night while another one runs: they would move each other's cut-offs."""
    connection.execute("lock table ops.runs in share row exclusive mode")
    row = connection.execute(
        "select night, started_at from ops.runs where state = 'running' and run_id <> %s"
        " and started_at > now() - %s order by started_at limit 1",
        (run_id, LONGEST_NIGHT),
    ).fetchone()
    if row is not None:
        raise SettingsError(
            f"the night of {row[0]} is running, since {row[1]:%H:%M} UTC, and two would mix",
            todo="wait for it; if it was killed: carepath run --abandon-running --date ...",
        )


def _night(connection: psycopg.Connection[Any], run_id: str) -> dt.date:
    row = connection.execute("select night from ops.runs where run_id = %s", (run_id,)).fetchone()
    if row is None:
        raise CarepathError("the run is not known", where=run_id, todo="start the night anew")
    night: dt.date = row[0]
    return night


def _passed(connection: psycopg.Connection[Any], run_id: str, step: str) -> list[str]:
    rows = connection.execute(
        "select authority from ops.run_steps where run_id = %s and step = %s and state = 'done'"
        " order by authority",
        (run_id, step),
    ).fetchall()
    return [authority for (authority,) in rows]


def _show(
    connection: psycopg.Connection[Any], authority: str, load_id: int, *, decided_by: str
) -> None:
    connection.execute(
        "insert into ops.cutoffs (authority, load_id, night, decided_by)"
        " select %(authority)s, load_id, night, %(by)s from ops.loads where load_id = %(load)s"
        " on conflict (authority) do update set load_id = excluded.load_id,"
        " night = excluded.night, decided_by = excluded.decided_by",
        {"authority": authority, "load": load_id, "by": decided_by},
    )


def _show_accepted(connection: psycopg.Connection[Any], authority: str) -> None:
    row = connection.execute(
        f"select load_id from ({DECISIONS}) as latest where authority = %s and decision = 'pass'"
        " order by gate_run_id desc limit 1",
        (authority,),
    ).fetchone()
    if row is None:
        connection.execute("delete from ops.cutoffs where authority = %s", (authority,))
    else:
        _show(connection, authority, row[0], decided_by="gate held: last accepted load")


def _doubtful(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the authorities whose staging shows a load that gate 1 has not accepted."""
    rows = connection.execute(
        f"select authority from ops.cutoffs left join ({DECISIONS}) as latest"
        " using (authority, load_id) where decision is distinct from 'pass' order by authority"
    ).fetchall()
    return [authority for (authority,) in rows]


def _refuse_other_build(connection: psycopg.Connection[Any], authority: str) -> None:
    """Refuse a build of another load than the one accepted: two nights crossed each other."""
    row = connection.execute(
        "select snapshot.load_id is not distinct from cutoff.load_id and decision = 'pass'"
        f" from ops.cutoffs as cutoff left join ({DECISIONS}) as latest"
        " using (authority, load_id) left join core.dim_snapshot as snapshot"
        " on snapshot.authority = cutoff.authority and snapshot.is_latest"
        " where cutoff.authority = %s",
        (authority,),
    ).fetchone()
    if row is None or not row[0]:
        raise CarepathError(
            "the figures were not built from the load that the gate accepted",
            where=authority,
            todo="see whether two nights ran at the same time (ops.runs), then run one again",
        )
