"""Logs: one line for each thing that happens, with its fields, and never a value of a record.

Fields are run_id, step, authority, source, table and rule. A step of a night sets the first four
(`carepath.night.record.step`), and each line that is logged inside it has them. Airflow writes the
lines of its own processes. Those of the command line go to the log of the service.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, TextIO

import structlog

from carepath.settings import get_settings

PROCESSORS: tuple[Any, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    structlog.processors.JSONRenderer(),
)

# what these say of their own workings would drown what a night says
CHATTER = ("great_expectations", "dbt", "alembic")


def quieten_libraries() -> None:
    """Let libraries log warnings and errors only. Airflow's own setting does not reach them."""
    for name in CHATTER:
        logging.getLogger(name).setLevel(logging.WARNING)


def service_log_file() -> Path:
    """Return the log of the service: a line of JSON for each night that ended, and each alert."""
    return get_settings().logs / "carepath.log"


def service_log() -> Any:
    """Return a logger that writes to the log of the service from any process."""
    return structlog.wrap_logger(structlog.WriteLogger(_opened()), processors=PROCESSORS)


def configure() -> None:
    """Send what the command line logs to the log of the service, not to the terminal."""
    quieten_libraries()
    structlog.configure(
        processors=PROCESSORS, logger_factory=lambda *_: structlog.WriteLogger(_opened())
    )


def _opened() -> TextIO:
    file = service_log_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.open("a", encoding="utf-8")
