"""The `carepath` command."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from carepath.errors import CarepathError
from carepath.own_files import keep_others_out, open_for_owner

# the groups of `carepath --help`
RUN = "Start it, run a night, connect a source"
RECORDS = "Records that contradict each other"
FIGURES = "Figures and lists"
UNDO = "Go back, keep safe"
SAFETY = "Who may see what"
DEVELOP = "For developers"

app = typer.Typer(
    help="Carepath: the nightly data warehouse of a children's social care department.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
site_app = typer.Typer(
    help="The council's own settings: targets, unit costs, timescales, sources and the like.",
    no_args_is_help=True,
)
app.add_typer(site_app, name="site", rich_help_panel=RUN)
return_app = typer.Typer(
    help="Write a return of the Department from the records. Nothing is sent.",
    no_args_is_help=True,
)
app.add_typer(return_app, name="return", rich_help_panel=FIGURES)
source_app = typer.Typer(
    help="The recording systems that a night loads (sources.yml): add one, remove one.",
    no_args_is_help=True,
)
app.add_typer(source_app, name="source", rich_help_panel=RUN)
statistics_app = typer.Typer(
    help="Published statistics: the Department's figures, neighbours and populations.",
    no_args_is_help=True,
)
app.add_typer(statistics_app, name="statistics", rich_help_panel=FIGURES)
retention_app = typer.Typer(
    help="Show whose retention has ended; legal hold, and disposal by two people.",
)
app.add_typer(retention_app, name="retention", rich_help_panel=SAFETY)
CaseOption = Annotated[
    str,
    # the list of processes, which every account can read, has the options
    typer.Option(
        help="The person's case id. Without it, you are asked for it.",
        metavar="ID",
        prompt="Case id",
    ),
]
OfAuthority = Annotated[str, typer.Option(help="ONS code of the authority.")]
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

NightOption = Annotated[
    dt.datetime,
    typer.Option("--date", formats=["%Y-%m-%d"], help="The day to load, such as 2019-06-30."),
]


@app.command(rich_help_panel=RUN)
def demo(
    scale: Annotated[int, typer.Option(min=1, max=200, help="How many boroughs to invent.")] = 1,
    seed: Annotated[int, typer.Option(help="A different number invents different people.")] = 1034,
    people: Annotated[
        int,
        typer.Option(
            min=2_000,
            max=32_400,
            help="How many people each borough after the first has. A few records that contradict"
            " each other may hold a small one.",
        ),
    ] = 32_400,
) -> None:
    """Build an invented recording system and load four nights of it through Airflow."""
    from carepath.demonstration.nights import run_demo

    if not run_demo(console, scale=scale, seed=seed, people=people):
        raise typer.Exit(1)


@app.command(rich_help_panel=RUN)
def up() -> None:
    """Start the warehouse and Airflow as a service on 127.0.0.1, with the nightly load on."""
    from carepath.service import processes
    from carepath.settings import get_settings

    password = processes.start_services(lambda line: console.print(f"  {line}"))
    console.print(
        f"\nAirflow: [bold]http://127.0.0.1:{get_settings().airflow_port}[/bold]  user [bold]admin"
    )
    if password:
        console.print(f"Password (shown only once; keep it): [bold]{password}[/bold]")
    console.print("The DAG nightly_load runs at 02:00 London time. To stop the service: make down")
    # last, so that a certificate that has expired stops readers, and not a night
    processes.start_door()
    if get_settings().tls_listen:
        console.print(f"Readers, encrypted: {get_settings().tls_listen}  (`carepath tls`)")


@app.command(rich_help_panel=RUN)
def down(
    database: Annotated[
        bool, typer.Option("--database", help="Stop the embedded PostgreSQL too.")
    ] = False,
) -> None:
    """Stop the service. The embedded PostgreSQL keeps running, unless you add --database."""
    from carepath.service import processes
    from carepath.warehouse import embedded

    stopped = processes.stop_services()
    console.print(f"Stopped: {', '.join(stopped)}" if stopped else "No service was running.")
    if database:
        embedded.stop()
        console.print("Stopped: the embedded PostgreSQL")


@app.command(rich_help_panel=RUN)
def systemd(
    folder: Annotated[Path, typer.Argument(help="Where to write the units.")],
) -> None:
    """Write systemd units that start the service when the machine starts (docs/service.md)."""
    from carepath.service.systemd import write_units

    for path in write_units(folder):
        console.print(f"Written: {path}", markup=False)
    console.print(
        "\nNext, as root: copy them to /etc/systemd/system, then"
        " run `systemctl daemon-reload` and `systemctl enable --now carepath.target`."
    )


@app.command(rich_help_panel=RUN)
def status() -> None:
    """Show what is running, how the last nights ended, what is published and what is held."""
    from carepath.service import metadata, processes
    from carepath.terminal.status import print_status
    from carepath.warehouse import ready

    ready()
    print_status(console, processes.running_services(), metadata.runs_without_a_night())


@app.command(rich_help_panel=RUN)
def run(
    date: NightOption,
    source: Annotated[
        list[str] | None,
        typer.Option(
            help="A source's name in sources.yml, or ssda903:PATH, cin:PATH or files:PATH. "
            "May be repeated. Without it, all listed sources are loaded."
        ),
    ] = None,
    accept_truncation: Annotated[
        list[str] | None,
        typer.Option(metavar="TABLE", help="A table that may lose rows or columns tonight."),
    ] = None,
    accept_movement: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KPI",
            help="A KPI that may change a lot tonight, or a published date that may be removed.",
        ),
    ] = None,
    reason: Annotated[
        str, typer.Option(help="Why you accept it. A second person must approve this (a waiver).")
    ] = "",
) -> None:
    """Run one night through Airflow, as the service does, and say how it ended."""
    from carepath.night.steps import accept_first, planned
    from carepath.quality.waivers import Accepted
    from carepath.service import night_run
    from carepath.sources import absolute_source
    from carepath.terminal.night import look_at_sources, print_night, watching

    names = [absolute_source(name) for name in source or []]
    specs = planned(date.date(), names)
    accepted = Accepted(accept_movement or [], accept_truncation or [], reason)
    accept_first(date.date(), names, accepted)
    if not look_at_sources(console, specs):
        raise typer.Exit(1)
    with watching(console) as watch:
        night = night_run.run_night(
            date.date(),
            sources=names,
            accept_truncation=accept_truncation or [],
            accept_movement=accept_movement or [],
            reason=reason,
            watch=watch,
        )
    print_night(console, night)
    if night.state != "published":
        raise typer.Exit(1)


@app.command(rich_help_panel=RUN)
def doctor(
    source: Annotated[
        str | None,
        typer.Option(
            help="Compare this source with the contract, and count what it holds "
            "('all' for every listed source)."
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="List each rule and measure that has no data.")
    ] = False,
) -> None:
    """Check this machine, the warehouse and a source, and say what to put right."""
    from carepath.terminal.doctor import print_examination

    if not print_examination(console, source, full=full):
        raise typer.Exit(1)


@source_app.command(name="add")
def add_source(
    name: Annotated[str, typer.Argument(help="What runs, logs and the command line will call it.")],
    authority: Annotated[str, typer.Option(prompt="ONS code of the authority (such as E09000001)")],
    authority_name: Annotated[str, typer.Option(prompt="Name of the authority")],
    url: Annotated[
        str,
        typer.Option(
            prompt="Address (dialect+driver://user:${PASSWORD}@host:port/database,"
            " or airflow://CONNECTION)",
            help="Write the password as ${NAME}, the name of an environment variable.",
        ),
    ],
    schema: Annotated[
        str, typer.Option(prompt="Schema of the tables (empty: the connection's)")
    ] = "",
    spelling: Annotated[
        str,
        typer.Option(prompt="Vendor of its column names: liquidlogic, mosaic, eclipse or empty"),
    ] = "",
    partial: Annotated[
        bool, typer.Option("--partial", help="Other sources deliver required tables it lacks.")
    ] = False,
    untested: Annotated[
        bool, typer.Option("--untested", help="Write it even if a night could not load it.")
    ] = False,
) -> None:
    """Ask for what a source needs, try to open it, and write it into sources.yml."""
    from carepath import doctor as examination
    from carepath.errors import SourceError
    from carepath.sources.listing import add_source, checked
    from carepath.terminal.doctor import print_comparison

    spec = checked(
        name=name, authority=authority, authority_name=authority_name, url=url,
        schema=schema or None, spelling=spelling or None, is_partial=partial,
    )  # fmt: skip
    if not untested:
        found = examination.compare_spec(spec)
        print_comparison(console, found)
        if not found.kept:
            raise SourceError(
                "A night could not load this source, so nothing was written.",
                where=f"source {name}",
                todo="Put right what the table above says, or write it with --untested.",
            )
    path = add_source(spec)
    console.print(f"Written: {path}", soft_wrap=True)
    console.print(f"Next, to count what it holds: carepath doctor --source {name}")
    console.print(f"To undo it: carepath source remove {name}")


@source_app.command(name="remove")
def remove_source(
    name: Annotated[str, typer.Argument(help="The source's name in sources.yml.")],
) -> None:
    """Take a source out of sources.yml. What it delivered stays in the warehouse."""
    from carepath.sources.listing import remove_source

    console.print(f"Written: {remove_source(name)}", soft_wrap=True)


@site_app.command()
def init(
    name: Annotated[
        list[str] | None,
        typer.Argument(help="Files to write, such as timescales. Without a name, the usual ones."),
    ] = None,
) -> None:
    """Write settings files for you to edit, with the defaults and comments in them."""
    from carepath.site.starter import names, write_starters

    for path in write_starters(name or ()):
        console.print(f"Written: {path}", soft_wrap=True)
    console.print("Existing files stay as they are. `carepath site check` checks all of them.")
    console.print(f"All files: {', '.join(names())}")


@site_app.command()
def check() -> None:
    """Check the settings as the next night will. Show which are yours and which are defaults."""
    from carepath.site import read_site
    from carepath.terminal.doctor import settings_table

    console.print(settings_table())
    problems = read_site().problems
    for problem in problems:
        console.print(f"[bold red]FIX[/] {escape(str(problem))}")
    if problems:
        raise typer.Exit(1)
    console.print("All settings are valid. A change takes effect from the next night.")


@statistics_app.command(name="add")
def add_statistics(
    file: Annotated[list[Path], typer.Argument(help="CSV files, as downloaded.")],
) -> None:
    """Add published files. A file that Carepath does not understand is refused as a whole."""
    from carepath.terminal.statistics import add_files
    from carepath.warehouse import ready

    ready()
    add_files(console, file)


@statistics_app.command(name="list")
def list_statistics() -> None:
    """List the published files that count, with their numbers."""
    from carepath.terminal.statistics import print_files
    from carepath.warehouse import ready

    ready()
    print_files(console)


@statistics_app.command(name="remove")
def remove_statistics(
    number: Annotated[int, typer.Argument(help="The number of the file in the list.")],
) -> None:
    """Remove a published file and its figures."""
    from carepath.terminal.statistics import remove_file
    from carepath.warehouse import ready

    ready()
    remove_file(console, number)


@app.command(rich_help_panel=UNDO)
def rollback(
    authority: Annotated[
        str | None,
        typer.Argument(
            help="The authority's ONS code. Needed only if there are several authorities."
        ),
    ] = None,
) -> None:
    """Return an authority's marts to the previous publication. This takes seconds."""
    from carepath.audit import note
    from carepath.dates import written
    from carepath.publish import only_authority
    from carepath.publish import rollback as roll_back
    from carepath.service.after_rollback import refresh_power_bi
    from carepath.warehouse import ready

    ready()
    chosen = only_authority(authority)
    note("rolled back", "the marts, to the publication before", chosen)
    publication = roll_back(chosen)
    console.print(
        f"Rolled back: the marts of {publication.authority} hold the figures of "
        f"[bold]{written(publication.night)}[/bold] again (publication "
        f"{publication.publication_id})."
    )
    if said := refresh_power_bi():
        console.print(said, markup=False)


