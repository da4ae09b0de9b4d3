"""What readers wait for: each visual's query as bi_reader, and each page of figures.

One night of the demonstration is published. Its rows in marts are then copied to invented
authorities, with keys of their own, because loading many authorities takes an hour. So the
marts that visuals and pages read are as large as those of that many boroughs, and every borough has
the same figures.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from carepath.demonstration import REPORTED
from carepath.desk import PREFIX
from carepath.desk.ahead import draw_published
from carepath.desk.app import create_app
from carepath.desk.people import STEWARD, Person
from carepath.powerbi.visuals import visual_queries
from carepath.warehouse.connect import connect

READERS = 100
TRIES = 3  # the least counts, because other programs run at the same time
ORIGIN = "http://desk.example"


@dataclass(frozen=True)
class Waits:
    """How long the readers of one kind of thing wait.

    Attributes:
        what: what they wait for.
        seconds: by query or address.
        budget: the most that one may take, in seconds.
    """

    what: str
    seconds: dict[str, float]
    budget: float

    def row(self) -> str:
        """Return the line of a Markdown table: how many, median, slowest, how many too slow."""
        slowest = max(self.seconds, key=self.seconds.__getitem__)
        late = sum(each > self.budget for each in self.seconds.values())
        median = statistics.median(self.seconds.values())
        return (
            f"| {self.what} | {len(self.seconds)} | {median:.3f} |"
            f" {self.seconds[slowest]:.3f} ({slowest}) | {late} of {len(self.seconds)} over"
            f" {self.budget:g} s |"
        )


def multiply(scale: int) -> int:
    """Copy the rows of the one authority until there are `scale`; return the rows of marts.

    Facts that neither a visual nor a page reads stay as they are.
    """
    with connect("carepath_owner", autocommit=True) as owner:
        owner.execute("set row_security = off")
        tables = owner.execute(
            "select c.relname, array_agg(a.attname::text order by a.attnum),"
            " array_agg(a.attname::text) filter (where a.atttypid = 'bigint'::regtype"
            " and a.attname like '%_key')"
            " from pg_class as c inner join pg_attribute as a on c.oid = a.attrelid"
            " where c.relnamespace = 'marts'::regnamespace and c.relkind = 'r' and a.attnum > 0"
            " and not a.attisdropped"
            " and (c.relname = 'fct_kpi_member' or c.relname not like 'fct_%')"
            " group by c.relname having bool_or(a.attname = 'authority')"
        ).fetchall()
        for table, columns, keys in tables:
            named = ", ".join(f'"{column}"' for column in columns)
            copied = ", ".join(_copied(column, keys or ()) for column in columns)
            owner.execute(
                f"insert into marts.{table} ({named}) select {copied} from marts.{table} as t"
                f" cross join generate_series(1, {scale - 1}) as copy"
            )
        owner.execute("vacuum analyze")
        (rows,) = owner.execute(
            "select sum(reltuples)::bigint from pg_class"
            " where relnamespace = 'marts'::regnamespace and relkind = 'r'"
        ).fetchone() or (0,)
    return int(rows)


def _copied(column: str, keys: Sequence[str]) -> str:
    if column == "authority":
        return "'E0991' || lpad(copy::text, 4, '0')"
    if column in keys:
        return f't."{column}" + copy * 9007199254740992'  # keys have 53 bits
    return f't."{column}"'


def visuals(authority: str) -> list[Waits]:
    """Measure the queries of all visuals, for one authority and without a choice of one."""
    found = []
    with connect("bi_reader", autocommit=True) as reader:
        for said, chosen in (("one authority", authority), ("all authorities", None)):
            seconds: dict[str, float] = {}
            for query in visual_queries(chosen):
                took = _least(lambda text=query.statement: reader.execute(text).fetchall())
                name = f"{query.page}: {query.visual}, {query.table}"
                seconds[name] = max(took, seconds.get(name, 0))
            found.append(Waits(f"visuals, {said}", seconds, 0.1))
    return found


def pages(authority: str, one_in: int = 1) -> list[Waits]:
    """Measure the pages of figures: the first view after a publication, and the later ones.

    The first view is measured after the desk has drawn ahead, and without that.

    Args:
        authority: ONS code.
        one_in: of the pages of measures, of records and of tables, one in so many is measured.
    """
    addresses = list(_addresses(authority, one_in))
    with asyncio.Runner() as loop:
        ask = _asking(loop)
        ask(addresses[0])  # imports are no reader's wait: the service has been running
        _forget()
        alone = {address: _timed(lambda a=address: ask(a)) for address in addresses}
        _publish_again()
        ahead = {"an authority": _timed(draw_published) / _count_drawn()}
        first = {address: _timed(lambda a=address: ask(a)) for address in addresses}
        again = {address: _least(lambda a=address: ask(a)) for address in addresses}
        hundred = {
            f"reader {number + 1}": _timed(lambda n=number: ask(addresses[n % len(addresses)]))
            for number in range(READERS)
        }
    return [
        Waits("pages, first view, nothing drawn ahead", alone, 0.3),
        Waits("drawing ahead, which no reader waits for", ahead, 30),
        Waits("pages, first view after a publication", first, 0.3),
        Waits("pages, later views", again, 0.3),
        Waits("a hundred readers one after the other", hundred, 0.3),
    ]


def _addresses(authority: str, one_in: int) -> Iterable[str]:
    with connect("bi_reader") as reader:
        codes = [row[0] for row in reader.execute("select measure_code from marts.dim_measure")]
        kept = [
            row[0]
            for row in reader.execute(
                "select distinct measure_code from marts.fct_kpi_member where authority = %s",
                [authority],
            )
        ]
        tables = [
            row[0]
            for row in reader.execute(
                "select table_name from information_schema.tables where table_schema = 'marts'"
            )
        ]
    yield from (
        "/figures",
        "/figures/pathway",
        "/figures/measures",
        "/figures/tables",
        "/figures/dbt",
    )
    if authority == REPORTED:
        yield "/figures/evaluation"
    yield from (f"/figures/measures/{code}" for code in sorted(codes)[::one_in])
    yield from (f"/figures/measures/{code}/records" for code in sorted(kept)[::one_in])
    yield from (f"/figures/tables/{table}" for table in sorted(tables)[::one_in])


def _asking(loop: asyncio.Runner) -> Callable[[str], None]:
    async def identify(_: str) -> Person:
        return Person(1, "benchmark", frozenset({STEWARD}))

    application = Starlette(routes=[Mount(PREFIX, create_app(identify))])
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=application), base_url=ORIGIN, cookies={"_token": "x"}
    )

    def ask(address: str) -> None:
        answer = loop.run(client.get(f"{PREFIX}{address}"))
        assert answer.status_code == 200, (address, answer.status_code)

    return ask


def _forget() -> None:
    """Forget what is kept until the next publication, as that publication would."""
    from carepath.desk import figures

    figures._kept.clear()


def _count_drawn() -> int:
    """Return of how many authorities the desk keeps the headlines of the newest publication."""
    from carepath.desk import figures
    from carepath.report import reading

    with reading.marts() as connection:
        publications = reading.read_publications(connection)
    return sum(figures.is_kept(each, "headlines") for each in publications)


def _publish_again() -> None:
    """Give each authority a new publication, as if a night had published the same figures."""
    with connect("carepath_owner") as owner:
        owner.execute("update marts.publication set publication_id = publication_id + 1000000")


def _least(work: Callable[[], object]) -> float:
    return min(_timed(work) for _ in range(TRIES))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def section(scale: int, machine: str, one_in: int = 1) -> list[str]:
    """Measure in the warehouse of this CAREPATH_HOME, whose marts are multiplied.

    Returns:
        The lines of the section of the page of benchmarks, its title first.
    """
    with connect("bi_reader") as reader:
        (authority,) = reader.execute("select min(authority) from marts.publication").fetchall()[0]
    rows = multiply(scale)
    found: Sequence[Waits] = [*visuals(authority), *pages(authority, one_in)]
    return [
        f"Readers, scale {scale}",
        "",
        machine,
        "",
        f"{scale} authorities with the rows of one, {rows:,} rows in marts (facts that"
        " neither reads have the rows of one). Queries as bi_reader;"
        " pages through the desk's application, in one process, without the network.",
        "",
        "| what | how many | median, s | slowest, s | budget |",
        "|---|---:|---:|---|---|",
        *(waits.row() for waits in found),
    ]
