"""`carepath doctor`: what is wrong on this machine, in the warehouse or with a source."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import yaml
from rich.console import Console

from carepath import record_start
from carepath.contract import load_contract
from carepath.contract.doctor import compare, print_report
from carepath.errors import CarepathError
from carepath.settings import get_settings
from carepath.sources import find_source, open_source, read_sources
from carepath.warehouse import ready
from carepath.warehouse.connect import connect

GIGABYTE = 1_000_000_000
SMALLEST_DISK = 5 * GIGABYTE
SMALLEST_MEMORY = 4 * GIGABYTE


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, whether it is well, and what was seen or must be done."""

    what: str
    well: bool
    text: str


def examine(console: Console, source: str | None) -> bool:
    """Check and print; with a source, compare it with the contract as well.

    Args:
        console: where to print.
        source: a source's name, `ssda903:FOLDER`, `all`, or None for none.

    Returns:
        Whether all is well.
    """
    well = True
    checks = (python, memory, disk, home, server, schema, listed_sources, report_dates)
    for check in checks:
        finding = _guarded(check)
        well = well and finding.well
        sign = "[green]ok  [/]" if finding.well else "[bold red]MEND[/]"
        console.print(f"{sign} {finding.what:<22}", end="")
        console.print(finding.text, markup=False)
    if source:
        names = [s.name for s in read_sources()] if source == "all" else [source]
        for name in names:
            well = _examine_source(console, name) and well
    return well


def python() -> Finding:
    """Python must be 3.11 or newer."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("Python", sys.version_info >= (3, 11), f"{found} (3.11 or newer is needed)")


def memory() -> Finding:
    """Airflow, dbt and PostgreSQL together need about 4 GB."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Finding("Memory", size >= SMALLEST_MEMORY, f"{size / GIGABYTE:.1f} GB (at least 4)")


def disk() -> Finding:
    """A borough's warehouse takes a few gigabytes with its history."""
    folder = get_settings().home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Finding(
        "Disk", free >= SMALLEST_DISK, f"{free / GIGABYTE:.0f} GB free at {folder} (at least 5)"
    )


def home() -> Finding:
    """Passwords must be readable by their owner only."""
    file = get_settings().home / "passwords.json"
    if not file.exists():
        return Finding("Home", True, f"{file.parent} (made at the first start)")
    mode = file.stat().st_mode & 0o777
    return Finding(
        "Home",
        mode == 0o600,
        f"{file.parent}" if mode == 0o600 else f"{file} is mode {mode:o}; do: chmod 600 {file}",
    )


def server() -> Finding:
    """The warehouse's PostgreSQL must answer and be 16 or later."""
    ready()
    with connect("carepath_analyst") as connection:
        version = connection.info.server_version
        place = f"{connection.info.host}:{connection.info.port}"
    kind = "existing" if get_settings().warehouse_url else "embedded"
    text = f"{version // 10000}.{version % 10000} ({kind}) at {place}"
    return Finding("PostgreSQL", version >= 160000, text)


def schema() -> Finding:
    """All migrations must have been carried out."""
    with connect("carepath_owner") as connection:
        row = connection.execute("select version_num from ops.schema_version").fetchone()
    return Finding("Warehouse", row is not None, f"migrated to {row[0] if row else 'nothing'}")


def listed_sources() -> Finding:
    """At least one recording system should be listed."""
    names = [spec.name for spec in read_sources()]
    file = get_settings().sources_file
    if not names:
        return Finding(
            "Sources", True, f"none listed yet in {file} (README, 'Connect your own system')"
        )
    return Finding("Sources", True, f"{len(names)} in {file}: {', '.join(names[:5])}")


def report_dates() -> Finding:
    """The pathway must not be counted before records have been complete for two years."""
    project = get_settings().project_root / "dbt_project" / "dbt_project.yml"
    declared = yaml.safe_load(project.read_text(encoding="utf-8"))["vars"]["first_report_date"]
    first = date.fromisoformat(declared)
    with connect("carepath_analyst") as connection:
        found = record_start.starts(connection)
    if not found:
        return Finding("First report date", True, f"{first} (too few records to judge it by)")
    (authority, kind), complete = max(found.items(), key=lambda each: (each[1], each[0]))
    least = record_start.first_report_date(complete)
    since = f"{kind} of {authority} are complete from {complete:%B %Y} on"
    if first >= least:
        return Finding("First report date", True, f"{first} ({since})")
    return Finding(
        "First report date",
        False,
        f"{first}, but {since}, and figures look back up to two years: the earliest show too "
        f"little. Set first_report_date in {project} to {least} or a later quarter end",
    )


def _guarded(check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except CarepathError as error:
        return Finding(check.__name__.replace("_", " ").capitalize(), False, str(error))


def _examine_source(console: Console, name: str) -> bool:
    try:
        spec = find_source(name)
        with open_source(spec).open() as session:
            described = session.describe()
            is_partial = spec.is_partial or session.is_partial
    except CarepathError as error:
        console.print(f"[bold red]MEND[/] {name:<22}", end="")
        console.print(str(error), markup=False)
        return False
    report = compare(load_contract(), described, spec.spelling, is_partial=is_partial)
    print_report(console, report)
    return report.kept