@app.command(rich_help_panel=UNDO)
def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder, not on the home's disk.")],
) -> None:
    """Back up the warehouse, Airflow's metadata, the passwords and the settings."""
    from carepath.warehouse.backup import back_up

    with console.status("backing up"):
        tables = back_up(folder.expanduser().resolve())
    console.print(f"Backed up {len(tables):,} tables to {folder}.", soft_wrap=True)
    console.print("It holds children's records and passwords. Keep it where only you can read it.")


@app.command(rich_help_panel=UNDO)
def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that `carepath backup` has written.")],
) -> None:
    """Restore a backup into an empty warehouse, and compare every table with it."""
    from carepath.warehouse.backup import restore as restore_backup

    with console.status("restoring"):
        tables = restore_backup(folder.expanduser().resolve())
    console.print(f"Restored. All {tables:,} tables are as they were in the backup.")


@app.command(rich_help_panel=FIGURES)
def due(
    authority: Annotated[str | None, typer.Option(help="Only this authority (ONS code).")] = None,
    team: Annotated[
        str | None, typer.Option(help="Only this team. Part of its name is enough.")
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the list with case ids to a CSV file; - means the terminal."
        ),
    ] = None,
) -> None:
    """Print what is due in 14 days and what is overdue, by team: visits, reviews and the like."""
    from carepath.audit import note
    from carepath.terminal.due import print_due, read_due, write_csv
    from carepath.warehouse import ready

    ready()
    if csv is None:
        print_due(console, authority, team)
        return
    found = read_due(authority, team)
    note("exported what is due", f"{len(found)} rows", authority)
    if str(csv) == "-":
        write_csv(sys.stdout, found)
        return
    with open_for_owner(csv) as file:
        write_csv(file, found)
    console.print(f"{len(found):,} rows written to {csv}", soft_wrap=True)


