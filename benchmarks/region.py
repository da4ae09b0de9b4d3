"""Publication of a region: its authorities one by one and as a set, against the same by hand.

All ways start from one state of the same tables: after each, every authority is rolled back. The
floor is the difference over the whole region as one writes it, without a way back or a record.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import psutil

from benchmarks.publish import fill, timed
from carepath.publish import MartTable, publish, publish_many, rollback
from carepath.publish.shape import MARTS, read_shapes
from carepath.warehouse import embedded, ready
from carepath.warehouse.connect import connect

RUN: Final = "bench-region"
NIGHT: Final = dt.date(2019, 6, 30)
SMALL: Final = 500
# as in marts: a few tables have nearly all rows
LARGE_TABLES: Final = [
    MartTable(f"bench_large_{part}", ("young_person_key", "as_at_date")) for part in "abcd"
]
SMALL_TABLES: Final = [
    MartTable(f"bench_small_{part}", ("young_person_key", "as_at_date"))
    for part in "abcdefghijklmnopqrstuvwxyz"
]
TABLES: Final = [*LARGE_TABLES, *SMALL_TABLES]


@dataclass(frozen=True)
class Way:
    """How long one way to publish took.

    Attributes:
        seconds: on the clock.
        processor_seconds: of this process and of PostgreSQL.
        peak_mb: memory of this process and of PostgreSQL's session; None for the floor.
    """

    what: str
    seconds: float
    processor_seconds: float
    peak_mb: float | None


def measure(
    authorities: int = 33, rows: int = 4_000_000, changed_share: float = 0.0017, repeats: int = 2
) -> list[Way]:
    """Publish a region of `rows` rows, of which a share differs, in each way.

    Returns:
        By hand, as a set and one by one: of each the run that took the least processor time.
    """
    ready()
    _clear()
    codes = [f"E098{number:05}" for number in range(authorities)]
    try:
        loads = _register(codes)
        _build(codes, rows // len(LARGE_TABLES) // authorities)
        publish_many(RUN, loads, NIGHT, TABLES)
        found: list[Way] = []
        for turn in range(repeats + 1):
            _change(changed_share, turn)
            by_hand = _measured("by hand", _by_hand)
            as_a_set = _measured("as a set", lambda: publish_many(RUN, loads, NIGHT, TABLES))
            for code in codes:
                rollback(code)
            one_by_one = _measured(
                "one by one", lambda: [publish(RUN, c, loads[c], NIGHT, TABLES) for c in codes]
            )
            if turn:  # the second publication fills marts_prev; from then on, a night is ordinary
                found += [by_hand, as_a_set, one_by_one]
    finally:
        _clear()
    return [
        min((way for way in found if way.what == what), key=lambda way: way.processor_seconds)
        for what in ("by hand", "as a set", "one by one")
    ]


def section(ways: Sequence[Way]) -> list[str]:
    """Return the table of the page; the ratio is of processor time, to that by hand."""
    lines = [
        "| 33 authorities | seconds | processor seconds | ratio to by hand | peak MB |",
        "|---|---:|---:|---:|---:|",
    ]
    for way in ways:
        ratio = way.processor_seconds / ways[0].processor_seconds
        peak = "" if way.peak_mb is None else f"{way.peak_mb:.0f}"
        lines.append(
            f"| {way.what} | {way.seconds:,.1f} | {way.processor_seconds:,.1f} | {ratio:.2f} |"
            f" {peak} |"
        )
    return lines


def _register(codes: list[str]) -> dict[str, int]:
    loads = {}
    with connect("carepath_owner") as owner:
        owner.execute("insert into ops.runs (run_id, night) values (%s, %s)", [RUN, NIGHT])
        for code in codes:
            owner.execute("insert into ops.authorities values (%s, 'Invented')", [code])
            owner.execute("insert into ops.sources values (%s, %s, 'demo')", [code.lower(), code])
            ((loads[code],),) = owner.execute(
                "insert into ops.loads (source, authority, night) values (%s, %s, %s)"
                " returning load_id",
                [code.lower(), code, NIGHT],
            ).fetchall()
    return loads


def _build(codes: list[str], rows: int) -> None:
    for mart in TABLES:
        fill(mart, codes, rows if mart in LARGE_TABLES else SMALL)
    with connect("carepath_loader") as loader:
        for mart in TABLES:
            loader.execute(f"create index on marts_build.{mart.name} using brin (authority)")


def _change(share: float, turn: int) -> None:
    with connect("carepath_loader") as loader:
        for mart in TABLES:
            loader.execute(
                f"update marts_build.{mart.name} set status = status + 1 where"
                f" abs(hashint8(young_person_key + {turn})) % {round(1 / share)} = 0".encode()
            )


def _measured(what: str, work: Callable[[], object]) -> Way:
    before = _processor_seconds()
    seconds, peak = timed(work)
    return Way(what, seconds, _processor_seconds() - before, peak)


def _processor_seconds() -> float:
    """Return what this process and PostgreSQL have spent; sessions that ended are included."""
    server = psutil.Process(embedded.start().pid)
    spent = time.process_time()
    for process in [*server.children(recursive=True), server]:
        with suppress(psutil.NoSuchProcess):  # then the server has its time
            spent += sum(process.cpu_times()[:4])
    return spent


def _by_hand() -> None:
    """Make marts equal to the build as one writes it by hand, then leave marts as they were."""
    with connect("carepath_owner") as connection:
        shapes = read_shapes(connection, MARTS)
        for name, shape in ((mart.name, shapes[mart.name]) for mart in TABLES):
            key, columns = ", ".join(shape.key), ", ".join(shape.columns)
            new, old = (
                ", ".join(f"{side}.{each}" for each in shape.columns if each not in shape.key)
                for side in ("new", "old")
            )
            rows = ", ".join(f"(row).{column}" for column in shape.columns)
            for statement in (
                f"create temporary table differs_{name} on commit drop as"
                f" select {key}, new as row from marts_build.{name} as new"
                f" full join marts.{name} as old using ({key})"
                f" where row({new}) is distinct from row({old})",
                f"delete from marts.{name} where ({key}) in (select {key} from differs_{name})",
                f"insert into marts.{name} ({columns}) select {rows} from differs_{name}"
                f" where (row).{shape.key[0]} is not null",
            ):
                connection.execute(statement.encode())
        connection.rollback()


def _clear() -> None:
    with connect("carepath_owner") as owner:
        for schema in ("marts", "marts_prev", "marts_build"):
            for mart in TABLES:
                owner.execute(f"drop table if exists {schema}.{mart.name}".encode())
        owner.execute("delete from marts.publication where authority like 'E098%'")
        for table in ("publications", "loads", "sources", "authorities"):
            owner.execute(f"delete from ops.{table} where authority like 'E098%'".encode())
        owner.execute("delete from ops.runs where run_id = %s", [RUN])


if __name__ == "__main__":
    print("\n".join(section(measure())))
