"""What is wrong on this machine, in the warehouse or with a source.

Everything here returns data; carepath.terminal.doctor prints it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from carepath import record_start
from carepath.contract import load_contract
from carepath.contract.code_lists import load as load_code_lists
from carepath.contract.differences import SourceComparison, compare
from carepath.dates import written
from carepath.door import certificate
from carepath.errors import CarepathError
from carepath.settings import get_settings, is_near
from carepath.site import FirstReportDate, read_site
from carepath.site.decisions import DECISIONS
from carepath.site.effective import effective_programmes
from carepath.site.readers import READERS
from carepath.site.reading import RULES, SOURCES, site_folder
from carepath.sources import SourceSession, SourceSpec, find_source, open_source, read_sources
from carepath.sources.content import TableContent, read_content
from carepath.sources.kind import refuse_unreadable
from carepath.warehouse import ready
from carepath.warehouse.connect import administrator_parameters, connect
from carepath.warehouse.passwords import passwords_file
from carepath.warehouse.privileges import differences
from carepath.without_data import (
    WithoutData,
    delivered_names,
    measures_without_data,
    rules_without_data,
)
from expectations.table_facts import PLANNED

GIGABYTE = 1_000_000_000
SMALLEST_DISK = 5 * GIGABYTE
SMALLEST_MEMORY = 4 * GIGABYTE


@dataclass(frozen=True)
class Diagnosis:
    """What one examination found: its subject, whether all is well, and what to do if not."""

    subject: str
    well: bool
    text: str


def examine() -> Iterator[Diagnosis]:
    """Examine the machine and the warehouse, one subject after the other."""
    for examination in (
        python,
        memory,
        disk,
        home,
        encryption,
        server,
        schema,
        privileges,
        settings,
        listed_sources,
        report_dates,
    ):
        yield _guarded(examination)


@dataclass(frozen=True)
class SourceExamination:
    """What an examination of a source found.

    Attributes:
        comparison: how it differs from the contract.
        contents: what each delivered table holds, in counts.
        rules: the rules that have no data, each once for every table that it judges.
        measures: the measures that have no data.
        is_partial: whether other sources may deliver what this one lacks.
    """

    comparison: SourceComparison
    contents: tuple[TableContent, ...]
    rules: tuple[WithoutData, ...]
    measures: tuple[WithoutData, ...]
    is_partial: bool


def examine_source(name: str) -> SourceExamination:
    """Compare a source with the contract, and count what it holds.

    Args:
        name: a name in sources.yml, or `ssda903:PATH`.

    Raises:
        CarepathError: there is no such source, it cannot be reached, or it fails.
    """
    spec = find_source(name)
    with open_source(spec).open() as session:
        comparison = _compare(session, spec)
        lists = {**load_code_lists(), "programme": effective_programmes()}
        contents = tuple(read_content(session, comparison.delivered, lists, PLANNED))
        is_partial = spec.is_partial or session.is_partial
    delivered = delivered_names(comparison)
    return SourceExamination(
        comparison,
        contents,
        tuple(rules_without_data(delivered)),
        tuple(measures_without_data(delivered)),
        is_partial,
    )


def compare_spec(spec: SourceSpec) -> SourceComparison:
    """Compare a source with the contract, and try to read each column that a night would read.

    Raises:
        CarepathError: it cannot be reached, or a column cannot be read.
    """
    with open_source(spec).open() as session:
        return _compare(session, spec)


def _compare(session: SourceSession, spec: SourceSpec) -> SourceComparison:
    is_partial = spec.is_partial or session.is_partial
    found = compare(load_contract(), session.describe(), spec.spelling, is_partial=is_partial)
    refuse_unreadable(
        spec.name,
        session,
        [
            (table.table, [column for column in table.columns.values() if column is not None])
            for table in found.delivered
        ],
    )
    return found


def python() -> Diagnosis:
    """Python must be 3.11 or newer."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    return Diagnosis("Python", sys.version_info >= (3, 11), f"{found} (3.11 or newer is needed)")


