"""The suite's PostgreSQL with a clock that somebody has set back (libfaketime)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from carepath.warehouse import embedded

MISSING = "no libfaketime (Debian: apt-get install faketime)"


def library() -> Path | None:
    """Return the library that changes the clock of a program; None if it is not installed."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


@contextmanager
def clock_set_back(hours: int) -> Iterator[None]:
    """Start the running server again with a clock that is late, and in the end with the right one.

    Args:
        hours: by how much its clock is late.
    """
    server = embedded.status()
    process = psutil.Process(server.pid)
    program, account = Path(process.exe()).with_name("pg_ctl"), process.uids().real
    embedded.stop()
    subprocess.run(
        [
            *(str(program), "start", "--silent", "--wait"),
            *("--pgdata", str(server.directory / "data")),
            *("--log", str(server.directory / "log" / "start.log")),
        ],
        user=account if account != psutil.Process().uids().real else None,
        cwd="/",
        env={
            "LC_ALL": "C",
            "TZ": "UTC",
            "LD_PRELOAD": str(library()),
            "FAKETIME": f"-{hours}h",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=True,
    )
    try:
        yield
    finally:
        embedded.stop()
        embedded.start()
