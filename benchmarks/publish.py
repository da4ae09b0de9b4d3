"""Publication: millions of rows of which few differ, against the same work by hand.

Two floors are taken in the same run, over the same rows: the difference as one writes it by hand
in psql (without a way back, a record or checks), and a pipe of binary COPY from psql to psql.
"""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from carepath.publish import MartTable, publish, rollback
from carepath.publish.publication import PUBLISHER_LOCK
from carepath.warehouse import ready
from carepath.warehouse.connect import connect, parameters
from carepath.warehouse.embedded import binaries

AUTHORITY = "E09900099"
NIGHT = date(2019, 6, 30)
TABLES = [
    MartTable(f"bench_snapshot_{part}", ("young_person_key", "as_at_date")) for part in "abcd"
]
COLUMNS = (
    "authority text, young_person_key bigint, as_at_date date, category text, status integer,"
    " tenure integer, share numeric(9, 4), ethnic_group text, is_mother boolean"
)


@dataclass(frozen=True)
class Measurement:
    """One line of the table of benchmarks.

    Attributes:
        seconds: how long it took here.
        floor_seconds: how long the floor took in the same run; None where it is the floor.
        peak_mb: memory of this process, and of PostgreSQL's session as far as it can be seen.
    """

    what: str
    seconds: float
    floor_seconds: float | None
    peak_mb: float | None

    @property
    def ratio(self) -> float | None:
        """Seconds over the floor's seconds."""
        return None if self.floor_seconds is None else self.seconds / self.floor_seconds


