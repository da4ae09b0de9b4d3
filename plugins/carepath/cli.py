"""The `carepath` command."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from carepath.errors import CarepathError

app = typer.Typer(
    help="Carepath: the nightly data warehouse of a children's social care department.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

NightOption = Annotated[
    dt.datetime,
    typer.Option("--date", formats=["%Y-%m-%d"], help="The day whose close is loaded, 2019-06-30."),
]


@app.command()
def demo(
    scale: Annotated[
        int, typer.Option(min=1, max=200, help="How many authorities of a borough's size.")
    ] = 1,
    seed: Annotated[int, typer.Option(help="Another seed invents other people.")] = 1034,
) -> None:
    """Build an invented recording system and load four nights of it through Airflow."""
    from carepath.demo import run_demo

    if not run_demo(console, scale=scale, seed=seed):
        raise typer.Exit(1)


@app.command()
def up() -> None:
    """Start the warehouse and Airflow as a service on 127.0.0.1, the nightly load switched on."""
    from carepath import orchestration
    from carepath.settings import get_settings

    password = orchestration.start_services(lambda line: console.print(f"  {line}"))
    console.print(
        f"\nAirflow: [bold]http://127.0.0.1:{get_settings().airflow_port}[/bold]  user [bold]admin"
    )
    if password:
        console.print(f"Password (shown this once; keep it): [bold]{password}[/bold]")
    console.print("The DAG nightly_load runs at 02:00 London time. Stop with: make down")


@app.command()
def down(
    database: Annotated[
        bool, typer.Option("--database", help="Stop the embedded PostgreSQL too.")
    ] = False,
) -> None:
    """Stop Airflow's services; the embedded PostgreSQL goes on unless --database is given."""
    from carepath import orchestration
    from carepath.warehouse import embedded

    stopped = orchestration.stop_services()
    console.print(f"Stopped: {', '.join(stopped)}" if stopped else "No service was running.")
    if database:
        embedded.stop()
        console.print("Stopped: the embedded PostgreSQL")


@app.command()
def status() -> None:
    """Say what runs, how the last nights ended, what is published and what is held."""
    from carepath import orchestration, report
    from carepath.warehouse import ready

    ready()
    report.print_status(console, orchestration.running_services())


@app.command()
def run(
    date: NightOption,
    source: Annotated[
        list[str] | None,
        typer.Option(
            help="A source's name in sources.yml, or ssda903:FOLDER (an SSDA903 return). "
            "May be repeated; without it, all listed sources are loaded."
        ),
    ] = None,
    accept_truncation: Annotated[
        list[str] | None,
        typer.Option(metavar="TABLE", help="A table that may lose rows or columns."),
    ] = None,
    accept_movement: Annotated[
        list[str] | None, typer.Option(metavar="KPI", help="A KPI that may leap tonight.")
    ] = None,
    abandon_running: Annotated[
        bool, typer.Option(help="Close a night that was killed and still counts as running.")
    ] = False,
) -> None:
    """Run one night through the real Airflow DAG and say how it ended."""
    from carepath import night as steps
    from carepath import orchestration, report
    from carepath.sources import absolute_source
    from carepath.warehouse import ready

    if abandon_running:
        ready()
        console.print(f"Closed {steps.abandon()} night(s) that had not ended.")

    with report.watching(console) as watch:
        night = orchestration.run_night(
            date.date(),
            sources=[absolute_source(name) for name in source or []],
            accept_truncation=accept_truncation or [],
            accept_movement=accept_movement or [],
            watch=watch,
        )
    report.print_night(console, night)
    if night.state != "published":
        raise typer.Exit(1)


@app.command()
def doctor(
    source: Annotated[
        str | None,
        typer.Option(help="Compare this source with the contract ('all' for every listed source)."),
    ] = None,
) -> None:
    """Check this machine, the warehouse and a source's contract, and say what to mend."""
    from carepath.doctor import examine

    if not examine(console, source):
        raise typer.Exit(1)


@app.command()
def rollback(
    authority: Annotated[
        str | None, typer.Argument(help="Its code; only needed with several.")
    ] = None,
) -> None:
    """Return the marts of an authority to the publication before, in seconds."""
    from carepath import report
    from carepath.publish import rollback as roll_back
    from carepath.warehouse import ready

    ready()
    publication = roll_back(report.only_authority(authority))
    console.print(
        f"Rolled back: the marts of {publication.authority} hold the figures of "
        f"[bold]{publication.night:%d %B %Y}[/bold] again (publication "
        f"{publication.publication_id})."
    )


@app.command(name="work-list")
def work_list(
    authority: Annotated[str | None, typer.Option(help="Only this authority.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many records to print per rule.")] = 20,
) -> None:
    """Print the stewards' list: each record that fails a rule, why, and what to do."""
    from carepath import report
    from carepath.warehouse import ready

    ready()
    report.print_work_list(console, authority=authority, limit=limit)


@app.command(name="as-known-at")
def as_known_at(date: NightOption) -> None:
    """Build the whole warehouse as known at a past day, into schemas of its own."""
    from carepath.warehouse import ready
    from carepath.warehouse.dbt import run_dbt

    ready()
    day = date.date()
    with console.status(f"building the warehouse as known at {day}"):
        run_dbt(["run"], layer="as_known_at", run_id=None, vars={"as_known_at": day.isoformat()})
    console.print(f"Built. The schemas end in _as_known_{day:%Y%m%d}: core, marts_build, ...")


@app.command()
def docs(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a generated file is stale.")
    ] = False,
) -> None:
    """Write the generated pages and models, and dbt's own documentation."""
    from carepath import documents

    if check:
        found = documents.stale()
        for name in found:
            console.print(f"stale: {name} (run `make docs`)")
        raise typer.Exit(bool(found))
    from carepath.warehouse import ready

    ready()
    for name in documents.write():
        console.print(f"written: {name}")
    with console.status("dbt's documentation"):
        page = documents.write_dbt_docs()
    console.print(f"written: {page}")


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn an expected failure into its one message and exit code 1."""
    try:
        yield
    except CarepathError as error:
        errors.print(f"[bold red]{type(error).__name__.removesuffix('Error')}[/]: ", end="")
        errors.print(str(error), markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("Stopped. Nothing was half-published.")
        sys.exit(130)


def main() -> None:
    """Run the command line."""
    with told_plainly():
        app()
