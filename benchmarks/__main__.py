"""`make bench`: nights of the demonstration at a scale, each part against its floor.

    python -m benchmarks --scale 1 33 --build-scale 33
    python -m benchmarks --months              two years of an ordinary department, scale 1
    python -m benchmarks --months 8 200        the same with one in 8 care leavers, 200 others
    python -m benchmarks --kills 200           nights killed at random points
    python -m benchmarks --readers 33          visuals and pages on the marts of 33 authorities

A first night, one day's changes (about 0.1 % of the rows) and an ordinary night run through the
real DAG in a home of their own; floors are taken in between, on the same rows and server. The
tables go to docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import resource
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
NOTES = Path(__file__).with_name("notes.md")
NIGHTS = (dt.date(2019, 6, 30), dt.date(2019, 7, 1))
MONTH_ENDS = (dt.date(2019, 7, 31), dt.date(2019, 8, 31), dt.date(2019, 9, 30))


@dataclass(frozen=True)
class Line:
    """One row of the page: seconds, the floor's seconds (None: it has none), and the budget."""

    what: str
    seconds: float
    floor: float | None = None
    budget: str = ""

    def row(self) -> str:
        """Return the line as a row of a Markdown table."""
        ratio = "" if not self.floor else f"{self.seconds / self.floor:.2f}"
        return f"| {self.what} | {self.seconds:,.2f} | {ratio} | {self.budget} |"


def _one_night() -> None:
    """Publish the first night of the demonstration's one authority."""
    from carepath.demonstration.generator import fill, sources
    from carepath.sources import SourceSpec, write_sources
    from carepath.warehouse import ready, recreate
    from carepath.warehouse.connect import url

    ready()
    recreate()
    reader = url("recording_reader", "recording_system")
    write_sources([SourceSpec(**vars(source)) for source in sources(reader, 1)])
    fill(url("recording_system", "recording_system"), NIGHTS[0], scale=1)
    _night(NIGHTS[0])


def nights(scale: int) -> list[str]:
    """Measure two nights at a scale; return the section of the page."""
    from benchmarks import build as build_bench
    from benchmarks import gate as gate_bench
    from benchmarks.load import floor
    from carepath.demonstration.generator import advance, fill, sources
    from carepath.sources import SourceSpec, write_sources
    from carepath.warehouse import ready, recreate
    from carepath.warehouse.connect import connect, url

    ready()
    recreate()
    recording_system = url("recording_system", "recording_system")
    specs = [
        SourceSpec(**vars(source))
        for source in sources(url("recording_reader", "recording_system"), scale)
    ]
    write_sources(specs)
    fill(recording_system, NIGHTS[0], scale=scale)
    first = _night(NIGHTS[0])
    advance(recording_system, NIGHTS[1])
    copied = sum(sum(floor(spec).values()) for spec in specs)
    second = _night(NIGHTS[1])
    by_hand = build_bench.by_hand()
    judged = gate_bench.measure(specs[0].authority)
    with connect("bi_reader") as connection:
        began = time.perf_counter()
        connection.execute(
            "select as_at_date, segment, measure, sum(numerator), sum(denominator)"
            " from marts.kpi_eet group by 1, 2, 3 order by 1, 2, 3"
        ).fetchall()
        visual = time.perf_counter() - began
    with connect("carepath_analyst") as connection:
        (rows,) = connection.execute(
            "select sum((detail->>'rows')::bigint) from ops.run_steps where run_id = %s"
            " and step = 'load'",
            (second["run_id"],),
        ).fetchone() or (0,)
    budget = {1: "30 s", 33: "150 s"}.get(scale, "")
    lines = [
        Line("floor F: binary COPY through a pipe, table by table", copied),
        Line("extract, ordinary night", second["extract"], copied, "1.0"),
        Line("history, ordinary night", second["history"], copied, "1.0"),
        Line("extract, first night", first["extract"], copied),
        Line("history, first night", first["history"], copied),
        Line("floor: the models' SQL by hand, one session", by_hand),
        Line("dbt, all of core and marts rebuilt, with the tests", first["build"], by_hand, "1.1"),
        Line(
            "dbt, ordinary night: what it touches, with the tests", second["build"], by_hand, "0.1"
        ),
        Line("floor: one hand-written pass per table, one authority", judged.floor_seconds),
        Line(
            "gate, all rules, all failing keys, one authority, without importing "
            f"Great Expectations ({judged.import_seconds:.1f} s)",
            judged.gate_seconds,
            judged.floor_seconds,
            "2",
        ),
        Line("gate, all authorities, imports included", second["gate"]),
        Line("publish, all authorities", second["publish"]),
        Line("a visual's query on kpi_eet as bi_reader", visual, None, "0.1 s"),
        Line("whole first night, `airflow dags test`, without interpreter start", first["night"]),
        Line(
            "whole ordinary night, `airflow dags test`, without interpreter start",
            second["night"],
            None,
            budget,
        ),
        Line("    of it between the steps (Airflow)", second["between"]),
    ]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return [
        f"## Scale {scale}",
        "",
        f"{len(specs)} authorities, {rows:,} rows a night; peak memory of the process that ran it "
        f"{peak:,.0f} MB.",
        "",
        "| what | seconds | ratio to its floor | budget |",
        "|---|---:|---:|---:|",
        *(line.row() for line in lines),
        "",
    ]


