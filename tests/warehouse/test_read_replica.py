"""A read replica, made by the lines of docs/read_replica.md: a second server that follows."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

import carepath.warehouse
from carepath.errors import WarehouseError
from carepath.publish import MartTable, Publication, publish
from carepath.settings import PROJECT_ROOT, get_settings
from carepath.warehouse import embedded
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import ADMINISTRATOR

ASHMERE = "E09900091"
NIGHT = date(2019, 6, 30)
TABLES = [MartTable("trial_kpi", ("measure",)), MartTable("trial_leavers", ("leaver_key",))]
LEAVERS = 300
PASSWORD = "an-invented-password"
STEPS = "\n".join(
    re.findall(
        r"^```sh\n(.*?)^```",
        (PROJECT_ROOT / "docs" / "read_replica.md").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)
# what a reader sees: the publication, the sum of one mart, the sum and the rows of another
Seen = tuple[int, int, int, int]


@dataclass(frozen=True)
class Replica:
    """A running replica: its port, the folder of its data and PostgreSQL's programs."""

    port: int
    data: Path
    binaries: Path

    def connect(self, role: str, **kw: Any) -> psycopg.Connection[Any]:
        return connect(role, port=str(self.port), **kw)


@pytest.fixture(scope="module")
def primary() -> Iterator[embedded.Server]:
    """A warehouse of its own that was made with minimal WAL and then restarted for a replica."""
    folder = Path(tempfile.mkdtemp(prefix="carepath-primary-"))
    folder.chmod(0o755)
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("CAREPATH_HOME", str(folder))
        get_settings.cache_clear()
        carepath.warehouse.ready()
        embedded.stop()
        changed.setenv("CAREPATH_WAL_LEVEL", "replica")
        get_settings.cache_clear()
        yield embedded.start()
        embedded.destroy()
    get_settings.cache_clear()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def replica(primary: embedded.Server) -> Iterator[Replica]:
    """A replica of that warehouse, made as docs/read_replica.md says."""
    with connect(ADMINISTRATOR, "postgres") as admin:
        admin.execute(f"create role carepath_replica login replication password '{PASSWORD}'")
    made = Replica(free_port(), *place(primary))
    run(
        primary,
        STEPS,
        BIN=str(made.binaries),
        PRIMARY_PORT=str(primary.port),
        REPLICA=str(made.data),
        REPLICA_PORT=str(made.port),
        REPLICA_PASSWORD=PASSWORD,
    )
    yield made
    run(primary, f"{made.binaries}/pg_ctl stop --silent --mode=fast --pgdata={made.data}")
    shutil.rmtree(made.data.parent)


@pytest.fixture(scope="module")
def marts(replica: Replica) -> dict[int, Seen]:
    """Two invented marts, published once; the sets that were published, by publication."""
    with connect("carepath_owner") as owner:
        owner.execute("insert into ops.authorities values (%s, 'Invented')", (ASHMERE,))
        owner.execute("insert into ops.sources values ('trial', %s, 'demo')", (ASHMERE,))
        owner.execute(
            "insert into ops.loads (source, authority, night) values ('trial', %s, %s)",
            (ASHMERE, NIGHT),
        )
    with connect("carepath_loader") as loader:
        loader.execute(
            "create unlogged table marts_build.trial_kpi"
            " (authority text, measure text, numerator bigint);"
            "create unlogged table marts_build.trial_leavers"
            " (authority text, leaver_key integer, status integer)"
        )
    first = published(1)
    return {first[0]: first}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def place(primary: embedded.Server) -> tuple[Path, Path]:
    """Return where the replica's data go, in a folder of the server's account, and programs."""
    folder = Path(tempfile.mkdtemp(prefix="carepath-replica-"))
    account = pwd.getpwnam(primary.account)
    os.chown(folder, account.pw_uid, account.pw_gid)
    assert primary.pid is not None
    return folder / "data", Path(psutil.Process(primary.pid).exe()).parent


