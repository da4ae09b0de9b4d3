"""The demonstration: an invented recording system, four nights, and what they show."""

from __future__ import annotations

import datetime as dt

from rich.console import Console

from carepath.dates import written
from carepath.demonstration import INVENTED
from carepath.demonstration.comparison import compare, summarise
from carepath.demonstration.generator import advance, fill, sources
from carepath.demonstration.generator.people import PEOPLE
from carepath.demonstration.pages import write_comparison
from carepath.demonstration.printing import print_comparison, print_story, print_where_to_look
from carepath.demonstration.settings import add_population, lay_settings
from carepath.demonstration.story import read_story
from carepath.errors import CarepathError
from carepath.night.lock import refuse_beside_another
from carepath.service import configuration, night_run
from carepath.settings import get_settings
from carepath.sources import SourceSpec, read_sources, write_sources
from carepath.terminal.night import print_night, watching
from carepath.terminal.work_list import Filters, print_work_list
from carepath.warehouse import ready, recreate
from carepath.warehouse.connect import connect, url

NIGHTS = (
    (dt.date(2017, 11, 30), "the baseline: loads, passes, publishes"),
    (dt.date(2019, 6, 27), "EET status and activity contradict each other: the gate holds"),
    (dt.date(2019, 6, 30), "the corrections arrive: passes, publishes"),
    (dt.date(2019, 9, 30), "the edge-of-care cohorts end: passes, publishes"),
)


def run_demo(console: Console, *, scale: int, seed: int, people: int = PEOPLE) -> bool:
    """Run the demonstration from an empty warehouse and print what it shows.

    Args:
        console: where to print.
        scale: how many boroughs to invent; the first has the evaluation report's figures.
        seed: another one invents other people. The evaluation report's figures stay the same.
        people: how many people each borough after the first ever knows.

    Returns:
        Whether each night ended as it should and every figure is equal or explained.

    Raises:
        CarepathError: the warehouse holds records of a real source, or sources.yml lists one.
    """
    console.print("[bold]Carepath: the demonstration[/]. Everybody in it is invented.\n")
    _refuse_real_sources()
    lay_settings()
    with console.status("starting PostgreSQL and preparing Airflow (about 20 s the first time)"):
        ready()
        refuse_beside_another()
        _refuse_real_records()
        recreate()
        add_population()
        configuration.initialise()
    specs = _list_sources(scale)
    recording_system = url("recording_system", "recording_system")
    # only the first authority has contradictions, so the others are published without it
    expected = ("published", "held" if scale == 1 else "partly", "published", "published")
    states = []
    for number, (night, happening) in enumerate(NIGHTS):
        console.rule(f"[bold]Night {number + 1}: {written(night)}[/], {happening}", align="left")
        with console.status("the recording system") as status:

            def show(authority: str, done: int, tables: int) -> None:
                status.update(f"the recording system: {authority}, {done} of {tables} tables")

            if number == 0:
                fill(recording_system, night, scale=scale, seed=seed, people=people, progress=show)
            else:
                advance(recording_system, night, progress=show)
        with watching(console) as watch:
            outcome = night_run.run_night(
                night,
                sources=[spec.name for spec in specs],
                trigger="demonstration",
                watch=watch,
            )
        print_night(console, outcome)
        if outcome.state in ("held", "partly"):
            print_work_list(console, Filters(authority=specs[0].authority, held=True), limit=5)
        states.append(outcome.state)
        console.print()
    for (night, _), state, wanted in zip(NIGHTS, states, expected, strict=True):
        if state != wanted:
            console.print(f"[red]The night of {night} ended {state}, not {wanted}.[/]")
    if not {"published", "partly"} & set(states):
        console.print("Nothing has been published, so there are no figures to show.")
        return False
    story, lines = read_story(specs[0].authority), list(compare(specs[0].authority))
    page, file = write_comparison(get_settings().home, story, lines)
    print_story(console, story)
    print_comparison(console, lines, page, file)
    print_where_to_look(console, _places())
    return summarise(lines).unexplained == 0 and tuple(states) == expected


def _list_sources(scale: int) -> list[SourceSpec]:
    """List the demonstration's authorities in sources.yml, with a role that can only read."""
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
            f"The file lists {', '.join(real)}. The demonstration would replace it with its own.",
            where=str(get_settings().sources_file),
            todo="run the demonstration in another home: CAREPATH_HOME=/some/folder make demo",
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
            f"This warehouse holds records of {', '.join(name for (name,) in real)}. "
            "The demonstration starts with an empty warehouse and would delete them.",
            where=str(get_settings().home),
            todo="run the demonstration in another home: CAREPATH_HOME=/some/folder make demo",
        )


def _places() -> list[tuple[str, str]]:
    settings = get_settings()
    return [
        ("carepath status", "what ran, what is published, what is held"),
        ("carepath work-list", "each record that fails a rule, and what to do"),
        ("carepath rollback", "the marts as they were one publication before"),
        ("make up", "the same as a service, with Airflow's pages"),
        ("docs/rule_book.md", "every rule"),
        ("docs/kpis.md", "every KPI"),
        ("docs/statistics.md", "how to put published figures beside them"),
        ("README.md", "everything else"),
        (
            "SQL",
            f"psql '{_reader_address()}', schema marts; the password is in "
            f"{settings.home / 'passwords.json'}",
        ),
        ("Logs", f"{settings.logs}"),
    ]


def _reader_address() -> str:
    from carepath.warehouse.connect import parameters

    found = parameters("bi_reader")
    return f"host={found['host']} port={found['port']} dbname={found['dbname']} user=bi_reader"