def months() -> list[str]:
    """Go on for three more month ends on what `nights` left; compare the last with all of them."""
    from carepath.demonstration.generator import advance
    from carepath.warehouse.connect import connect, url
    from carepath.warehouse.dbt import run_dbt
    from carepath.warehouse.manifest import built_manifest

    model = "fct_leaving_care_snapshot"
    for day in MONTH_ENDS:
        advance(url("recording_system", "recording_system"), day)
        last = _night(day)
    run_dbt(["compile", "--full-refresh", "--select", model], layer="benchmark")
    (path,) = (built_manifest().parent / "compiled").rglob(f"{model}.sql")
    with connect("carepath_loader") as connection:
        seconds, dates = connection.execute(
            "select seconds, (select count(distinct snapshot_date) from core.dim_snapshot)"
            " from ops.model_timings where run_id = %s and model = %s",
            (last["run_id"], model),
        ).fetchone() or (0.0, 0)
        connection.execute("set local enable_nestloop = off")
        began = time.perf_counter()
        connection.execute(f"create temporary table rebuilt as {path.read_text()}".encode())
        rebuilt = time.perf_counter() - began
    return [
        f"One more month of snapshots: {seconds:.2f} s in dbt (`{model}`, with its deletes and "
        f"checks); all {dates} snapshot dates rebuilt, the same SQL by hand: {rebuilt:.2f} s.",
        "",
    ]


def through_the_scheduler() -> list[str]:
    """Start the service on what `nights` left; measure a night that a person asks for."""
    from carepath.service import configuration, processes
    from carepath.settings import get_settings
    from carepath.warehouse.connect import connect

    run_id = "benchmark"
    processes.start_services(print)
    try:
        configuration.airflow(
            ("dags", "trigger", "nightly_load", "--run-id", run_id),
            log=get_settings().logs / "airflow" / "trigger.log",
        )
        ended = None
        for _ in range(300):
            time.sleep(1)
            with connect("airflow_meta", "airflow") as connection:
                ended = connection.execute(
                    "select run_id, extract(epoch from end_date - queued_at)::float8 from dag_run"
                    " where run_id = %s and end_date is not null",
                    (run_id,),
                ).fetchone()
            if ended:
                break
        else:
            raise SystemExit("the scheduler ran no night within five minutes")
        with connect("carepath_analyst") as connection:
            steps, count = connection.execute(
                "select sum(extract(epoch from finished_at - started_at))::float8, count(*)"
                " from ops.run_steps where run_id = %s",
                ended[:1],
            ).fetchone() or (0.0, 0)
    finally:
        processes.stop_services()
    return [
        f"Through the scheduler, a night took {ended[1]:.1f} s from being queued to its end, "
        f"{steps:.1f} s of it in its {count} steps: Airflow's scheduler, and starting a process "
        f"for each task, took {ended[1] - steps:.1f} s (budget 60 s).",
        "",
    ]


def _night(day: dt.date) -> dict[str, float | str]:
    """Run one night through Airflow and return the seconds of its parts."""
    from carepath.service import night_run
    from carepath.warehouse.connect import connect

    ended = night_run.run_night(day, trigger="benchmark")
    if ended.run_id is None or ended.state != "published":
        raise SystemExit(f"the night of {day} ended {ended.state}: {ended.message} ({ended.log})")
    with connect("carepath_analyst") as connection:
        steps = dict(
            connection.execute(
                # a set has a row for each authority, all of one time
                "select step, extract(epoch from max(finished_at) - min(started_at))::float8"
                " from ops.run_steps where run_id = %s group by step",
                (ended.run_id,),
            ).fetchall()
        )
        loads = connection.execute(
            "select sum((detail->>'extract_seconds')::float8),"
            " sum((detail->>'history_seconds')::float8) from ops.run_steps"
            " where run_id = %s and step = 'load'",
            (ended.run_id,),
        ).fetchone() or (0.0, 0.0)
    return {
        "run_id": ended.run_id,
        "extract": loads[0],
        "history": loads[1],
        "gate": steps["judge_records"],
        "build": steps["build"],
        "publish": steps["publish"],
        "night": ended.seconds,
        "between": ended.seconds - sum(steps.values()),
    }