def memory() -> Diagnosis:
    """Airflow, dbt and PostgreSQL together need about 4 GB."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Diagnosis("Memory", size >= SMALLEST_MEMORY, f"{size / GIGABYTE:.1f} GB (at least 4)")


def disk() -> Diagnosis:
    """A borough's warehouse takes a few gigabytes with its history."""
    folder = get_settings().home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Diagnosis(
        "Disk", free >= SMALLEST_DISK, f"{free / GIGABYTE:.0f} GB free at {folder} (at least 5)"
    )


def home() -> Diagnosis:
    """Only their owner may read the passwords, and write into the home."""
    file = passwords_file()
    if not file.exists():
        return Diagnosis("Home", True, f"{file.parent} (made at the first start)")
    folder = get_settings().home
    if file.stat().st_mode & 0o777 & ~0o600:
        return Diagnosis("Home", False, f"Other accounts can read {file}. Run `chmod 600 {file}`.")
    if folder.exists() and folder.stat().st_mode & 0o022:
        text = f"Other accounts can write into {folder}. Run `chmod go-w {folder}`."
        return Diagnosis("Home", False, text)
    return Diagnosis("Home", True, str(file.parent))


def encryption() -> Diagnosis:
    """A connection to another machine must be encrypted, and the server's certificate checked."""
    if get_settings().tls_listen is not None:
        return _encrypted_door()
    if get_settings().warehouse_url is None:
        return Diagnosis("Encryption", True, "not needed: nothing leaves the machine")
    found = administrator_parameters()
    if is_near(found["host"]) or found["host"].startswith("/"):
        return Diagnosis("Encryption", True, f"not needed for {found['host']}")
    well = found.get("sslmode") == "verify-full"
    text = f"to {found['host']}, whose certificate is checked"
    todo = (
        f"Others may read or change what goes to {found['host']}. Write ?sslmode=verify-full behind"
        " the address in CAREPATH_WAREHOUSE_URL (docs/tls.md)."
    )
    return Diagnosis("Encryption", well, text if well else todo)


def _encrypted_door() -> Diagnosis:
    """The certificate that readers on other machines see must be good, and for some time."""
    subject = "Encryption"
    if get_settings().warehouse_url is not None:
        text = "CAREPATH_TLS_LISTEN is for the embedded PostgreSQL only. Unset it (docs/tls.md)."
        return Diagnosis(subject, False, text)
    found = certificate.current()
    until = f"The certificate is valid until {written(found.expires)}."
    again = "Ask the council's IT for a new one." if found.is_councils else certificate.AGAIN
    if found.ends_soon:
        return Diagnosis(subject, False, f"{until} {again}")
    if not found.is_councils and (new := set(certificate.wanted_names()) - set(found.names)):
        text = f"The certificate does not have the name {min(new)}. {again}"
        return Diagnosis(subject, False, text)
    if not found.is_councils and found.is_local:
        text = "The certificate has no name that other machines know. Set CAREPATH_TLS_NAMES."
        return Diagnosis(subject, False, text)
    text = f"readers connect to {get_settings().tls_listen}, encrypted. {until}"
    return Diagnosis(subject, True, text)


def server() -> Diagnosis:
    """The warehouse's PostgreSQL must answer and be 16 or later."""
    ready()
    with connect("carepath_analyst") as connection:
        version = connection.info.server_version
        place = f"{connection.info.host}:{connection.info.port}"
    kind = "existing" if get_settings().warehouse_url else "embedded"
    text = f"{version // 10000}.{version % 10000} ({kind}) at {place}"
    return Diagnosis("PostgreSQL", version >= 160000, text)


def schema() -> Diagnosis:
    """All migrations must have been carried out."""
    with connect("carepath_owner") as connection:
        row = connection.execute("select version_num from ops.schema_version").fetchone()
    return Diagnosis("Warehouse", row is not None, f"migrated to {row[0] if row else 'nothing'}")


def privileges() -> Diagnosis:
    """Roles must have the privileges of the release's list, no more and no fewer."""
    with connect("carepath_owner") as connection:
        more, missing = differences(connection)
    if more or missing:
        text = f"{len(more)} are not in the release's list, {len(missing)} are missing from the"
        return Diagnosis("Privileges", False, f"{text} warehouse. Run `carepath privileges`.")
    return Diagnosis("Privileges", True, "as the release lists them")


