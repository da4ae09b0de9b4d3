"""The demonstration: an invented recording system, four nights, the evaluation report's tables."""

from __future__ import annotations

import datetime as dt

from rich.console import Console

from carepath import orchestration, report
from carepath.errors import CarepathError
from carepath.settings import get_settings
from carepath.sources import SourceSpec, read_sources, write_sources
from carepath.sources.demo import advance, fill, sources
from carepath.sources.demo.reconciliation import print_reconciliation
from carepath.warehouse import ready, recreate
from carepath.warehouse.connect import connect, url

# how the codes of the demonstration's authorities begin; the ONS has given none like it
INVENTED = "E099"
NIGHTS = (
    (dt.date(2017, 11, 30), "the baseline: loads, passes, publishes"),
    (dt.date(2019, 6, 27), "EET status and activity contradict each other: the gate holds"),
    (dt.date(2019, 6, 30), "the corrections arrive: passes, publishes"),
    (dt.date(2019, 9, 30), "the edge-of-care cohorts end: passes, publishes"),
)


def run_demo(console: Console, *, scale: int, seed: int) -> bool:
    """Run the demonstration from an empty warehouse and print what a BI analyst wants to see.

    Args:
        console: where to print.
        scale: how many authorities of a borough's size; the first carries the report's figures.
        seed: invents the people; the report's figures come out for any seed.

    Returns:
        Whether each night ended as it should and every figure is the report's or explained.

    Raises:
        CarepathError: the warehouse holds records of a real source, or sources.yml lists one.
    """
    console.print("[bold]Carepath: the demonstration[/]. Everybody in it is invented.\n")
    _refuse_real_sources()
    with console.status("starting PostgreSQL and preparing Airflow (about 20 s the first time)"):
        ready()
        _refuse_real_records()
        recreate()
        orchestration.initialise()
    specs = _list_sources(scale)
    recording_system = url("recording_system", "recording_system")
    # the contradictions are in the first authority: the others go on without it
    expected = ("published", "held" if scale == 1 else "partly", "published", "published")
    states = []
    for number, (night, story) in enumerate(NIGHTS):
        console.rule(f"[bold]Night {number + 1}: {night:%d %B %Y}[/], {story}", align="left")
        with console.status("the recording system") as status:

            def show(authority: str, done: int, tables: int) -> None:
                status.update(f"the recording system: {authority}, {done} of {tables} tables")

            if number == 0:
                fill(recording_system, night, scale=scale, seed=seed, progress=show)
            else:
                advance(recording_system, night, progress=show)
        with report.watching(console) as watch:
            outcome = orchestration.run_night(
                night,
                sources=[spec.name for spec in specs],
                trigger="demonstration",
                watch=watch,
            )
        report.print_night(console, outcome)
        if outcome.state in ("held", "partly"):
            report.print_work_list(console, authority=specs[0].authority, limit=5)
        states.append(outcome.state)
        console.print()
    console.rule("[bold]The report's tables, out of row-level records", align="left")
    explained = print_reconciliation(console, specs[0].authority)
    _say_where_to_look(console)
    for (night, _), state, wanted in zip(NIGHTS, states, expected, strict=True):
        if state != wanted:
            console.print(f"[red]The night of {night} ended {state}, not {wanted}.[/]")
    return explained and tuple(states) == expected


def _list_sources(scale: int) -> list[SourceSpec]:
    """Name the demonstration's authorities in sources.yml, to be read as a role that may only."""
    reader = url("recording_reader", "recording_system")
    specs = [SourceSpec(**vars(source)) for source in sources(reader, scale)]
    write_sources(specs)
    return specs


def _refuse_real_sources() -> None:
    real = [
        spec.name
        for spec in read_sources()
        if not (spec.name.startswith("demo-") and spec.authority.startswith(INVENTED))
    ]
    if real:
        raise CarepathError(
            f"it lists {', '.join(real)}; the demonstration would write its own sources over it",
            where=str(get_settings().sources_file),
            todo="give the demonstration a home of its own: CAREPATH_HOME=/some/folder make demo",
        )


def _refuse_real_records() -> None:
    with connect("carepath_analyst") as connection:
        real = connection.execute(
            "select source from ops.sources where not starts_with(source, 'demo-')"
            " or not starts_with(authority, %s) order by source",
            (INVENTED,),
        ).fetchall()
    if real:
        raise CarepathError(
            f"this warehouse holds records of {', '.join(name for (name,) in real)}; "
            "the demonstration starts from an empty one and would delete them",
            where=str(get_settings().home),
            todo="give the demonstration a home of its own: CAREPATH_HOME=/some/folder make demo",
        )


def _say_where_to_look(console: Console) -> None:
    settings = get_settings()
    console.print("\n[bold]Where to look next[/]")
    for line in (
        "carepath status          what ran, what is published, what is held",
        "carepath work-list       each record that fails a rule, and what to do",
        "carepath rollback        the marts as they were one publication before",
        "make up                  the same as a service, with Airflow's pages",
        "docs/rule_book.md        every rule; docs/kpis.md every KPI; README.md everything else",
        f"SQL                      psql '{_reader_address()}' (schema marts; password in "
        f"{settings.home}/passwords.json)",
        f"Logs                     {settings.logs}",
    ):
        console.print(f"  {line}", markup=False)


def _reader_address() -> str:
    from carepath.warehouse.connect import parameters

    found = parameters("bi_reader")
    return f"host={found['host']} port={found['port']} dbname={found['dbname']} user=bi_reader"
