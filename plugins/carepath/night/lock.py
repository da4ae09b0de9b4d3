"""One night at a time: who may work on the warehouse, and how a killed night lets go.

ops.current_night names the night that was planned last. Its steps may work; late steps of any
other night refuse. A new night is planned only if the current one has ended or is dead. No clock
decides that. A night of the command line is alive while its Airflow process holds an advisory
lock, and a night of the service while Airflow runs it (docs/adr/0010).
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from carepath.dates import written
from carepath.errors import NightError, WarehouseError
from carepath.night.record import LOADER, close_stopped_run
from carepath.warehouse.connect import connect

DRIVER = "CAREPATH_NIGHT_DRIVER"  # environment: the driver's number, for the tasks of its night

# Advisory locks: a step shares the first while it works; a driver holds the second with its number.
STEPS_LOCK = 0x6A80
DRIVER_LOCK = 0x6A81
# The server would end an idle session, and its lock with it.
NEVER_TOO_IDLE: Final = "set idle_session_timeout = 0"
# A killed session keeps its locks until the server notices, which takes a moment.
PATIENCE = "1s"
# A step of a dead night may still be at work in another process.
PATIENCE_WITH_STEPS = "15s"
# A live scheduler reports every five seconds; a report from the future is from before the server's
# clock was set back.
SILENCE = dt.timedelta(seconds=60)


@dataclass(frozen=True)
class CurrentNight:
    """The night that was planned last.

    Attributes:
        run_id: its run in ops.runs.
        night: the day that it loads.
        started_at: when it was planned, UTC.
        is_running: whether it has not ended, as far as ops.runs knows.
        driver: number of the driver whose lock it depends on; None for a night of the service.
    """

    run_id: str
    night: dt.date
    started_at: dt.datetime
    is_running: bool
    driver: int | None


@contextmanager
def driving() -> Iterator[int]:
    """Keep a night alive while the block runs, but no longer than this process.

    The lock goes with the process's connection, so a kill releases it. Tasks find the driver's
    number in the environment.

    Yields:
        The driver's number.
    """
    driver = secrets.randbelow(2**31 - 1) + 1
    with connect(LOADER, autocommit=True, keepalives_idle=60) as connection:
        connection.execute(NEVER_TOO_IDLE)
        connection.execute("select pg_advisory_lock(%s, %s)", (DRIVER_LOCK, driver))
        os.environ[DRIVER] = str(driver)
        try:
            yield driver
        finally:
            del os.environ[DRIVER]


def take(connection: psycopg.Connection[Any], run_id: str) -> None:
    """Make a night the current one, from the end of the transaction on.

    A night that was killed is recorded as failed. No step works while the transaction lasts.

    Args:
        connection: of carepath_loader, in a transaction.
        run_id: the night to be.

    Raises:
        NightError: another night is running.
    """
    # only one night is planned at a time
    connection.execute("lock table ops.current_night in share row exclusive mode")
    current = _current(connection)
    other = current if current and current.run_id != run_id and current.is_running else None
    if other and _is_alive(connection, other):
        raise _refusal(other)
    if not _locked(connection, PATIENCE_WITH_STEPS, STEPS_LOCK, 0):
        raise _refusal(current)
    if other:
        close_stopped_run(connection, other.run_id)
    driver = os.environ.get(DRIVER)
    connection.execute(
        "insert into ops.current_night (run_id, driver) values (%(run)s, %(driver)s)"
        " on conflict (is_only) do update set run_id = excluded.run_id,"
        " driver = excluded.driver, taken_at = excluded.taken_at",
        {"run": run_id, "driver": int(driver) if driver else None},
    )


@contextmanager
def working(run_id: str) -> Iterator[psycopg.Connection[Any]]:
    """Open the connection of a step of the current night; no other night begins meanwhile.

    Yields:
        A connection of carepath_loader, in autocommit.

    Raises:
        NightError: another night has been planned since, or this one never was.
    """
    with connect(LOADER, autocommit=True) as connection:
        connection.execute(NEVER_TOO_IDLE)
        connection.execute("select pg_advisory_lock_shared(%s, 0)", (STEPS_LOCK,))
        current = _current(connection)
        if current is None or current.run_id != run_id:
            raise _refusal_of_step(connection, run_id, current)
        yield connection


def refuse_beside_another() -> None:
    """Refuse what must not happen while a night is running.

    Raises:
        NightError: a night is running.
    """
    with connect(LOADER) as connection:
        current = _current(connection)
        if current and current.is_running and _is_alive(connection, current):
            raise _refusal(current)


def keep_nights_away(connection: psycopg.Connection[Any]) -> None:
    """Let no night begin and no step work until the transaction ends.

    Args:
        connection: of carepath_owner, in a transaction.

    Raises:
        NightError: a night is running, or a step of one is still at work.
    """
    connection.execute("lock table ops.current_night in share row exclusive mode")
    current = _current(connection)
    if current and current.is_running and _is_alive(connection, current):
        raise _refusal(current)
    if not _locked(connection, PATIENCE_WITH_STEPS, STEPS_LOCK, 0):
        raise _refusal(None)


def close_if_stopped() -> None:
    """Record the current night as failed if it was killed before its end."""
    with connect(LOADER) as connection:
        connection.execute("lock table ops.current_night in share row exclusive mode")
        current = _current(connection)
        if (
            current
            and current.is_running
            and not _is_alive(connection, current)
            and _locked(connection, PATIENCE, STEPS_LOCK, 0)
        ):
            close_stopped_run(connection, current.run_id)


def _current(connection: psycopg.Connection[Any]) -> CurrentNight | None:
    row = connection.execute(
        "select run_id, night, started_at, state = 'running', driver"
        " from ops.current_night inner join ops.runs using (run_id)"
    ).fetchone()
    return CurrentNight(*row) if row else None


def _is_alive(connection: psycopg.Connection[Any], night: CurrentNight) -> bool:
    if night.driver is None:
        return _runs_in_service(night.run_id)
    return not _locked(connection, PATIENCE, DRIVER_LOCK, night.driver)


def _locked(connection: psycopg.Connection[Any], patience: str, lock: int, number: int) -> bool:
    """Take an advisory lock until the transaction ends; False if others keep it for too long."""
    try:
        with connection.transaction():
            connection.execute("select set_config('lock_timeout', %s, true)", (patience,))
            connection.execute("select pg_advisory_xact_lock(%s, %s)", (lock, number))
            connection.execute("set local lock_timeout to default")
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _runs_in_service(run_id: str) -> bool:
    """Tell whether Airflow's scheduler lives and has not ended the run."""
    # without Airflow's database there is no service
    with (
        suppress(WarehouseError, psycopg.errors.UndefinedTable),
        connect("airflow_meta", "airflow") as connection,
    ):
        row = connection.execute(
            "select exists (select 1 from dag_run where dag_id = 'nightly_load'"
            " and run_id = %(run)s and state in ('queued', 'running'))"
            " and exists (select 1 from job where job_type = 'SchedulerJob'"
            " and state = 'running' and latest_heartbeat between now() - %(silence)s"
            " and now() + %(silence)s)",
            {"run": run_id, "silence": SILENCE},
        ).fetchone()
        return row == (True,)
    return False


def _refusal(current: CurrentNight | None) -> NightError:
    if current is None:
        return NightError("A step of a night is still at work.", todo="try again in a minute.")
    return NightError(
        f"The night of {written(current.night)} has been running since "
        f"{current.started_at:%d %B, %H:%M} UTC, and only one night can run at a time.",
        todo="wait until it has ended (`carepath status` shows that), then start yours again.",
    )


def _refusal_of_step(
    connection: psycopg.Connection[Any], run_id: str, current: CurrentNight | None
) -> NightError:
    planned = connection.execute("select 1 from ops.runs where run_id = %s", (run_id,)).fetchone()
    if planned is None or current is None:
        return NightError(
            "This night was refused before it began, so this step has done nothing.",
            todo="read what the step `plan` says.",
        )
    return NightError(
        f"Another night took over on {current.started_at:%d %B, %H:%M} UTC, so this step of an "
        "earlier night has done nothing.",
        todo="to repeat the earlier night, run it again once the other has ended.",
    )