def listed_sources() -> Diagnosis:
    """At least one recording system should be listed."""
    names = [spec.name for spec in read_sources()]
    file = get_settings().sources_file
    wanted = site_folder() / SOURCES
    before = get_settings().home / SOURCES
    if file == before:
        text = f"{file} is in its old place. Move it: mv {file} {wanted}"
        return Diagnosis("Sources", True, f"{len(names)} listed; {text}")
    if before.is_file():
        text = f"Carepath reads {wanted}, and not {before}. Delete {before}."
        return Diagnosis("Sources", False, text)
    if not names:
        return Diagnosis(
            "Sources",
            True,
            f"No source is listed yet in {file}. 'Connect your own system' in the README says how.",
        )
    return Diagnosis("Sources", True, f"{len(names)} in {file}: {', '.join(names[:5])}")


def settings() -> Diagnosis:
    """The council's own settings must be valid, or the next night is refused."""
    found = read_site()
    if found.problems:
        return Diagnosis("Settings", False, " ".join(str(problem) for problem in found.problems))
    own = sum(not each.is_default for each in settings_in_use())
    return Diagnosis("Settings", True, f"{own} files of your own in {site_folder()}")


@dataclass(frozen=True)
class SettingInUse:
    """One settings file: what it is for, and whether the default is used.

    Attributes:
        row_count: its rows, or entries.
    """

    file: str
    says: str
    is_default: bool
    row_count: int


def settings_in_use() -> list[SettingInUse]:
    """Return which settings are set and which are defaults, as the next night will use them."""
    site = read_site()
    rules, decisions = site_folder() / RULES, site_folder() / DECISIONS
    return [
        SettingInUse(
            SOURCES,
            "the recording systems that a night loads",
            not get_settings().sources_file.is_file(),
            len(read_sources()),
        ),
        SettingInUse(
            RULES, "thresholds of warning rules", not rules.is_file(), len(site.thresholds)
        ),
        SettingInUse(
            READERS,
            "logins that see some authorities only",
            not (site_folder() / READERS).is_file(),
            len(site.readers.readers),
        ),
        SettingInUse(
            DECISIONS,
            "who approves waivers, and budgets of figures",
            not decisions.is_file(),
            len(site.decisions.budgets),
        ),
        *(
            SettingInUse(f"{name}.csv", table.file.says, table.is_default, len(table.rows))
            for name, table in site.tables.items()
        ),
    ]


def report_dates() -> Diagnosis:
    """The pathway must not be counted before records have been complete for two years."""
    subject = "First report date"
    rows = [row for _, row in read_site().tables["first_report_dates"].rows]
    dates = {
        row.authority: row.first_report_date for row in rows if isinstance(row, FirstReportDate)
    }
    with connect("carepath_analyst") as connection:
        found = record_start.starts(connection)
    shown = ", ".join(f"{day} ({authority or 'any'})" for authority, day in dates.items())
    if not found:
        return Diagnosis(subject, True, f"{shown}; there are too few records to judge it")
    said = []
    for authority in sorted({authority for authority, _ in found}):
        complete, kind = max(
            (day, kind) for (code, kind), day in found.items() if code == authority
        )
        least = record_start.first_report_date(complete)
        first = dates.get(authority, dates[None])
        since = f"{kind} of {authority} are complete from {complete:%B %Y}"
        if first < least:
            return Diagnosis(
                subject,
                False,
                f"{first}, but {since}. Figures look back up to two years, so the earliest "
                f"are too low. Set the date of {authority} in "
                f"{site_folder() / 'first_report_dates.csv'} to {least} or a later quarter end.",
            )
        said.append(f"{first} ({since})")
    return Diagnosis(subject, True, "; ".join(said))


def _guarded(examination: Callable[[], Diagnosis]) -> Diagnosis:
    try:
        return examination()
    except CarepathError as error:
        subject = examination.__name__.replace("_", " ").capitalize()
        return Diagnosis(subject, False, str(error))