@app.command(rich_help_panel=FIGURES)
def changes(
    authority: Annotated[
        str | None, typer.Option(help="The authority (ONS code), if several have published.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many rows to print per table.")] = 20,
) -> None:
    """Print what happened last night, what was corrected, and which earlier figures changed."""
    from carepath.publish import only_authority
    from carepath.terminal.changes import print_changes
    from carepath.warehouse import ready

    ready()
    print_changes(console, only_authority(authority), limit=limit)


@app.command(rich_help_panel=FIGURES)
def report(
    authority: Annotated[
        str | None, typer.Option(help="The authority (ONS code), if several have published.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write. Without it, into the home."),
    ] = None,
) -> None:
    """Write the published figures as one HTML file to send round the department (docs/pages.md)."""
    from carepath.audit import note
    from carepath.publish import only_authority
    from carepath.report.written import write_report
    from carepath.warehouse import ready

    ready()
    code = only_authority(authority)
    note("wrote the report", "counts from 1 to 5 are withheld in it", code)
    with console.status("drawing the report"):
        file = write_report(code, to)
    console.print(f"Written: {file}", soft_wrap=True, markup=False)
    console.print(
        "It is for use inside the department: small counts are withheld, but some could be"
        " worked out. For figures that may leave it, run `carepath release-figures`."
    )