def measure(rows: int = 4_000_000, changed_share: float = 0.0017) -> list[Measurement]:
    """Publish a build of `rows` rows in four tables, of which `changed_share` differ."""
    ready()
    clear()
    try:
        run_id, load_id = register()
        for mart in TABLES:
            fill(mart, [AUTHORITY], rows // len(TABLES))
        first, first_mb = timed(lambda: publish(run_id, AUTHORITY, load_id, NIGHT, TABLES))
        piped, _ = timed(_copy_pipe)
        change(changed_share)
        # the second publication fills marts_prev; from the third on, a night is ordinary
        second, _ = timed(lambda: publish(run_id, AUTHORITY, load_id, NIGHT, TABLES))
        change(changed_share)
        by_hand, _ = timed(lambda: _by_hand(rolled_back=True))
        ordinary, ordinary_mb = timed(lambda: publish(run_id, AUTHORITY, load_id, NIGHT, TABLES))
        back, back_mb = timed(lambda: rollback(AUTHORITY))
    finally:
        clear()
    share = f"{rows:,} rows, {changed_share:.2%} changed"
    return [
        Measurement(f"floor: pipe of COPY, {rows:,} rows", piped, None, None),
        Measurement(f"floor: difference by hand, {share}", by_hand, None, None),
        Measurement(f"first publication, against the pipe, {rows:,} rows", first, piped, first_mb),
        Measurement(f"second publication, against the pipe, {share}", second, piped, None),
        Measurement(f"ordinary publication, by hand, {share}", ordinary, by_hand, ordinary_mb),
        Measurement(f"ordinary publication, against the pipe, {share}", ordinary, piped, None),
        Measurement(f"roll back, against by hand, {share}", back, by_hand, back_mb),
    ]


def register() -> tuple[str, int]:
    """Enter the invented authority, its run and its load; return the ids of these two."""
    with connect("carepath_owner") as owner:
        owner.execute("insert into ops.authorities values (%s, 'Invented')", [AUTHORITY])
        owner.execute("insert into ops.sources values ('bench-publish', %s, 'demo')", [AUTHORITY])
        owner.execute("insert into ops.runs (run_id, night) values ('bench-publish', %s)", [NIGHT])
        row = owner.execute(
            "insert into ops.loads (source, authority, night) values ('bench-publish', %s, %s)"
            " returning load_id",
            [AUTHORITY, NIGHT],
        ).fetchall()[0]
    return "bench-publish", row[0]


def fill(mart: MartTable, codes: Sequence[str], rows: int) -> None:
    """Make a table of the build, with invented rows.

    Args:
        mart: the table.
        codes: the authorities.
        rows: how many rows each of them has.
    """
    with connect("carepath_loader") as loader:
        loader.execute(f"create unlogged table marts_build.{mart.name} ({COLUMNS})")
        loader.execute(
            f"""
            insert into marts_build.{mart.name}
            select
                code, n / 60, date '2014-01-31' + 31 * (n %% 60)::int,
                'N' || n %% 9, n %% 7, nullif(n %% 11, 3), (n %% 100) / 100.0,
                'ethnic group ' || n %% 18, n %% 20 = 0
            from unnest(%s::text[]) as code
            cross join generate_series(1, %s) as n
            """.encode(),
            [list(codes), rows],
        )
        loader.execute(f"analyze marts_build.{mart.name}")


def change(share: float) -> None:
    """Change about a share (0 to 1) of the rows of each mart that is to be published."""
    with connect("carepath_loader") as loader:
        for mart in TABLES:
            loader.execute(
                f"update marts_build.{mart.name} set status = status + 1 where"
                f" hashint8(young_person_key) % {round(1 / share)} = 0"
            )


def _copy_pipe() -> None:
    """Pipe every table of the build into an empty table of the same shape."""
    psql = _psql()
    subprocess.run(
        [*psql, "-c", f"create table marts_prev.bench_copy ({COLUMNS})"],
        check=True,
        env=_environment(),
    )
    for mart in TABLES:
        source = subprocess.Popen(
            [*psql, "-c", f"copy marts_build.{mart.name} to stdout (format binary)"],
            stdout=subprocess.PIPE,
            env=_environment(),
        )
        subprocess.run(
            [*psql, "-c", "copy marts_prev.bench_copy from stdin (format binary)"],
            stdin=source.stdout,
            check=True,
            env=_environment(),
        )
        assert source.wait() == 0


def _by_hand(*, rolled_back: bool) -> None:
    """Make marts equal to the build as one writes it by hand, then leave marts as they were."""
    columns = [column.split()[0] for column in COLUMNS.split(", ") if not column[0].isdigit()]
    values = columns[3:]
    statements = ["begin"]
    for mart in TABLES:
        new, old = (", ".join(f"{side}.{column}" for column in values) for side in ("new", "old"))
        statements += [
            f"""
            create temporary table differs_{mart.name} on commit drop as
            select coalesce(new.young_person_key, old.young_person_key) as k,
                coalesce(new.as_at_date, old.as_at_date) as d, new as row
            from marts_build.{mart.name} as new
            full join marts.{mart.name} as old
                on new.young_person_key = old.young_person_key
                and new.as_at_date = old.as_at_date
            where ({new}) is distinct from ({old})
            """,
            f"delete from marts.{mart.name} using differs_{mart.name}"
            f" where authority = '{AUTHORITY}' and young_person_key = k and as_at_date = d",
            f"insert into marts.{mart.name}"
            f" select (row).* from differs_{mart.name} where (row).authority is not null",
        ]
    statements.append("rollback" if rolled_back else "commit")
    subprocess.run(
        [*_psql(), "-v", "ON_ERROR_STOP=1"],
        input=";\n".join(statements) + ";\n",
        text=True,
        check=True,
        env=_environment(),
    )


def _psql() -> list[str]:
    found = parameters("carepath_owner")
    return [
        str(Path(binaries()) / "psql"),
        *("-qX", "-h", found["host"], "-p", found["port"], "-U", found["user"], found["dbname"]),
    ]


def _environment() -> dict[str, str]:
    return {**os.environ, "PGPASSWORD": parameters("carepath_owner")["password"]}


def timed(work: Callable[[], object]) -> tuple[float, float | None]:
    """Return the seconds that work took, and the memory (MB) of it and its session."""
    with _session_memory() as peak:
        began = time.perf_counter()
        work()
        seconds = time.perf_counter() - began
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return seconds, own + max(peak) if peak else None


@contextmanager
def _session_memory() -> Iterator[list[float]]:
    """Collect the memory (MB) of the publisher's session in PostgreSQL, on this machine."""
    peak: list[float] = []
    done = threading.Event()

    def watch() -> None:
        with closing(connect("carepath_owner", autocommit=True)) as connection:
            while not done.wait(0.05):
                for (pid,) in connection.execute(
                    "select pid from pg_locks where locktype = 'advisory' and objid = %s",
                    [PUBLISHER_LOCK & 0xFFFFFFFF],
                ):
                    peak.extend(_anonymous_mb(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def _anonymous_mb(pid: int) -> list[float]:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return []
    return [
        int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("RssAnon")
    ]


def clear() -> None:
    """Remove the invented authority and its marts, from this run or one that was stopped."""
    with connect("carepath_owner") as owner:
        for schema in ("marts", "marts_prev", "marts_build"):
            for name in (*(mart.name for mart in TABLES), "bench_copy"):
                owner.execute(f"drop table if exists {schema}.{name}")
        owner.execute("delete from marts.publication where authority = %s", [AUTHORITY])
        owner.execute("delete from ops.publications where authority = %s", [AUTHORITY])
        owner.execute("delete from ops.loads where authority = %s", [AUTHORITY])
        owner.execute("delete from ops.sources where authority = %s", [AUTHORITY])
        owner.execute("delete from ops.authorities where authority = %s", [AUTHORITY])
        owner.execute("delete from ops.runs where run_id = 'bench-publish'")


if __name__ == "__main__":
    for line in measure():
        ratio = "" if line.ratio is None else f"{line.ratio:.2f}"
        peak = "" if line.peak_mb is None else f"{line.peak_mb:.0f} MB"
        print(f"{line.what:60} {line.seconds:8.2f} s {ratio:>6} {peak}")
