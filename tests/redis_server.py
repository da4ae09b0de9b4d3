"""A Redis of the tests' own: a process on 127.0.0.1, with TLS, a password and nothing on disk."""

from __future__ import annotations

import importlib.util
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MISSING = "no Redis or no Celery (Debian: apt-get install redis-server; then: make extras)"


def is_there() -> bool:
    """Return whether the server and Airflow's Celery executor are installed."""
    return (
        shutil.which("redis-server") is not None
        and importlib.util.find_spec("celery") is not None
        and importlib.util.find_spec("airflow.providers.celery") is not None
    )


@contextmanager
def running(certificate: Path) -> Iterator[str]:
    """Start a server and stop it in the end.

    Args:
        certificate: that of localhost and its key, in one file.

    Yields:
        Its address, with its password.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    password = secrets.token_urlsafe(12)
    process = subprocess.Popen(
        ["redis-server", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    # not as arguments, which every account of the machine can read
    process.stdin.write(
        f"bind 127.0.0.1\nport 0\ntls-port {port}\ntls-auth-clients no\n"
        f"tls-cert-file {certificate}\ntls-key-file {certificate}\n"
        f'requirepass {password}\nsave ""\nappendonly no\n'
    )
    process.stdin.close()
    try:
        _wait(process, port)
        yield f"rediss://:{password}@localhost:{port}/0"
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait(process: subprocess.Popen[str], port: int) -> None:
    end = time.monotonic() + 60
    while True:
        assert process.poll() is None
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        assert time.monotonic() < end
        time.sleep(0.05)