@app.command(rich_help_panel=FIGURES)
def forecast(
    authority: Annotated[
        str | None, typer.Option(help="The authority (ONS code), if several have published.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same number gives the same forecast.")] = 1,
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write each month, placement group and age band to a CSV file; - means the "
            "terminal.",
        ),
    ] = None,
) -> None:
    """Forecast children in care and their weekly cost for 12 months, and test it on the past."""
    from carepath import forecast as room
    from carepath.publish import only_authority
    from carepath.terminal.forecast import print_forecast, write_csv
    from carepath.warehouse import ready

    ready()
    chosen = only_authority(authority)
    flows = room.read_flows(chosen)
    past = room.past_forecasts(flows, seed=seed)
    made = room.widened(room.forecast(flows, seed=seed), past)
    if csv is None:
        print_forecast(console, chosen, made, room.back_test(past), room.coverage(past))
        return
    if str(csv) == "-":
        write_csv(sys.stdout, chosen, made)
        return
    with csv.open("w", encoding="utf-8-sig", newline="") as file:
        write_csv(file, chosen, made)
    console.print(f"Written: {csv}", soft_wrap=True)


@app.command(name="work-list", rich_help_panel=RECORDS)
def work_list(
    authority: Annotated[str | None, typer.Option(help="Only this authority (ONS code).")] = None,
    rule: Annotated[
        str | None, typer.Option(help="Only this rule (EET-01) or group of rules (EET).")
    ] = None,
    team: Annotated[
        str | None, typer.Option(help="Only young people of this team. Part of its name is enough.")
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option(help="Only what this role corrects. Part of its name is enough."),
    ] = None,
    severity: Annotated[
        Literal["critical", "warning", "info"] | None, typer.Option(help="Only this severity.")
    ] = None,
    held: Annotated[
        bool | None,
        typer.Option(
            "--held/--not-held", help="Only records that hold the figures, or only the others."
        ),
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Only records that are new on the list.")
    ] = False,
    rules: Annotated[int, typer.Option(min=1, help="How many rules to print, worst first.")] = 20,
    limit: Annotated[int, typer.Option(min=1, help="How many records to print per rule.")] = 20,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all records to a CSV file; - means the terminal."),
    ] = None,
) -> None:
    """Print the work list: each record that fails a rule, why, what to do, and who does it."""
    from carepath.audit import note
    from carepath.terminal.work_list import (
        Filters,
        count_work_list,
        print_work_list,
        read_work_list,
        write_csv,
    )
    from carepath.warehouse import ready

    ready()
    filters = Filters(authority, rule, team, owner, severity, held, new)
    if csv is None:
        print_work_list(console, filters, rules=rules, limit=limit)
        return
    count = count_work_list(filters)
    note("exported the work list", f"{count} rows", authority)
    found = read_work_list(filters)
    if str(csv) == "-":
        write_csv(sys.stdout, found)
        return
    with open_for_owner(csv) as file:
        write_csv(file, found)
    console.print(f"{count:,} rows written to {csv}", soft_wrap=True)


