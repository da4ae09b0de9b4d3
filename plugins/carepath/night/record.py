"""How a night records itself: the run in ops.runs, each of its steps in ops.run_steps."""

from __future__ import annotations

import datetime as dt
import json
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import structlog
from structlog.contextvars import bound_contextvars

from carepath.errors import CarepathError, GateHeldError, reason
from carepath.logs import quieten_libraries
from carepath.quality.log import log_nights
from carepath.warehouse.code_version import code_version

if TYPE_CHECKING:
    from carepath.sources import SourceSpec

log = structlog.get_logger(__name__)

LOADER = "carepath_loader"


@dataclass(frozen=True)
class Outcome:
    """How a night ended.

    Attributes:
        state: published, partly (some authorities published), held or failed.
        message: one line that says what a person must do; empty when all was published.
    """

    state: str
    message: str


def open_run(
    connection: psycopg.Connection[Any],
    run_id: str,
    night: dt.date,
    trigger: str,
    sources: Iterable[SourceSpec],
) -> None:
    """Record that a night begins; a run that is planned again starts from the beginning.

    Args:
        connection: in a transaction.
        run_id: identity of the run.
        night: the day that is loaded.
        trigger: who started it.
        sources: what it loads.
    """
    connection.execute(
        "insert into ops.runs (run_id, night, state, code_version, trigger, started_at)"
        " values (%s, %s, 'running', %s, %s, now())"
        " on conflict (run_id) do update set state = 'running', message = null,"
        " finished_at = null",
        (run_id, night, code_version(), trigger),
    )
    connection.execute("delete from ops.run_steps where run_id = %s and step <> 'plan'", (run_id,))
    # Each load counts as missing until it says otherwise: its authority stays incomplete even if
    # the task dies before it can record anything.
    connection.cursor().executemany(
        "insert into ops.run_steps (run_id, step, authority, source, state)"
        " values (%s, 'load', %s, %s, 'waiting') on conflict do nothing",
        [(run_id, spec.authority, spec.name) for spec in sources],
    )


@contextmanager
def step(
    connection: psycopg.Connection[Any],
    run_id: str,
    name: str,
    *,
    authority: str = "",
    source: str = "",
    since: dt.datetime | None = None,
) -> Iterator[dict[str, Any]]:
    """Record one step of a night, how it ended and what it counted.

    Args:
        connection: of carepath_loader.
        run_id: the run.
        name: the step, as dags/nightly_load.py calls it.
        authority: the authority that it is for; blank if all.
        source: what it loads; blank for every other step.
        since: when it began, if that was before (`begin`).

    Yields:
        The step's detail: counts and ids, which the caller fills.

    Raises:
        CarepathError: the step failed; the message is free of any value of a record.
    """
    identity = (run_id, name, authority, source)
    connection.execute(
        "delete from ops.run_steps where run_id = %s and step = %s"
        " and authority = %s and source = %s",
        identity,
    )
    connection.execute(
        "insert into ops.run_steps (run_id, step, authority, source, state, started_at)"
        " values (%s, %s, %s, %s, 'running', coalesce(%s, clock_timestamp()))",
        (*identity, since),
    )
    detail: dict[str, Any] = {}
    state, message = "done", None
    quieten_libraries()
    # each line that is logged during the step carries these fields
    fields = {"run_id": run_id, "step": name, "authority": authority, "source": source}
    with bound_contextvars(**{field: value for field, value in fields.items() if value}):
        try:
            log.info("the step begins")
            yield detail
        except GateHeldError as error:
            state, message = "held", str(error)
            raise
        except CarepathError as error:
            state, message = "failed", str(error)
            raise
        except Exception as error:
            state, message = "failed", reason(error)
            raised_at = "".join(traceback.format_tb(error.__traceback__))
            log.error("an error of a library", error=message, raised_at=raised_at)
            raise CarepathError(
                message,
                where=" ".join(filter(None, (name, authority, source))),
                todo="run `carepath doctor`, and read the log of this task.",
            ) from None
        except BaseException as error:  # how Airflow ends a task
            state, message = "failed", f"The step was ended from outside ({type(error).__name__})."
            raise
        finally:
            say = log.info if state == "done" else log.warning
            say("the step has ended", state=state, message=message, **detail)
            connection.execute(
                "update ops.run_steps set state = %s, message = %s, detail = %s,"
                " finished_at = clock_timestamp() where run_id = %s and step = %s"
                " and authority = %s and source = %s",
                (state, message, json.dumps(detail), *identity),
            )


def begin(
    connection: psycopg.Connection[Any], run_id: str, name: str, authorities: Sequence[str]
) -> dt.datetime:
    """Record that a step begins for a set at once; `step` then says how it ended for each.

    Returns:
        When it began.
    """
    ((now,),) = connection.execute("select clock_timestamp()").fetchall()
    connection.cursor().executemany(
        "insert into ops.run_steps (run_id, step, authority, source, state, started_at)"
        " values (%s, %s, %s, '', 'running', %s)"
        " on conflict (run_id, step, authority, source) do update set state = excluded.state,"
        " started_at = excluded.started_at, finished_at = null, message = null",
        [(run_id, name, authority, now) for authority in authorities],
    )
    moment: dt.datetime = now
    return moment


def note(connection: psycopg.Connection[Any], run_id: str, source: str, message: str) -> None:
    """Say how far the load of a source has come, for those who watch."""
    connection.execute(
        "update ops.run_steps set message = %s where run_id = %s and step = 'load' and source = %s",
        (message, run_id, source),
    )