def _machine() -> str:
    from carepath.dates import written

    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GB, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}, the embedded PostgreSQL; "
        f"{written(dt.datetime.now(dt.UTC))}, load average at the start {load:.1f}"
    )


def _write(sections: dict[str, str]) -> str:
    """Put measured sections on the page; those of other scales stay as they were measured."""
    notes = _sections("\n" + NOTES.read_text())
    page = _sections(PAGE.read_text() if PAGE.exists() else "")
    measured = {title: text for title, text in (page | sections).items() if title not in notes}
    head = (
        "# Benchmarks\n\nWritten by `make bench`. Ratios are seconds over the floor's seconds,"
        " taken in the same run on one server.\n"
    )
    parts = [measured[title] for title in sorted(measured)] + list(notes.values())
    text = head + "".join(f"\n## {part.strip()}\n" for part in parts)
    PAGE.write_text(text)
    return text


def _sections(page: str) -> dict[str, str]:
    """Return a page's sections by title, each from its title on."""
    return {part.partition("\n")[0]: part for part in page.split("\n## ")[1:]}


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, nargs="*", default=[1, 33])
    parser.add_argument("--build-scale", type=int, nargs="*", default=[33])
    parser.add_argument("--publish-rows", type=int, default=4_000_000)
    parser.add_argument("--months", type=int, nargs="*", metavar="ONE_IN")
    parser.add_argument("--kills", type=int)
    parser.add_argument("--readers", type=int, metavar="SCALE")
    arguments = parser.parse_args()
    scales: Sequence[int] = arguments.scale
    home = Path(tempfile.mkdtemp(prefix="carepath-bench-"))
    home.chmod(0o755)
    os.environ["CAREPATH_HOME"] = str(home)
    from benchmarks import build as build_bench
    from benchmarks import faults as faults_bench
    from benchmarks import months as months_bench
    from benchmarks import publish as publish_bench
    from benchmarks import readers as readers_bench
    from benchmarks import region as region_bench
    from carepath.warehouse import embedded, ready

    try:
        if arguments.kills:
            machine = _machine()
            lines = faults_bench.section(faults_bench.measure(arguments.kills, home))
            print(_write({"Kills": "\n".join(["Kills", "", machine, "", *lines])}))
            return
        if arguments.readers:
            _one_night()
            lines = readers_bench.section(arguments.readers, _machine())
            print(_write({lines[0]: "\n".join(lines)}))
            return
        if arguments.months is not None:
            leavers, others = arguments.months or (1, 1)
            machine = _machine()
            lines = months_bench.section(months_bench.measure(leavers, others))
            title = f"An ordinary department, one in {leavers} care leavers and {others} others"
            print(_write({title: "\n".join([title, "", machine, "", *lines])}))
            return
        for scale in scales:
            machine = _machine()
            section = nights(scale)
            if scale == 1:
                section += months() + through_the_scheduler()
            title = section[0].removeprefix("## ")
            _write({title: "\n".join([title, "", machine, *section[1:]])})
            print("\n".join(section), flush=True)
        for scale in arguments.build_scale:
            machine = _machine()
            built = build_bench.measure(scale, NIGHTS)
            lines = [
                Line("floor: the models' SQL by hand, one session", built.by_hand),
                Line(
                    "all of core and marts rebuilt, with the tests",
                    built.rebuild,
                    built.by_hand,
                    "1.1",
                ),
                Line("an ordinary night, with the tests", built.ordinary, built.by_hand, "0.1"),
            ]
            section = [
                f"dbt alone, scale {scale}",
                "",
                machine,
                "",
                f"{built.authorities} authorities, {built.rows:,} rows a night, of which "
                f"{built.changed:,} versions were opened or closed on the ordinary one; no gates.",
                "",
                "| what | seconds | ratio to its floor | budget |",
                "|---|---:|---:|---:|",
                *(line.row() for line in lines),
            ]
            print(_write({section[0]: "\n".join(section)}))
        if arguments.publish_rows:
            ready()
            section = [
                "Publication alone",
                "",
                _machine(),
                "",
                "| what | seconds | ratio to its floor | peak MB |",
                "|---|---:|---:|---:|",
            ]
            for each in publish_bench.measure(rows=arguments.publish_rows):
                ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
                peak = "" if each.peak_mb is None else f"{each.peak_mb:.0f}"
                section.append(f"| {each.what} | {each.seconds:,.2f} | {ratio} | {peak} |")
            print(_write({section[0]: "\n".join(section)}))
            machine = _machine()
            section = region_bench.section(region_bench.measure(rows=arguments.publish_rows))
            title = "Publication of a region"
            print(_write({title: "\n".join([title, "", machine, "", *section])}))
    finally:
        embedded.destroy()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