@app.command(rich_help_panel=RECORDS)
def waive(
    rule: Annotated[str, typer.Argument(help="The rule, such as EET-01.")],
    until: Annotated[
        dt.datetime,
        typer.Option(formats=["%Y-%m-%d"], help="The last night on which the waiver may count."),
    ],
    reason: Annotated[str, typer.Option(help="Why the rule need not hold the night.")],
    record: Annotated[
        str | None, typer.Option(metavar="KEY", help="One record: its key on the work list.")
    ] = None,
    figure: Annotated[
        str | None,
        typer.Option(help="For a rule about figures: a KPI, a measure, a date, or all."),
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="The record's table, or the only table to waive.")
    ] = None,
    since: Annotated[
        dt.datetime | None,
        typer.Option(
            "--from", formats=["%Y-%m-%d"], help="The first night. Without it, the latest."
        ),
    ] = None,
    authority: Annotated[
        str | None, typer.Option(help="ONS code. Needed only if there are several authorities.")
    ] = None,
) -> None:
    """Ask for a waiver: a rule need not hold the night for a record, a figure or a time."""
    from carepath.terminal.waivers import Wanted, ask_for
    from carepath.warehouse import ready

    ready()
    wanted = Wanted(
        rule.upper(), reason, until.date(), record, figure, table,
        since.date() if since else None, authority,
    )  # fmt: skip
    ask_for(console, wanted)


@app.command(rich_help_panel=RECORDS)
def waivers(
    authority: Annotated[str | None, typer.Option(help="Only this authority (ONS code).")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Expired and withdrawn waivers too.")
    ] = False,
) -> None:
    """List the waivers: what each is about, until when, why, and who asked and approved."""
    from carepath.terminal.waivers import print_waivers
    from carepath.warehouse import ready

    ready()
    print_waivers(console, authority, everything=everything)


@app.command(rich_help_panel=RECORDS)
def approve(
    number: Annotated[list[int], typer.Argument(help="Numbers of waivers (`carepath waivers`).")],
) -> None:
    """Approve waivers that another person asked for. They count from the next night on."""
    from carepath.terminal.waivers import approve_each
    from carepath.warehouse import ready

    ready()
    approve_each(console, number)


@app.command(rich_help_panel=RECORDS)
def withdraw(
    number: Annotated[int, typer.Argument(help="The number of the waiver.")],
    reason: Annotated[str, typer.Option(help="Why it is withdrawn.")],
) -> None:
    """Withdraw a waiver. It never counts again, and stays in the history."""
    from carepath.terminal.waivers import withdraw_one
    from carepath.warehouse import ready

    ready()
    withdraw_one(console, number, reason)


YearOption = Annotated[
    int,
    typer.Option(min=2000, max=2100, help="The collection year: 2019 ends on 31 March 2019."),
]
ReturnAuthorityOption = Annotated[
    str | None, typer.Option(help="ONS code. Needed only if there are several authorities.")
]


@return_app.command(name="ssda903")
def return_ssda903(
    year: YearOption,
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="A new folder for the files.")],
    authority: ReturnAuthorityOption = None,
) -> None:
    """Write the SSDA903 return of a year (looked-after children) as CSV files."""
    from carepath.returns import write_ssda903
    from carepath.terminal.returns import print_written
    from carepath.warehouse import ready

    ready()
    with console.status("writing the return"):
        written = write_ssda903(authority, year, to.expanduser().resolve())
    print_written(console, written)


@return_app.command(name="daily")
def return_daily(
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="A new folder for the files.")],
    authority: ReturnAuthorityOption = None,
) -> None:
    """Write the payload of the Department's daily data flow as JSON files. Nothing is sent."""
    from carepath.returns import write_daily
    from carepath.terminal.returns import print_written
    from carepath.warehouse import ready

    ready()
    with console.status("writing the payload"):
        written = write_daily(authority, to.expanduser().resolve())
    print_written(console, written)


