"""The encrypted door: who gets in, what goes through, and what attacks leave behind."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import certificates
import psutil
import psycopg
import pytest
import quick_server
import tenacity
from rich.console import Console

from carepath.door import certificate, server, startup
from carepath.errors import SettingsError
from carepath.service import processes
from carepath.settings import get_settings
from carepath.terminal.status import print_status
from carepath.warehouse import embedded
from carepath.warehouse.connect import connect, parameters
from carepath.warehouse.passwords import ADMINISTRATOR

HOST = "localhost"
LARGE = 50_000_000  # bytes
SSL_REQUEST = startup.message(startup.SSL_REQUEST, b"")
VERSION = 3 << 16
UNTIL = {"stop": tenacity.stop_after_delay(20), "wait": tenacity.wait_fixed(0.02)}


@pytest.fixture(scope="module")
def door(warehouse: None) -> Iterator[int]:
    """The door as `carepath up` starts it; yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAREPATH_TLS_LISTEN", f"127.0.0.1:{port}")
        patch.setattr(get_settings(), "tls_listen", f"127.0.0.1:{port}")
        assert processes.start_door()
        try:
            yield port
        finally:
            processes.stop_services()


def asked(port: int, **changes: str) -> dict[str, str]:
    """What a reader writes into libpq, with changes."""
    own = {**parameters("bi_reader"), "host": HOST, "port": str(port), "sslmode": "require"}
    return {**own, **changes}


def refusal_of(**wanted: str) -> str:
    with pytest.raises(psycopg.OperationalError) as refused:
        psycopg.connect(**wanted)  # type: ignore[arg-type]
    return str(refused.value)


def log_lines() -> list[dict[str, Any]]:
    text = (get_settings().logs / "tls-door.log").read_text()
    return [json.loads(line) for line in text.splitlines()]


def until(true: Callable[[], bool]) -> None:
    """Wait until something holds."""
    again = tenacity.retry_if_result(lambda holds: not holds)
    tenacity.Retrying(**UNTIL, retry=again)(true)  # type: ignore[arg-type]


def waits_for(pid: int) -> str | None:
    """What a process of PostgreSQL waits for; None if it has ended."""
    with connect(ADMINISTRATOR, "postgres") as admin:
        query = "select coalesce(wait_event, '') from pg_stat_activity where pid = %s"
        row = admin.execute(query, [pid]).fetchone()
    return None if row is None else str(row[0])


