"""What Carepath reads and writes in Airflow's metadata: notes, failed runs, the next night.

In SQL, because Airflow's REST API does not run while a night comes from the command line.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from carepath.warehouse.connect import connect

DAG_ID = "nightly_load"
LONGEST_NOTE = 1000  # characters that Airflow keeps
NO_REASON = "The run ended before its first step. What to do: read the log of its task `plan`."


@dataclass(frozen=True)
class FailedRun:
    """A run that Airflow ended as failed before its night was recorded in ops.runs.

    Attributes:
        run_id: Airflow's id of the run.
        started_at: when it began, UTC.
        reason: what happened and what to do next.
    """

    run_id: str
    started_at: dt.datetime
    reason: str


def note_run(run_id: str, text: str) -> None:
    """Write the note that Airflow's pages show beside a run; it replaces an earlier one."""
    with connect("airflow_meta", "airflow") as connection:
        connection.execute(
            "insert into dag_run_note (dag_run_id, content, created_at, updated_at)"
            " select id, %s, now(), now() from dag_run where dag_id = %s and run_id = %s"
            " on conflict (dag_run_id) do update"
            " set content = excluded.content, updated_at = excluded.updated_at",
            (_shortened(text), DAG_ID, run_id),
        )


def note_task(task_instance_id: str, text: str) -> None:
    """Write the note that Airflow's pages show beside a task; it replaces an earlier one.

    An attempt that will be tried again has no row any more, and no note.
    """
    with connect("airflow_meta", "airflow") as connection:
        connection.execute(
            "insert into task_instance_note (ti_id, content, created_at, updated_at)"
            " select id, %s, now(), now() from task_instance where id = %s"
            " on conflict (ti_id) do update"
            " set content = excluded.content, updated_at = excluded.updated_at",
            (_shortened(text), task_instance_id),
        )


def forget_task_note(task_instance_id: str) -> None:
    """Remove the note of an attempt that failed, after a later one has succeeded."""
    with connect("airflow_meta", "airflow") as connection:
        connection.execute("delete from task_instance_note where ti_id = %s", (task_instance_id,))


def first_task_note(run_id: str) -> str | None:
    """Return the note of the run's first failed task; None if no task has one."""
    with connect("airflow_meta", "airflow") as connection:
        row = connection.execute(
            "select note.content from task_instance_note as note"
            " join task_instance as task on task.id = note.ti_id"
            " where task.dag_id = %s and task.run_id = %s and task.state = 'failed'"
            " order by task.start_date limit 1",
            (DAG_ID, run_id),
        ).fetchone()
    return row[0] if row else None


def runs_without_a_night(limit: int = 5) -> list[FailedRun]:
    """Return the failed runs since the last night in ops.runs began, newest first.

    The list is empty until Airflow's metadata have been made.
    """
    with connect("carepath_analyst") as connection:
        row = connection.execute(
            "select coalesce(array_agg(run_id), '{}') from ops.runs"
        ).fetchone()
    recorded = row[0] if row else []
    with connect("airflow_meta", "airflow") as connection:
        made = connection.execute("select to_regclass('public.dag_run') is not null").fetchone()
        if made != (True,):
            return []
        rows = connection.execute(
            "select run_id, coalesce(start_date, queued_at, run_after) as began from dag_run"
            " where dag_id = %(dag)s and state = 'failed' and not run_id = any(%(recorded)s)"
            " and id > coalesce((select max(id) from dag_run where dag_id = %(dag)s"
            " and run_id = any(%(recorded)s)), 0) order by id desc limit %(limit)s",
            {"dag": DAG_ID, "recorded": recorded, "limit": limit},
        ).fetchall()
    return [
        FailedRun(run_id, began, first_task_note(run_id) or NO_REASON) for run_id, began in rows
    ]


def next_night() -> dt.datetime | None:
    """Return when the service begins its next night (UTC); None before it has read the DAG."""
    with connect("airflow_meta", "airflow") as connection:
        row = connection.execute(
            "select next_dagrun_create_after from dag where dag_id = %s and not is_paused",
            (DAG_ID,),
        ).fetchone()
    return row[0] if row else None


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_NOTE:
        return text
    ending = " ... `carepath status` shows all of it."
    return text[: LONGEST_NOTE - len(ending)] + ending