@return_app.command(name="cin")
def return_cin(
    year: YearOption,
    to: Annotated[Path, typer.Option(metavar="FILE", help="A new XML file.")],
    authority: ReturnAuthorityOption = None,
    la_number: Annotated[
        str | None, typer.Option(help="The Department's number of the authority, such as 201.")
    ] = None,
    schema: Annotated[
        Path | None, typer.Option(help="Check against this XSD, not against Carepath's.")
    ] = None,
) -> None:
    """Write the children in need census of a year as XML, and check it against the XSD."""
    from carepath.returns import write_cin
    from carepath.terminal.returns import print_written
    from carepath.warehouse import ready

    ready()
    with console.status("writing the census"):
        written = write_cin(
            authority, year, to.expanduser().resolve(), schema=schema, la_number=la_number
        )
    print_written(console, written)
    if not written.is_valid:
        raise typer.Exit(1)


@app.command(name="annex-a", rich_help_panel=FIGURES)
def annex_a(
    date: Annotated[
        dt.datetime,
        typer.Option(formats=["%Y-%m-%d"], help="The lists are as of this day."),
    ],
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="A new folder for the files.")],
    authority: Annotated[
        str | None, typer.Option(help="ONS code. Needed only if there are several authorities.")
    ] = None,
) -> None:
    """Write the lists of Annex A for an Ofsted inspection: CSV files and one workbook."""
    from carepath.annex_a import export
    from carepath.publish import only_authority
    from carepath.terminal.annex_a import print_exported
    from carepath.warehouse import ready

    ready()
    folder = to.expanduser().resolve()
    with console.status("writing the lists"):
        exported = export(only_authority(authority), date.date(), folder)
    print_exported(console, exported, folder)


@app.command(name="release-figures", rich_help_panel=FIGURES)
def release_figures(
    date: Annotated[
        list[dt.datetime] | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="An as-at date. May be repeated. Without it, the dates of your settings.",
        ),
    ] = None,
    revise: Annotated[
        bool, typer.Option("--revise", help="Release dates again that were released before.")
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write all released figures as open data (CSV)."),
    ] = None,
    authority: Annotated[
        str | None, typer.Option(help="ONS code. Needed only if there are several authorities.")
    ] = None,
) -> None:
    """Protect figures and release them, so that small counts can be neither read nor computed."""
    from carepath.audit import note
    from carepath.disclosure.open_data import write_open_data
    from carepath.disclosure.release import release
    from carepath.publish import only_authority
    from carepath.terminal.release import print_released, print_written
    from carepath.warehouse import ready

    ready()
    code = only_authority(authority)
    dates = ", ".join(f"{each:%Y-%m-%d}" for each in date or []) or "the dates of the settings"
    note("released figures again" if revise else "released figures", dates, code)
    with console.status("protecting the figures"):
        released = release(code, dates=[each.date() for each in date or []], revise=revise)
    print_released(console, released)
    if to is not None:
        folder = to.expanduser().resolve()
        print_written(console, write_open_data(code, folder), folder)


@app.command(name="as-known-at", rich_help_panel=UNDO)
def as_known_at(date: NightOption) -> None:
    """Build the whole warehouse as it was known on a past day, in separate schemas."""
    from carepath.warehouse import ready
    from carepath.warehouse.as_known_at import build_as_known_at

    ready()
    day = date.date()
    with console.status(f"building the warehouse as known at {day}"):
        build_as_known_at(day)
    console.print(f"Built. The schemas end in _as_known_{day:%Y%m%d}: core, marts_build, ...")


@app.command(rich_help_panel=SAFETY)
def audit(
    since: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day, in UTC.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Only this person.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many lines to print.")] = 100,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all lines to a CSV file; - means the terminal."),
    ] = None,
) -> None:
    """Print who looked at records, waived, approved, exported, rolled back or changed settings."""
    from carepath.audit import read_audit
    from carepath.terminal.audit import print_audit, write_audit
    from carepath.warehouse import ready

    ready()
    day = since.date() if since else None
    if csv is None:
        print_audit(console, read_audit(since=day, by=by, limit=limit))
        return
    found = read_audit(since=day, by=by)
    if str(csv) == "-":
        write_audit(sys.stdout, found)
        return
    with open_for_owner(csv) as file:
        write_audit(file, found)
    console.print(f"{len(found):,} lines written to {csv}", soft_wrap=True)