def run(primary: embedded.Server, script: str, **variables: str) -> None:
    """Run shell lines as the account that the warehouse's server runs as."""
    account = pwd.getpwnam(primary.account)
    as_root = os.geteuid() == 0
    done = subprocess.run(
        ["sh", "-euc", script],
        env={"PATH": os.defpath, "LC_ALL": "C", **variables},
        cwd="/",
        user=account.pw_uid if as_root else None,
        group=account.pw_gid if as_root else None,
        extra_groups=[] if as_root else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # a server that was started would keep a pipe open
        stderr=subprocess.PIPE if "pg_ctl start" not in script else subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def published(value: int) -> Seen:
    """Publish a set in which every row has the value; return what readers of it see."""
    leavers = LEAVERS + 100 * (value % 2)
    with connect("carepath_loader") as loader:
        loader.execute("truncate marts_build.trial_kpi, marts_build.trial_leavers")
        loader.execute(
            "insert into marts_build.trial_kpi select %s, measure, %s"
            " from unnest(array['eet', 'suitable', 'staying_put']) as measure",
            (ASHMERE, value),
        )
        loader.execute(
            "insert into marts_build.trial_leavers select %s, leaver, %s"
            " from generate_series(1, %s) as leaver",
            (ASHMERE, value, leavers),
        )
        row = loader.execute("select max(load_id) from ops.loads").fetchone()
    assert row is not None
    run_id = f"trial-{value}"
    with connect("carepath_owner") as owner:
        owner.execute("insert into ops.runs (run_id, night) values (%s, %s)", (run_id, NIGHT))
    done: Publication = publish(run_id, ASHMERE, row[0], NIGHT, TABLES)
    return (done.publication_id, 3 * value, leavers * value, leavers)


def read(reader: psycopg.Connection[Any], *, in_one_statement: bool = True) -> Seen:
    parts = [
        "select publication_id from marts.publication",
        "select sum(numerator)::int from marts.trial_kpi",
        "select sum(status)::int from marts.trial_leavers",
        "select count(*)::int from marts.trial_leavers",
    ]
    if in_one_statement:
        row = reader.execute("select " + ", ".join(f"({part})" for part in parts)).fetchone()
    else:
        with reader.transaction():
            row = tuple(reader.execute(part).fetchall()[0][0] for part in parts)
    assert row is not None
    return (row[0], row[1], row[2], row[3])


def until(is_so: Callable[[], object]) -> None:
    """Wait for a state that a server is about to reach."""
    pause = threading.Event()
    for _ in range(6000):
        if is_so():
            return
        pause.wait(0.01)
    pytest.fail("it did not happen within a minute")


def test_replica_shows_whole_publications_only_while_publications_run(
    replica: Replica, marts: dict[int, Seen]
) -> None:
    stop = threading.Event()
    seen: list[set[Seen]] = [set(), set()]
    errors: list[BaseException] = []

    def poll(number: int) -> None:
        try:
            with replica.connect("bi_reader", autocommit=True) as reader:
                reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                while not stop.is_set():
                    seen[number].add(read(reader, in_one_statement=number == 0))
        except BaseException as error:  # handed to the test
            errors.append(error)

    with replica.connect("bi_reader", autocommit=True) as reader:
        until(lambda: reader.execute("select to_regclass('marts.trial_kpi')").fetchone() != (None,))
    readers = [threading.Thread(target=poll, args=(number,)) for number in range(2)]
    for thread in readers:
        thread.start()
    try:
        for value in range(2, 14):
            now = published(value)
            marts[now[0]] = now
            # the replica arrives at this publication before the next one begins
            until(lambda: errors or all(now in each for each in seen))  # noqa: B023
    finally:
        stop.set()
        for thread in readers:
            thread.join()
    assert errors == []
    for each in seen:
        assert each <= set(marts.values()), "a mixed or unknown set was read"
        assert len(each) >= 12


def test_replica_has_the_roles_and_refuses_every_write(
    replica: Replica, marts: dict[int, Seen]
) -> None:
    with replica.connect("bi_reader") as reader:
        assert reader.execute("select pg_is_in_recovery()").fetchone() == (True,)
        assert read(reader)[0] in marts
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("select 1 from ops.runs")
    with pytest.raises(WarehouseError, match="password authentication failed"):
        replica.connect("bi_reader", password="an-invented-guess")
    for role in ("bi_reader", "carepath_loader", "carepath_owner"):
        with replica.connect(role, autocommit=True) as writer:
            writer.execute("set default_transaction_read_only = off")
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                writer.execute("update marts.trial_kpi set numerator = 0")


def test_replica_may_follow_with_its_own_account_only(
    primary: embedded.Server, replica: Replica
) -> None:
    with pytest.raises(WarehouseError, match=r"no pg_hba\.conf entry for replication"):
        connect("carepath_owner", replication="true")
    with connect(ADMINISTRATOR, "postgres") as admin:
        rules = admin.execute(
            "select database, user_name, address, auth_method from pg_hba_file_rules"
        ).fetchall()
    assert rules == [
        (["all"], ["all"], "127.0.0.1", "scram-sha-256"),
        (["replication"], ["carepath_replica"], "127.0.0.1", "scram-sha-256"),
    ]


@pytest.mark.parametrize("name", [name for name, _, _ in embedded.WAL_SETTINGS["replica"]])
def test_setting_for_replicas_is_in_force(primary: embedded.Server, name: str) -> None:
    with connect(ADMINISTRATOR, "postgres") as admin:
        row = admin.execute(
            "select setting, applied, error from pg_file_settings where name = %s", (name,)
        ).fetchone()
    wanted = next(value for each, value, _ in embedded.WAL_SETTINGS["replica"] if each == name)
    assert row == (wanted.strip("'"), True, None)


@pytest.mark.fault(
    "PostgreSQL is killed while a read replica follows it.",
    "The replica goes on answering, and catches up after the restart.",
)
def test_replica_goes_on_while_the_warehouse_is_killed_and_then_catches_up(
    primary: embedded.Server, replica: Replica, marts: dict[int, Seen]
) -> None:
    before = published(20)
    with replica.connect("bi_reader", autocommit=True) as reader:
        until(lambda: read(reader) == before)
        server = embedded.status()
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        until(lambda: not embedded.status().running)
        assert read(reader) == before
        embedded.start()
        after = published(21)
        until(lambda: read(reader) == after)