def night_of(connection: psycopg.Connection[Any], run_id: str) -> dt.date:
    """Return the day that a run loads.

    Raises:
        CarepathError: the run was never planned.
    """
    row = connection.execute("select night from ops.runs where run_id = %s", (run_id,)).fetchone()
    if row is None:
        raise CarepathError(
            "Carepath does not know this run.", where=run_id, todo="start the night again."
        )
    night: dt.date = row[0]
    return night


def complete_authorities(connection: psycopg.Connection[Any], run_id: str) -> list[str]:
    """Return the authorities of which the run has loaded every source."""
    rows = connection.execute(
        """
        select s.authority
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
    return [authority for (authority,) in rows]


def delivered_load(connection: psycopg.Connection[Any], run_id: str, authority: str) -> int:
    """Return the last load of an authority by the run: its records as of tonight.

    Raises:
        CarepathError: the run has loaded nothing of the authority.
    """
    row = connection.execute(
        "select max(load_id) from ops.loads"
        " where run_id = %s and authority = %s and state = 'loaded'",
        (run_id, authority),
    ).fetchone()
    if row is None or row[0] is None:
        raise CarepathError(
            "Nothing of this authority was loaded tonight.",
            where=authority,
            todo="read the log of its load, then run the night again.",
        )
    return int(row[0])


def sizes(
    connection: psycopg.Connection[Any], run_id: str, authorities: Sequence[str]
) -> dict[str, int]:
    """Return how many rows the run has loaded of each authority."""
    rows = connection.execute(
        "select named.authority, coalesce(sum(row_count), 0)::bigint"
        " from unnest(%s::text[]) as named (authority)"
        " left join ops.loads on named.authority = loads.authority and loads.run_id = %s"
        " and loads.state = 'loaded'"
        " left join ops.table_deliveries using (load_id) group by 1",
        (list(authorities), run_id),
    ).fetchall()
    return dict(rows)


def begun(
    connection: psycopg.Connection[Any], run_id: str, name: str, authority: str = ""
) -> str | None:
    """Return what tells one attempt at a step from another: when it began; None if it did not."""
    row = connection.execute(
        "select extract(epoch from started_at)::text from ops.run_steps"
        " where run_id = %s and step = %s and authority = %s and source = ''",
        (run_id, name, authority),
    ).fetchone()
    return row[0] if row else None


def is_done(
    connection: psycopg.Connection[Any], run_id: str, name: str, authority: str, of: str | None
) -> bool:
    """Say whether a step was done for an authority from the same input, which its detail names.

    Args:
        connection: of carepath_loader.
        run_id: the run.
        name: the step.
        authority: the authority.
        of: what names the input; None if it is unknown, which nothing is the same as.
    """
    row = connection.execute(
        "select 1 from ops.run_steps where run_id = %s and step = %s and authority = %s"
        " and state = 'done' and detail ->> 'of' = %s",
        (run_id, name, authority, of),
    ).fetchone()
    return row is not None


def done_for(connection: psycopg.Connection[Any], run_id: str, name: str) -> list[str]:
    """Return the authorities for which a step of the run was done."""
    rows = connection.execute(
        "select authority from ops.run_steps where run_id = %s and step = %s and state = 'done'"
        " order by authority",
        (run_id, name),
    ).fetchall()
    return [authority for (authority,) in rows]


def close_run(connection: psycopg.Connection[Any], run_id: str) -> Outcome:
    """Record how the night ended, from how its steps ended."""
    outcome = _outcome(connection, run_id)
    connection.execute(
        "update ops.runs set state = %s, message = nullif(%s, ''), finished_at = now()"
        " where run_id = %s",
        (outcome.state, outcome.message, run_id),
    )
    log_nights(connection, run_id)
    return outcome


def close_stopped_run(connection: psycopg.Connection[Any], run_id: str) -> None:
    """Record that a night was killed before its end."""
    closed = connection.execute(
        "update ops.runs set state = 'failed', finished_at = now(),"
        " message = 'The night was stopped before its end. What to do: run it again.'"
        " where run_id = %s and state = 'running'",
        (run_id,),
    )
    if closed.rowcount:
        log_nights(connection, run_id)


def _outcome(connection: psycopg.Connection[Any], run_id: str) -> Outcome:
    published = done_for(connection, run_id, "publish")
    troubles = connection.execute(
        "select step, coalesce(nullif(authority, ''), source), state,"
        " case when state in ('failed', 'held') then message else concat_ws(' ', step,"
        " nullif(authority, ''), nullif(source, '')) || ': The step did not end. It was"
        " killed, or it did not begin. What to do: read its log, then run the night again.' end"
        " from ops.run_steps where run_id = %s and state <> 'done'"
        " order by started_at",
        (run_id,),
    ).fetchall()
    lines = [text for _, _, _, text in troubles]
    if all(
        about for _, about, _, _ in troubles
    ):  # no failed step for all authorities explains the rest
        unexplained = connection.execute(
            "select distinct authority from ops.run_steps where run_id = %(run)s"
            " and step = 'load' and authority not in (select authority from ops.run_steps"
            " where run_id = %(run)s and (step = 'publish' or state <> 'done')) order by 1",
            {"run": run_id},
        ).fetchall()
        lines += [
            f"{authority}: A step died before it could record anything. What to do: read "
            "the log of the failed task, then run the night again."
            for (authority,) in unexplained
        ]
    message = " | ".join(lines)
    if published:
        return Outcome("partly" if lines else "published", message)
    held = any(state == "held" for _, _, state, _ in troubles)
    return Outcome("held" if held else "failed", message)