def raw(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def encrypted(port: int) -> ssl.SSLSocket:
    """A socket on which TLS has begun, and nothing has been said yet."""
    sock = raw(port)
    sock.sendall(SSL_REQUEST)
    assert sock.recv(1) == b"S"
    return ssl.create_default_context(cafile=certificate.root_file()).wrap_socket(
        sock, server_hostname=HOST
    )


def everything(sock: socket.socket) -> bytes:
    found = b""
    try:
        while data := sock.recv(65_536):
            found += data
    except (ConnectionResetError, ssl.SSLEOFError):
        pass
    return found


def hello(role: str = "bi_reader", database: str = "warehouse") -> bytes:
    return startup.startup(VERSION, {b"user": role.encode(), b"database": database.encode()})


# Who gets in --------------------------------------------------------------------------------------


def test_reader_connects_encrypted(door: int) -> None:
    with psycopg.connect(**asked(door)) as reader:
        assert reader.pgconn.ssl_in_use
        assert reader.execute("select current_user").fetchone() == ("bi_reader",)
        pid = reader.info.backend_pid
    (line,) = (each for each in log_lines() if each.get("postgres_pid") == pid)
    assert (line["event"], line["role"], line["address"]) == ("opened", "bi_reader", "127.0.0.1")


@pytest.mark.parametrize("negotiation", ["postgres", "direct"])
def test_certificate_is_checked_against_the_root_that_windows_gets(
    door: int, tmp_path: Path, negotiation: str
) -> None:
    root = str(certificate.root_file())
    wanted = asked(door, sslmode="verify-full", sslrootcert=root, sslnegotiation=negotiation)
    with psycopg.connect(**wanted) as reader:
        assert reader.pgconn.ssl_in_use
    other = certificates.of_localhost(tmp_path)
    assert "certificate verify failed" in refusal_of(**{**wanted, "sslrootcert": str(other)})
    with_address = {**wanted, "host": "127.0.0.2", "hostaddr": "127.0.0.1"}
    assert "does not match host name" in refusal_of(**with_address)


def test_strict_check_of_the_certificate_finds_nothing(door: int) -> None:
    """What Python 3.13 checks by default: the fields that RFC 5280 asks for."""
    strict = ssl.create_default_context(cafile=certificate.root_file())
    strict.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    sock = raw(door)
    sock.sendall(SSL_REQUEST)
    assert sock.recv(1) == b"S"
    with strict.wrap_socket(sock, server_hostname=HOST) as inside:
        assert inside.version() == "TLSv1.3"


def test_old_tls_is_refused(door: int) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with raw(door) as sock:
        sock.sendall(SSL_REQUEST)
        assert sock.recv(1) == b"S"
        with pytest.raises(ssl.SSLError):
            old.wrap_socket(sock)


def test_connection_without_encryption_is_told_what_to_do(door: int) -> None:
    said = refusal_of(**asked(door, sslmode="disable"))
    assert "takes encrypted connections only. Set sslmode=require" in said


def test_other_roles_and_databases_are_refused(door: int) -> None:
    owner = {**parameters("carepath_owner"), "host": HOST, "port": str(door), "sslmode": "require"}
    assert "This role may not connect from another machine" in refusal_of(**owner)
    assert "Only the database warehouse" in refusal_of(**asked(door, dbname="airflow"))
    assert log_lines()[-2]["role"] == "carepath_owner"


def test_wrong_password_is_refused_by_postgresql(door: int) -> None:
    secret = secrets.token_hex(8)
    said = refusal_of(**asked(door, password=secret))
    assert 'password authentication failed for user "bi_reader"' in said
    until(lambda: "28P01" in log_lines()[-1].get("reason", ""))
    assert secret not in (get_settings().logs / "tls-door.log").read_text()


def test_login_that_the_site_names_gets_in_until_it_is_removed(door: int) -> None:
    from carepath.warehouse.readers import create_logins

    file = get_settings().home / "site" / "readers.yml"
    file.write_text("readers:\n- {login: bi_ashmere, authorities: [E09900001]}\n")
    try:
        create_logins(["bi_ashmere"])
        own = {**parameters("bi_ashmere"), "host": HOST, "port": str(door), "sslmode": "require"}
        with psycopg.connect(**own) as reader:
            assert reader.execute("select session_user").fetchone() == ("bi_ashmere",)
    finally:
        file.unlink()
    assert "may not connect from another machine" in refusal_of(**own)


# What goes through --------------------------------------------------------------------------------


def test_large_result_arrives_whole(door: int) -> None:
    with psycopg.connect(**asked(door)) as reader, reader.cursor() as cursor:
        rows = f"copy (select repeat('x', 999) from generate_series(1, {LARGE // 1000})) to stdout"
        with cursor.copy(rows) as copy:
            assert sum(len(data) for data in copy) == LARGE


def test_reader_that_does_not_read_makes_postgresql_wait(door: int) -> None:
    before = psutil.Process(door_process()).memory_info().rss
    with contextlib.closing(psycopg.connect(**asked(door))) as reader:
        pid = reader.info.backend_pid
        rows = f"copy (select repeat('x', 999) from generate_series(1, {LARGE // 250})) to stdout"
        reader.pgconn.send_query(rows.encode())
        until(lambda: waits_for(pid) == "ClientWrite")
        assert psutil.Process(door_process()).memory_info().rss - before < 20_000_000


@pytest.mark.parametrize("way", ["cancel", "cancel_safe"])
def test_query_is_cancelled(door: int, way: str) -> None:
    """`cancel` asks in clear, as psqlODBC does; `cancel_safe` encrypts that too."""
    with psycopg.connect(**asked(door)) as reader:
        pid = reader.info.backend_pid

        def cancel_when_it_runs() -> None:
            until(lambda: waits_for(pid) == "PgSleep")
            getattr(reader, way)()

        thread = threading.Thread(target=cancel_when_it_runs)
        thread.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            reader.execute("select pg_sleep(60)")
        thread.join()


def test_query_of_nobody_here_is_not_cancelled(door: int) -> None:
    with raw(door) as sock:
        sock.sendall(startup.message(startup.CANCEL_REQUEST, secrets.token_bytes(8)))
        assert everything(sock) == b""
    assert log_lines()[-1]["reason"] == "cancels a query of no reader"


def test_query_of_a_reader_who_has_gone_ends(door: int) -> None:
    reader = psycopg.connect(**asked(door))
    pid = reader.info.backend_pid
    reader.pgconn.send_query(b"select pg_sleep(60)")
    until(lambda: waits_for(pid) == "PgSleep")
    reader.close()
    until(lambda: waits_for(pid) is None)


def test_asyncpg_reads_through_the_door(door: int) -> None:
    async def read() -> Any:
        own = parameters("bi_reader")
        connection = await asyncpg.connect(
            host=HOST,
            port=door,
            user=own["user"],
            password=own["password"],
            database=own["dbname"],
            ssl=ssl.create_default_context(cafile=certificate.root_file()),
        )
        try:
            return await connection.fetchval("select count(*) from generate_series(1, 1000)")
        finally:
            await connection.close()

    assert asyncio.run(read()) == 1000


def test_odbc_reads_through_the_door(odbc_driver: str, door: int) -> None:
    import pyodbc

    own = asked(door)
    connection = pyodbc.connect(
        f"Driver={{{odbc_driver}}};Server={HOST};Port={door};Database={own['dbname']};"
        f"Uid={own['user']};Pwd={{{own['password']}}};SSLmode=require",
        readonly=True,
    )
    try:
        query = "select session_user::text, count(*) from generate_series(1, 1000)"
        assert tuple(connection.cursor().execute(query).fetchone()) == ("bi_reader", 1000)
    finally:
        connection.close()


# Attacks ------------------------------------------------------------------------------------------


def test_bytes_sent_in_clear_before_tls_are_refused(door: int) -> None:
    with raw(door) as sock:
        sock.sendall(SSL_REQUEST + hello())
        assert b"unencrypted after the request for TLS" in everything(sock)


def test_bytes_sent_in_clear_after_the_answer_reach_nobody(door: int) -> None:
    for clear in (SSL_REQUEST, hello(), bytes(100)):
        with raw(door) as sock:
            sock.sendall(SSL_REQUEST)
            assert sock.recv(1) == b"S"
            sock.sendall(clear)
            answer = everything(sock)
            assert b"AuthenticationSASL" not in answer
            assert b"SCRAM" not in answer
        until(lambda: "broken off" in log_lines()[-1]["reason"])


def test_startup_message_cut_into_bytes_is_understood(door: int) -> None:
    with encrypted(door) as sock:
        for byte in hello():
            sock.sendall(bytes([byte]))
        assert b"SCRAM-SHA-256" in sock.recv(1000)
    with raw(door) as clear:
        for byte in startup.message(startup.GSS_REQUEST, b""):
            clear.sendall(bytes([byte]))
        assert clear.recv(1) == b"N"
        clear.sendall(SSL_REQUEST)
        assert clear.recv(1) == b"S"


@pytest.mark.parametrize("length", [0, 7, 8, 9, 10_001, 0x7FFFFFFF, 0xFFFFFFFF])
def test_wrong_lengths_end_the_connection(door: int, length: int) -> None:
    wrong = length.to_bytes(4, "big") + VERSION.to_bytes(4, "big") + b"user\0\0"
    for way in (raw, encrypted):
        with way(door) as sock:
            sock.sendall(wrong)
            assert b"SCRAM" not in everything(sock)


def test_other_requests_inside_tls_are_refused(door: int) -> None:
    for code in (startup.SSL_REQUEST, startup.GSS_REQUEST, 2 << 16, 0):
        with encrypted(door) as sock:
            sock.sendall(startup.message(code, b""))
            assert b"Version 3" in everything(sock)


def test_tls_without_asking_for_it_needs_postgresqls_protocol(door: int) -> None:
    context = ssl.create_default_context(cafile=certificate.root_file())
    with context.wrap_socket(raw(door), server_hostname=HOST) as sock:
        sock.sendall(hello())
        assert everything(sock) == b""


def test_second_role_in_one_message_is_refused(door: int) -> None:
    with encrypted(door) as sock:
        twice = b"user\0bi_reader\0database\0warehouse\0user\0carepath_owner\0\0"
        sock.sendall(startup.message(VERSION, twice))
        assert everything(sock) == b""


@pytest.mark.fault(
    "A hundred connections to the encrypted door break off half-way.",
    "Readers get in meanwhile, and nothing of the hundred is left.",
)
def test_hundred_connections_that_break_off_leave_nothing_behind(door: int) -> None:
    process = psutil.Process(door_process())
    until(lambda: process.num_fds() < 15)
    before = process.num_fds()

    def begin(number: int) -> socket.socket:
        match number % 5:
            case 0:
                return raw(door)
            case 1:
                sock = raw(door)
                sock.sendall(SSL_REQUEST[:5])
                return sock
            case 2:
                sock = raw(door)
                sock.sendall(SSL_REQUEST)
                assert sock.recv(1) == b"S"
                sock.sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a handshake
                return sock
            case 3:
                inside = encrypted(door)
                inside.sendall(hello()[:20])
                return inside
            case _:
                inside = encrypted(door)
                inside.sendall(hello())
                inside.recv(1)  # PostgreSQL asks for the password
                return inside

    sockets = [begin(number) for number in range(100)]
    assert process.num_fds() >= before + 60
    with psycopg.connect(**asked(door)) as reader:  # the others do not stand in the way
        assert reader.execute("select 1").fetchone() == (1,)
    for sock in sockets:
        sock.close()
    until(lambda: process.num_fds() <= before)


def in_this_process(
    work: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, **limits: float
) -> list[dict[str, Any]]:
    """Run a door with other limits in this process while `work` runs; return its log."""
    for name, value in limits.items():
        monkeypatch.setattr(server, name, value)
    said: list[dict[str, Any]] = []

    class Log:
        def warning(self, event: str, **fields: Any) -> None:
            said.append({"event": event, **fields})

        info = warning

    async def both() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            task = asyncio.create_task(server.Door(Log()).listen(listener))
            await asyncio.to_thread(work, listener.getsockname()[1])
            task.cancel()
            await asyncio.wait([task])

    asyncio.run(both())
    return said


def test_connection_that_takes_too_long_is_closed(
    door: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait_at(port: int) -> None:
        silent, inside = raw(port), encrypted(port)
        inside.sendall(hello()[:20])
        assert everything(silent) == everything(inside) == b""

    said = in_this_process(wait_at, monkeypatch, START_SECONDS=0.3)
    assert [each["reason"] for each in said] == ["too slow", "too slow"]


def test_password_that_does_not_come_is_not_waited_for(
    door: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait_at(port: int) -> None:
        inside = encrypted(port)
        inside.sendall(hello())
        assert b"SCRAM-SHA-256" in everything(inside)

    said = in_this_process(wait_at, monkeypatch, SIGN_IN_SECONDS=0.3)
    assert [each["reason"] for each in said] == ["too slow"]


def test_more_readers_than_the_door_takes_are_told(
    door: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def come(port: int) -> None:
        with psycopg.connect(**asked(port)):
            assert "Too many readers are connected" in refusal_of(**asked(port))
        until(lambda: psycopg.connect(**asked(port)).close() is None)

    in_this_process(come, monkeypatch, MOST_INSIDE=1)


def test_more_connections_than_may_wait_are_closed(
    door: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def come(port: int) -> None:
        with raw(port), raw(port), raw(port) as third:
            assert everything(third) == b""

    said = in_this_process(come, monkeypatch, MOST_WAITING=2)
    assert said[0]["reason"] == "too many are waiting"


def status() -> str:
    out = io.StringIO()
    print_status(Console(file=out), processes.running_services())
    return out.getvalue()


# Running ------------------------------------------------------------------------------------------


def door_process() -> int:
    pid = processes.running_services()[processes.DOOR]
    assert pid is not None
    return pid


def test_renewed_certificate_is_shown_to_the_next_reader(door: int) -> None:
    def shown() -> bytes:
        with encrypted(door) as sock:
            found = sock.getpeercert(binary_form=True)
        assert found is not None
        return found

    before = shown()
    assert shown() == before
    with psycopg.connect(**asked(door)) as reader:
        certificate.renew()
        assert shown() != before
        assert reader.execute("select 1").fetchone() == (1,)


def test_port_that_is_taken_is_named(door: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"cannot listen at 127\.0\.0\.1"):
        server.listener()
    monkeypatch.setattr(get_settings(), "warehouse_url", "postgresql://a:b@host")
    with pytest.raises(SettingsError, match="embedded PostgreSQL only"):
        server.listener()


@pytest.mark.fault(
    "PostgreSQL stops behind the encrypted door.",
    "Readers are told to try again, and get in when it has started.",
)
def test_door_outlives_postgresql_and_says_when_it_is_away(door: int) -> None:
    reader = psycopg.connect(**asked(door))
    embedded.stop()
    try:
        with pytest.raises(psycopg.OperationalError):
            reader.execute("select 1")
        assert "does not answer at the moment" in refusal_of(**asked(door))
    finally:
        quick_server.start()
    with psycopg.connect(**asked(door)) as again:
        assert again.execute("select 1").fetchone() == (1,)


@pytest.mark.fault("The encrypted door is killed.", "`carepath up` starts it again.")
def test_door_that_was_killed_is_started_again(door: int) -> None:
    psutil.Process(door_process()).kill()
    until(lambda: processes.running_services()[processes.DOOR] is None)
    assert "Readers, encrypted: nothing answers" in status()
    assert processes.start_door()
    assert not processes.start_door()
    assert f"Readers, encrypted: 127.0.0.1:{door}" in status()
    with psycopg.connect(**asked(door)) as reader:
        assert reader.execute("select 1").fetchone() == (1,)
