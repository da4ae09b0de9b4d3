"""A MariaDB of the tests' own: a process on 127.0.0.1 with its data in a temporary folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import certificates
import pymysql

MISSING = "no MariaDB (Debian: apt-get install mariadb-server)"
PLACES = "/usr/sbin:/usr/local/sbin"  # where Debian keeps the server, outside a user's PATH
SMALL = (
    "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--innodb-flush-method=fsync",
    "--innodb-flush-log-at-trx-commit=0", "--performance-schema=OFF",
)  # fmt: skip


def mysql_program() -> str | None:
    """Return the program of a MySQL server, which CAREPATH_MYSQLD names; Debian 12 has none."""
    return os.environ.get("CAREPATH_MYSQLD")


def program() -> str | None:
    """Return the server's program; None if it is not installed."""
    return shutil.which("mariadbd", path=f"{os.environ['PATH']}:{PLACES}")


@dataclass(frozen=True)
class MariaDB:
    """A running server; `root` has no password and connects from this machine only.

    Who asks for an encrypted connection gets one, with a certificate of localhost.
    """

    port: int
    process: subprocess.Popen[bytes]
    certificate: Path

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """Start a server, as root or as an ordinary user, and remove it in the end."""
        server = program()
        assert server is not None
        with tempfile.TemporaryDirectory(prefix="carepath-mariadb-") as folder:
            data = Path(folder, "data")
            certificate = certificates.of_localhost(Path(folder))
            as_root = ("--user=root",) if os.geteuid() == 0 else ()
            subprocess.run(
                [
                    *("mariadb-install-db", "--no-defaults", f"--datadir={data}", *as_root),
                    *("--auth-root-authentication-method=normal", "--skip-test-db", *SMALL),
                ],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            begun = (server, "--no-defaults", f"--datadir={data}", *as_root, *SMALL)
            with cls._answering(folder, certificate, begun) as running:
                yield running

    @classmethod
    @contextmanager
    def _answering(cls, folder: str, certificate: Path, program: Sequence[str]) -> Iterator[Self]:
        """Start a server's program on a free port, and end it in the end."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with Path(folder, "log").open("ab") as log:
            process = subprocess.Popen(
                [
                    *program,
                    *(f"--socket={folder}/socket", f"--port={port}"),
                    *("--bind-address=127.0.0.1", f"--pid-file={folder}/pid"),
                    *(f"--ssl-cert={certificate}", f"--ssl-key={certificate}"),
                    "--default-time-zone=-05:00",  # as if its machine were elsewhere
                ],
                stdout=log,
                stderr=log,
            )
        running = cls(port, process, certificate)
        try:
            running.wait()
            yield running
        finally:
            process.terminate()
            process.wait(timeout=60)

    def wait(self) -> None:
        """Wait until the server answers."""
        end = time.monotonic() + 60
        while True:
            try:
                self.connect().close()
            except pymysql.OperationalError:
                assert self.process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.05)
            else:
                return

    def connect(self, database: str | None = None) -> pymysql.Connection[Any]:
        """Connect as root."""
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="root", database=database, autocommit=True,
            charset="utf8mb4",
        )  # fmt: skip

    def run(self, statements: Sequence[str], database: str | None = None) -> list[Any]:
        """Run statements as root; return what the last one found."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def url(self, database: str, user: str = "reader", password: str = "pw") -> str:  # noqa: S107
        """Return the address of a database for a source."""
        return f"mysql+pymysql://{user}:{password}@127.0.0.1:{self.port}/{database}"


class MySQL(MariaDB):
    """A running MySQL; the same as MariaDB but for how it is started."""

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """Start a server, as root or as an ordinary user, and remove it in the end."""
        server = mysql_program()
        assert server is not None
        with tempfile.TemporaryDirectory(prefix="carepath-mysql-") as folder:
            certificate = certificates.of_localhost(Path(folder))
            Path(folder, "init.sql").write_text(
                "create user root@'127.0.0.1';grant all on *.* to root@'127.0.0.1'"
                " with grant option;"
            )
            usual = (
                server, "--no-defaults", f"--datadir={folder}/data",
                *(("--user=root",) if os.geteuid() == 0 else ()),
                "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0",
                "--performance-schema=OFF", "--skip-log-bin", "--innodb-redo-log-capacity=16M",
                "--secure-file-priv=NULL",
            )  # fmt: skip
            with Path(folder, "log").open("wb") as log:
                subprocess.run([*usual, "--initialize-insecure"], check=True, stderr=log)
            begun = (*usual, "--mysqlx=OFF", f"--init-file={folder}/init.sql")
            with cls._answering(folder, certificate, begun) as running:
                yield running