@app.command(rich_help_panel=SAFETY)
def person(
    authority: Annotated[str, typer.Option(help="ONS code of the authority.")],
    to: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="A new file: .json, or .html for people to read. For several people a new folder.",
        ),
    ],
    case: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="The person's case id; repeat it for several people. Without it, you are asked.",
        ),
    ] = None,
    cases: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="A file with one case id per line."
        ),
    ] = None,
    html: Annotated[
        bool, typer.Option("--html", help="For several people: files to read instead of JSON.")
    ] = False,
) -> None:
    """Write everything held about one person as one file (a subject access request).

    For several people, it writes one file each.
    """
    from carepath.person import UnknownPeopleError, export_people, export_person
    from carepath.terminal.layout import plural
    from carepath.warehouse import ready

    ids = list(case or ())
    if cases is not None:
        ids += read_case_ids(cases)
    ids = ids or [typer.prompt("Case id")]
    to = to.expanduser().resolve()
    ready()
    with console.status("searching every table") as status:
        if len(ids) == 1 and cases is None:
            found = [export_person(authority, ids[0], to)]
        else:

            def begun(number: int, count: int) -> None:
                status.update(f"writing the file of person {number} of {count}")

            try:
                found = export_people(authority, ids, to, to_read=html, begun=begun)
            except UnknownPeopleError as error:
                for each in error.case_ids:
                    errors.print(f"Nothing is held about {each}.", markup=False, soft_wrap=True)
                raise
    rows = plural(sum(sum(each.rows.values()) for each in found), "row")
    if found[0].path == to:
        console.print(f"{rows} of {plural(len(found[0].rows), 'table')} written to {to}.")
        which = "the file. It also says"
    else:
        people = "1 person" if len(found) == 1 else f"{len(found):,} people"
        console.print(f"{rows} about {people} written to {to}.", soft_wrap=True)
        which = "the files. They also say"
    console.print(
        f"Only you can read {which} what others did, such as workers and relatives."
        " Check before you pass anything on (docs/retention.md)."
    )


def read_case_ids(file: Path) -> list[str]:
    """Return the lines of a file that are not blank.

    Raises:
        CarepathError: it is not text in UTF-8, or has no id.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        lines = []
    if ids := [line.strip() for line in lines if line.strip()]:
        return ids
    raise CarepathError(
        "The file has no case id that can be read.",
        where=str(file),
        todo="write one case id per line, in UTF-8.",
    )


@retention_app.callback(invoke_without_command=True)
def retention(
    context: typer.Context,
    authority: Annotated[str | None, typer.Option(help="Only this authority (ONS code).")] = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write whose retention has ended, with case ids."),
    ] = None,
) -> None:
    """Count whose retention has ended, by kind and by what prevents disposal."""
    if context.invoked_subcommand:
        return
    from carepath.audit import note
    from carepath.retention.due import read_due
    from carepath.retention.returned import delivered_again
    from carepath.terminal.retention import print_retention, write_retention
    from carepath.warehouse import ready
    from carepath.warehouse.connect import connect

    ready()
    with connect("carepath_owner") as owner:
        people = read_due(owner, authority)
        again = sum(delivered_again(owner, code) for code in {each.authority for each in people})
    if csv is None:
        print_retention(console, people, again)
        return
    note("exported whose retention has ended", "with case ids", authority)
    with open_for_owner(csv) as file:
        write_retention(file, people)
    console.print(f"Written: {csv}", soft_wrap=True)


@retention_app.command(name="hold")
def retention_hold(
    authority: OfAuthority,
    case: CaseOption,
    reason: Annotated[str, typer.Option(help="Why, such as an inquiry.")],
) -> None:
    """Put a legal hold on a person's records, so that no one can dispose of them."""
    from carepath.retention.decide import hold
    from carepath.warehouse import ready

    ready()
    hold(authority, case, reason)
    console.print("The records are on hold.")


@retention_app.command(name="release")
def retention_release(
    authority: OfAuthority,
    case: CaseOption,
    reason: Annotated[str, typer.Option(help="Why the hold ends.")],
) -> None:
    """Release a legal hold."""
    from carepath.retention.decide import release
    from carepath.warehouse import ready

    ready()
    release(authority, case, reason)
    console.print("The hold is released.")


@retention_app.command(name="ask")
def retention_ask(authority: OfAuthority, case: CaseOption) -> None:
    """Ask that the records of a person who is due be disposed of."""
    from carepath.retention.decide import ask
    from carepath.warehouse import ready

    ready()
    number = ask(authority, case)
    console.print(f"Another person can now run: carepath retention dispose {number}")


