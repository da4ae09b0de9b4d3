"""One night through Airflow from the command line."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from carepath.night.lock import close_if_stopped, refuse_beside_another
from carepath.service.configuration import DAG_FILE, NIGHT_LOG, environment, initialise
from carepath.settings import get_settings
from carepath.warehouse.connect import connect

LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True)
class NightRun:
    """How one night through `airflow dags test` ended.

    Attributes:
        run_id: the run in ops.runs; None if it failed before its first step.
        state: published, partly, held or failed.
        message: what a person must do; empty when all was published.
        log: Airflow's own log of the run.
        seconds: from the first step's start to the end of the last, without interpreter start.
    """

    run_id: str | None
    state: str
    message: str
    log: Path
    seconds: float


def run_night(
    night: dt.date,
    *,
    sources: Sequence[str] | None = None,
    trigger: str = "command line",
    accept_truncation: Sequence[str] = (),
    accept_movement: Sequence[str] = (),
    reason: str = "",
    watch: Callable[[str | None], None] | None = None,
) -> NightRun:
    """Run one night through the real DAG with `airflow dags test`.

    Args:
        night: the day to load.
        sources: names from sources.yml or `ssda903:FOLDER`; None for all listed.
        trigger: who started it.
        accept_truncation: tables that may lose rows or columns tonight.
        accept_movement: KPIs that may change a lot tonight.
        reason: why they may.
        watch: called about twice a second with the run's id once it has one.

    Returns:
        How the night ended.

    Raises:
        NightError: another night is running.
    """
    initialise()
    refuse_beside_another()
    settings = get_settings()
    # Airflow takes this as the run's start. Two runs on one logical date would be the same run.
    logical = dt.datetime.now(dt.UTC)
    log = settings.logs / "airflow" / f"night-{night}-{dt.datetime.now(LONDON):%Y%m%dT%H%M%S}.log"
    trigger = f"{trigger} {secrets.token_hex(4)}"
    conf = {
        "night": night.isoformat(),
        "sources": list(sources) if sources else None,
        "accept_truncation": list(accept_truncation),
        "accept_movement": list(accept_movement),
        "accept_reason": reason,
        "trigger": trigger,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "carepath.night.driver", "dags", "test", "nightly_load"),
                *(logical.isoformat(), "-f", str(DAG_FILE), "-c", json.dumps(conf)),
            ],
            env={
                **environment(),
                # the listener copies each task's lines to where Airflow's pages read them, as JSON
                NIGHT_LOG: str(log),
                "AIRFLOW__LOGGING__JSON_LOGS": "True",
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while process.poll() is None:
                if watch:
                    watch(_run_id(trigger))
                time.sleep(0.4)
        except BaseException:
            process.terminate()
            process.wait(timeout=30)
            close_if_stopped()
            raise
    if watch:
        watch(_run_id(trigger))
    if _run_id(trigger) is None:
        refuse_beside_another()  # one that began while Airflow was starting
    close_if_stopped()
    return _outcome(trigger, log)


def _run_id(trigger: str) -> str | None:
    with connect("carepath_analyst") as connection:
        row = connection.execute(
            "select run_id from ops.runs where trigger = %s", (trigger,)
        ).fetchone()
    return row[0] if row else None


def _outcome(trigger: str, log: Path) -> NightRun:
    with connect("carepath_analyst") as connection:
        row = connection.execute(
            "select run_id, state, coalesce(message, ''),"
            " greatest(0, extract(epoch from coalesce(finished_at, now()) - started_at))::float8"
            " from ops.runs where trigger = %s",
            (trigger,),
        ).fetchone()
    if row is None or row[1] == "running":
        return NightRun(
            row[0] if row else None,
            "failed",
            f"The night ended before its last step. What to do: read {log}.",
            log,
            row[3] if row else 0.0,
        )
    return NightRun(row[0], row[1], row[2], log, row[3])
