"""`carepath work-list`: each record that fails a rule, why, what to do, and who does it."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from itertools import groupby
from typing import IO, Final

from psycopg.rows import class_row
from rich.console import Console
from rich.padding import Padding

from carepath.spreadsheets import inert
from carepath.terminal.layout import plural, print_indented, table_of
from carepath.warehouse.connect import connect

STEWARD: Final = "carepath_steward"


@dataclass(frozen=True)
class Filters:
    """Which failing records to show; None shows all.

    Attributes:
        rule, team, owner: a part of the text is enough; case does not matter.
        held: True only what holds the figures, False only what does not.
        new: only what did not fail on the night before.
    """

    authority: str | None = None
    rule: str | None = None
    team: str | None = None
    owner: str | None = None
    severity: str | None = None
    held: bool | None = None
    new: bool = False


@dataclass(frozen=True)
class Failing:
    """A record that fails a rule. It has keys and ids, and no other value of the record."""

    authority: str
    night: dt.date
    is_holding: bool
    rule_id: str
    severity: str
    owner: str
    table_name: str
    record_key: str
    person_id: str | None
    team: str | None
    failing_since: dt.date
    plain_words: str
    what_to_do: str
    waiver_id: int | None
    waiver_state: str | None
    waived_until: dt.date | None
    waiver_asked_by: str | None
    waiver_approved_by: str | None

    @property
    def waiver(self) -> str:
        """The waiver in words: until when, and by whom; blank if there is none."""
        if self.waiver_id is None:
            return ""
        asked = f"waiver {self.waiver_id}, asked for by {self.waiver_asked_by}"
        if self.waiver_state == "waiting":
            return f"not waived yet: {asked}, waits for a second person"
        by = f", approved by {self.waiver_approved_by}" if self.waiver_approved_by else ""
        return f"waived until {self.waived_until}: {asked}{by}"

    @property
    def is_new(self) -> bool:
        """Whether it did not fail on the night before."""
        return self.failing_since == self.night

    @property
    def how_long(self) -> str:
        """Since when it has failed, in words."""
        if self.is_new:
            return f"{self.failing_since}, new"
        return f"{self.failing_since}, {plural((self.night - self.failing_since).days, 'day')}"


def read_work_list(filters: Filters) -> list[Failing]:
    """Return the failing records of each authority's latest gate runs, worst first."""
    with connect(STEWARD) as connection:
        cursor = connection.cursor(row_factory=class_row(Failing))
        return cursor.execute(
            f"select {', '.join(field.name for field in fields(Failing))}"
            " from (select list.*, waivers.ends_on as waived_until,"
            " waivers.asked_by as waiver_asked_by, waivers.approved_by as waiver_approved_by"
            " from quality.work_list as list left join quality.waivers as waivers"
            " on list.waiver_id = waivers.waiver_id) as list"
            " where (%(authority)s::text is null or authority = upper(%(authority)s))"
            " and (%(rule)s::text is null or starts_with(rule_id, upper(%(rule)s)))"
            " and (%(team)s::text is null or strpos(lower(team), lower(%(team)s)) > 0)"
            " and (%(owner)s::text is null or strpos(lower(owner), lower(%(owner)s)) > 0)"
            " and (%(severity)s::text is null or severity = lower(%(severity)s))"
            " and (%(held)s::boolean is null or is_holding = %(held)s)"
            " and (not %(new)s or failing_since = night)"
            " order by is_holding desc,"
            " array_position(array['critical', 'warning', 'info'], severity), rule_id, authority,"
            " table_name, failing_since, record_key",
            vars(filters),
        ).fetchall()


def anything_judged() -> bool:
    """Return whether a gate has ever judged a delivery of this warehouse."""
    with connect(STEWARD) as connection:
        row = connection.execute("select exists(select from quality.gate_runs)").fetchone()
    return bool(row and row[0])


def print_work_list(console: Console, filters: Filters | None = None, *, limit: int = 10) -> None:
    """Print the stewards' list by rule, worst first: keys and ids, never a value of a record.

    Args:
        console: where to print.
        filters: which records.
        limit: how many records to print per rule.
    """
    filters = filters or Filters()
    found = read_work_list(filters)
    if not found:
        console.print(_why_empty(filters))
        return
    console.print(f"  [bold]Work list[/], {plural(len(found), 'record')} by rule")
    for (rule, code, table), each in groupby(
        found, lambda f: (f.rule_id, f.authority, f.table_name)
    ):
        records = list(each)
        first = records[0]
        mark = "[bold yellow]holds [/]" if first.is_holding else "      "
        console.print(
            f"  {mark}[bold]{rule}[/] {first.severity}, {code} {table}: "
            f"{plural(len(records), 'record')}"
        )
        for text in (
            f"why         {first.plain_words}",
            f"what to do  {first.what_to_do}",
            f"who         {first.owner}",
        ):
            print_indented(console, text)
        _print_records(console, records, limit)


def write_csv(file: IO[str], found: Sequence[Failing]) -> None:
    """Write the records as CSV, one row each. Text that a spreadsheet would run is quoted."""
    writer = csv.writer(file)
    writer.writerow([*(field.name for field in fields(Failing)), "is_new"])
    for each in found:
        writer.writerow([inert(value) for value in (*astuple(each), each.is_new)])


def _print_records(console: Console, records: Sequence[Failing], limit: int) -> None:
    shown = records[:limit]
    is_waived = any(each.waiver for each in shown)
    headings = ("record", "person", "failing since", "team", *(("waiver",) if is_waived else ()))
    table = table_of("", left=headings)
    for each in shown:
        cells = (each.record_key, each.person_id or "", each.how_long, each.team or "")
        table.add_row(*cells, *((each.waiver,) if is_waived else ()))
    console.print(Padding(table, (0, 0, 0, 8)))
    if len(records) > limit:
        more = len(records) - limit
        print_indented(console, f"and {more:,} more: --limit {len(records)}, or --csv FILE")
    console.print()


def _why_empty(filters: Filters) -> str:
    if not anything_judged():
        return (
            "Nothing has been judged yet, because no night has loaded records. Run "
            "`carepath run --date DATE` to load a night."
        )
    if filters != Filters():
        return "No failing record matches these filters."
    return "The work list is empty: no record fails a rule."
