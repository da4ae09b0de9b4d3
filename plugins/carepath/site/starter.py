"""Write commented settings files for a council to edit, with the project's defaults in them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from carepath.errors import SettingsError
from carepath.settings import PROJECT_ROOT, get_settings
from carepath.site.decisions import DECISIONS
from carepath.site.desk import DESK
from carepath.site.directory import DIRECTORY
from carepath.site.disclosure import DISCLOSURE
from carepath.site.files import FILES, SITE_DEFAULTS
from carepath.site.readers import READERS
from carepath.site.reading import RULES, SOURCES, site_folder
from carepath.site.retention import RETENTION

# the files that nearly every council changes
USUAL: Final = (SOURCES, RULES, "first_report_dates.csv", "targets.csv", "unit_costs.csv")
WIDTH: Final = 96

SOURCES_TEXT: Final = """\
# The recording systems that a night loads. Remove the leading "# " and fill in your own.
# docs/data_contract.md says what a source must deliver. Then run `carepath doctor --source NAME`.
#
# - name: liquidlogic              its name in runs, logs and on the command line
#   authority: E09000000           ONS code of the local authority
#   authority_name: Your council
#   url: mssql+mssqlpython://reader:${SSD_PASSWORD}@server/HDM
#   schema: ssd_development        where the tables are; by default that of the connection
#   spelling: liquidlogic          the vendor of its column names: liquidlogic, mosaic, eclipse
"""

RULES_TEXT: Final = """\
# Your own thresholds: the share and the number of records that may fail a warning rule. A rule
# holds the figures when more fail than both allow. docs/rule_book.md lists the rules and their
# defaults. Remove the leading "# ".
#
# REC-03:
#   threshold: 0.02
#   threshold_count: 20
#   because: Our old system left the key of closed records blank.
"""

DECISIONS_TEXT: Final = """\
# How you decide (docs/runbooks/gate_held.md). Remove the leading "# ".
#
# A waiver counts once a second person has approved it. If your team is one person:
# one_person_decides: true
# because: The BI team is one person until April.
#
# The records that rules may take out of a figure before the night is held, by KPI: more than this
# share and more than this number.
# budgets:
#   kpi_eet:
#     share: 0.05
#     count: 5
#     because: We are cleaning up the activity codes until June.
"""


DESK_TEXT: Final = """\
# The stewards' desk (docs/desk.md). Remove the leading "# ".
#
# The address of a case in your recording system, by authority. {case_id} is where the id goes.
# record_links:
#   E09000000: https://liquidlogic.council.example/person/{case_id}
#
# Who gets a digest each morning. The variable of the service's environment holds the addresses.
# digests:
#   - team: Leaving care east
#     addresses: CAREPATH_DIGEST_EAST
"""


DIRECTORY_TEXT: Final = """\
# Sign in with the council's own directory, through OpenID Connect (docs/sign_in.md). As long as
# this file says nothing, people sign in with Airflow's accounts. Remove the leading "# ".
#
# issuer: https://login.microsoftonline.com/YOUR-TENANT/v2.0
# client_id: 00000000-0000-0000-0000-000000000000
# roles:                             the groups that have each role
#   Carepath viewer: [carepath-viewers]
#   Carepath steward: [carepath-stewards]
#   Carepath approver: [carepath-approvers]
#   Admin: [carepath-admins]
"""


DISCLOSURE_TEXT: Final = """\
# How figures that leave the department are protected (docs/published_figures.md). These are the
# defaults. Remove the leading "# " of what you change.
#
# suppress_up_to: 5                  counts from 1 to this are suppressed
# width: 4                           how far the bounds of other suppressed counts are apart
# round_to: 1                        1 (no rounding), 5 or 10
# decimals: 1                        of percentages, rates and averages
# dates: quarter ends and latest     or: year ends and latest, quarter ends, year ends
# leave_out_segments: [team]         kinds of segments that are not released
# leave_out_measures: []             codes of measures that are not released
"""


READERS_TEXT: Final = """\
# Logins that see some authorities only, or some teams only (docs/row_policies.md). As long as this
# file names no login, each login sees all. Remove the leading "# ", then run `carepath readers`,
# which creates the logins.
#
# readers:
#   - login: bi_ashmere              begins with bi_, or with caseload_ for `carepath due`'s list
#     authorities: [E09000001]       ONS codes
#     teams: [Leaving Care North]    leave the line out for all teams
#
# desk:                              accounts that see the records of some teams only
#   - person: n.smith
#     authorities: [E09000001]
#     teams: [Leaving Care North]
"""


RETENTION_TEXT: Final = """\
# How many years records are kept (docs/retention.md). These are the defaults, and the first three
# are what the law says at least. Remove the leading "# " of what you change.
#
# looked_after: 75                   from the birth of a child who was ever looked after
# died_before_18: 15                 from the death of a looked-after child who died before 18
# adopted: 100                       from the adoption
# other: 25                          from the birth of anybody else
"""


def names() -> list[str]:
    """Return the names of all settings files."""
    return [
        SOURCES,
        RULES,
        DECISIONS,
        DESK,
        DIRECTORY,
        DISCLOSURE,
        READERS,
        RETENTION,
        *(f"{name}.csv" for name in FILES),
    ]


def write_starters(wanted: Sequence[str] = ()) -> list[Path]:
    """Write settings files that are not there yet.

    Args:
        wanted: names of files, with or without their ending; by default the usual ones.

    Returns:
        The files written. An existing file stays as it is.

    Raises:
        SettingsError: a name is not known; nothing was written.
    """
    chosen = [_full_name(name) for name in wanted] or list(USUAL)
    folder = site_folder()
    written = []
    for name in chosen:
        path = folder / name
        if path.exists() or (name == SOURCES and get_settings().sources_file.exists()):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(_text(name), encoding="utf-8")
        written.append(path)
    return written


def described(name: str) -> dict[str, Any]:
    """Return how the project describes a CSV file and its columns."""
    path = PROJECT_ROOT / "dbt_project" / "seeds" / f"{name}.yml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["seeds"][0]
    return found


def _full_name(name: str) -> str:
    for known in names():
        if name in (known, known.partition(".")[0]):
            return known
    raise SettingsError(
        f"There is no settings file {name}.", todo=f"name one of: {', '.join(names())}."
    )


def _text(name: str) -> str:
    if name == SOURCES:
        return SOURCES_TEXT
    if name == RULES:
        return RULES_TEXT
    if name == DESK:
        return DESK_TEXT
    if name == DIRECTORY:
        return DIRECTORY_TEXT
    if name == READERS:
        return READERS_TEXT
    if name == RETENTION:
        return RETENTION_TEXT
    if name == DECISIONS:
        return DECISIONS_TEXT
    if name == DISCLOSURE:
        return DISCLOSURE_TEXT
    about = described(name.removesuffix(".csv"))
    comment = [
        *textwrap.wrap(" ".join(about["description"].split()), WIDTH),
        "This file replaces the default as a whole. Lines that begin with # are ignored.",
        "",
    ]
    for column in about["columns"]:
        text = " ".join(column["description"].split())
        comment += textwrap.wrap(f"{column['name']}: {text}", WIDTH, subsequent_indent="    ")
    lines = [f"# {line}".rstrip() for line in comment]
    return "\n".join([*lines, (SITE_DEFAULTS / name).read_text(encoding="utf-8")])
