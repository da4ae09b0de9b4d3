"""What a task leaves on Airflow's pages when it ends: why it failed, and its log.

Airflow calls these functions in the process of the task (carepath_airflow.py registers them).
"""

from __future__ import annotations

# mypy: disallow-untyped-decorators=False
import os
import sys
from pathlib import Path
from typing import Any

from airflow.listeners import hookimpl

from carepath.errors import CarepathError
from carepath.service import metadata
from carepath.service.configuration import NIGHT_LOG

_begins_at: dict[str, int] = {}


@hookimpl
def on_task_instance_running(task_instance: Any) -> None:
    """Note where the task's lines begin in the log of the night."""
    if night_log := os.environ.get(NIGHT_LOG):
        _begins_at[str(task_instance.id)] = _size(night_log)


@hookimpl
def on_task_instance_success(task_instance: Any) -> None:
    """Forget why an earlier attempt failed."""
    if task_instance.try_number > 1:
        metadata.forget_task_note(str(task_instance.id))
    _keep_log(task_instance)


@hookimpl
def on_task_instance_skipped(task_instance: Any) -> None:
    """Keep the log."""
    _keep_log(task_instance)


@hookimpl
def on_task_instance_failed(task_instance: Any, error: str | BaseException | None) -> None:
    """Write a note beside the task: what happened and what to do."""
    metadata.note_task(str(task_instance.id), _in_words(error))
    _keep_log(task_instance)


def _in_words(error: str | BaseException | None) -> str:
    """Return the text of an error that may be shown. A library's own text may quote a record."""
    from airflow.sdk.exceptions import AirflowFailException

    if isinstance(error, CarepathError | AirflowFailException):
        return str(error)
    kind = "" if error is None or isinstance(error, str) else f" ({type(error).__name__})"
    return f"The step was ended{kind}. What to do: read its log, then run the night again."


def _keep_log(task_instance: Any) -> None:
    """Copy the task's lines from the log of the night to where Airflow's pages read them."""
    from airflow.configuration import conf
    from airflow.utils.helpers import log_filename_template_renderer

    night_log = os.environ.get(NIGHT_LOG)
    if night_log is None:  # a task of the service: Airflow has written its log
        return
    begin = _begins_at.pop(str(task_instance.id), 0)
    end = _size(night_log)
    with Path(night_log).open("rb") as source:
        source.seek(begin)
        lines = source.read(end - begin)
    target = Path(conf.get("logging", "base_log_folder")) / log_filename_template_renderer()(
        ti=task_instance
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(lines)


def _size(night_log: str) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    return Path(night_log).stat().st_size
