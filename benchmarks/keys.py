"""What foreign keys on the marts would cost a publication: `python -m benchmarks.keys`.

The tables and rows of `benchmarks.publish`, each row of which refers to one of a dimension's.
Foreign keys are NOT VALID, so rows that are there already are not checked, and deferred, because a
publication may delete from the dimension before it deletes from the facts. PostgreSQL checks each
new row all the same.
"""

from __future__ import annotations

from benchmarks import publish as bench
from carepath.publish import publish
from carepath.publish.shape import built_shape, create_table, read_shapes
from carepath.warehouse import ready
from carepath.warehouse.connect import connect

ROUNDS = 3  # the least of them counts, because other programs run at the same time


def measure(rows: int) -> dict[str, tuple[float, float]]:
    """Return the seconds of a first and of an ordinary publication, by kind of key."""
    ready()
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(ROUNDS):
        for kind in ("no foreign key", "a foreign key on each table"):
            found.setdefault(kind, []).append(_publications(rows, kind != "no foreign key"))
    return {
        kind: (min(first for first, _ in took), min(ordinary for _, ordinary in took))
        for kind, took in found.items()
    }


def _publications(rows: int, has_keys: bool) -> tuple[float, float]:
    bench.clear()
    _drop_people()
    try:
        run_id, load_id = bench.register()
        for mart in bench.TABLES:
            bench.fill(mart, [bench.AUTHORITY], rows // len(bench.TABLES))
        _create(rows // len(bench.TABLES), has_keys)

        def once() -> None:
            publish(run_id, bench.AUTHORITY, load_id, bench.NIGHT, bench.TABLES)

        first, _ = bench.timed(once)
        bench.change(0.0017)
        once()  # fills marts_prev
        bench.change(0.0017)
        ordinary, _ = bench.timed(once)
    finally:
        bench.clear()
        _drop_people()
    return first, ordinary


def _create(rows: int, has_keys: bool) -> None:
    with connect("carepath_owner") as owner:
        owner.execute(
            "create table marts.bench_person (young_person_key bigint primary key);"
            f"insert into marts.bench_person select generate_series(0, {rows // 60});"
            "analyze marts.bench_person"
        )
        built = read_shapes(owner, "marts_build")
        for mart in bench.TABLES:
            create_table(owner, "marts", built_shape(mart, built[mart.name]))
            if has_keys:
                owner.execute(
                    f"alter table marts.{mart.name} add foreign key (young_person_key)"
                    " references marts.bench_person deferrable initially deferred not valid"
                )


def _drop_people() -> None:
    with connect("carepath_owner") as owner:
        owner.execute("drop table if exists marts.bench_person")


if __name__ == "__main__":
    for kind, (first, ordinary) in measure(1_000_000).items():
        print(f"{kind:30} first {first:6.2f} s, ordinary {ordinary:6.2f} s")