@retention_app.command(name="dispose")
def retention_dispose(
    number: Annotated[int, typer.Argument(help="The request that another person made.")],
) -> None:
    """Approve a request, and remove everything held about the person. It cannot be undone."""
    from carepath.retention.disposal import dispose
    from carepath.terminal.layout import plural
    from carepath.warehouse import ready

    ready()
    removed = dispose(
        number, lambda table, count: console.print(f"  {table}: {plural(count, 'row')}")
    )
    console.print(
        f"Disposed of {plural(sum(removed.values()), 'row')} of {plural(len(removed), 'table')}."
        " Backups made before still hold them (docs/retention.md)."
    )


@app.command(rich_help_panel=SAFETY)
def readers() -> None:
    """Apply site/readers.yml now: create its logins, each of which sees some authorities only."""
    from carepath.terminal.readers import apply_readers
    from carepath.warehouse import ready

    ready()
    apply_readers(console)


@app.command(rich_help_panel=SAFETY)
def tls(
    renew: Annotated[
        bool, typer.Option("--renew", help="Make a new certificate. Readers need not reconnect.")
    ] = False,
) -> None:
    """Show the certificate for readers on other machines, and what Windows needs (docs/tls.md)."""
    from carepath.terminal.tls import print_certificate

    print_certificate(console, renew=renew)


@app.command(rich_help_panel=SAFETY)
def privileges(
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write what the roles may do to a CSV file."),
    ] = None,
) -> None:
    """Compare what each role may do in the warehouse with the list of this release."""
    from carepath.terminal.privileges import print_differences
    from carepath.warehouse import ready

    ready()
    if not print_differences(console, write):
        raise typer.Exit(1)


@app.command(rich_help_panel=DEVELOP)
def docs(
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing. Fail if a generated file is out of date."),
    ] = False,
) -> None:
    """Write all generated pages, the staging models, and dbt's own documentation."""
    from carepath.documents import generated

    if check:
        found = generated.stale()
        for name in found:
            console.print(f"{name} is out of date. Run `make docs`.")
        raise typer.Exit(bool(found))
    from carepath.warehouse import ready

    for name in generated.write():
        console.print(f"Written: {name}")
    ready()
    with console.status("dbt's documentation"):
        page = generated.write_dbt_docs()
    console.print(f"Written: {page}")


@app.command(rich_help_panel=FIGURES)
def powerbi(
    folder: Annotated[Path, typer.Argument(help="Where to write the project.")],
    server: Annotated[
        str, typer.Option(help="The warehouse as Power BI connects to it: host:port.")
    ] = "localhost:5432",
    database: Annotated[str, typer.Option(help="The database of the warehouse.")] = "warehouse",
) -> None:
    """Write a Power BI project: a semantic model and a report on the marts (docs/powerbi.md)."""
    from carepath.powerbi.catalogue import read_catalogue
    from carepath.powerbi.project import NAME, project_files, write_project

    files = project_files(read_catalogue(), server=server, database=database)
    changed = write_project(folder, files)
    console.print(f"{len(changed)} of {len(files)} files written or removed.")
    console.print(f"Open in Power BI Desktop: {folder / f'{NAME}.pbip'}", markup=False)


def subject_of(error: CarepathError) -> tuple[str, str]:
    """Return what an error is about, to be shown first, and the rest of its message.

    Most places begin with the same word ("source ashmere"), which is not said twice.
    """
    family = next((c for c in type(error).__mro__ if CarepathError in c.__bases__), CarepathError)
    kind = re.sub("(?<=[a-z])(?=[A-Z])", " ", family.__name__.removesuffix("Error")).capitalize()
    text = str(error)
    if re.match(rf"{kind}\b", text, re.I):
        return kind, text[len(kind) :]
    return kind, f": {text}"


@contextmanager
def in_plain_words() -> Iterator[None]:
    """Turn an expected failure into its one message and exit code 1."""
    try:
        yield
    except CarepathError as error:
        kind, text = subject_of(error)
        errors.print(f"[bold red]{kind}[/]", end="")
        errors.print(text, markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("Stopped. Figures are published whole or not at all.")
        sys.exit(130)


def main() -> None:
    """Run the command line."""
    from carepath import logs

    keep_others_out()
    logs.configure()
    with in_plain_words():
        app()
