"""`carepath work-list`: each record that fails a rule, why, what to do, and who does it."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import IO, Any, Final

import psycopg
from psycopg.rows import class_row
from rich.console import Console
from rich.padding import Padding

from carepath.quality.open_findings import (
    HELD,
    HOLDS,
    IS_NEW,
    IS_WAIVED,
    OPEN,
    RULES,
    each_piece,
    teams_named,
)
from carepath.spreadsheets import inert
from carepath.terminal.layout import plural, print_indented, table_of
from carepath.warehouse.connect import connect

STEWARD: Final = "carepath_steward"


@dataclass(frozen=True)
class Filters:
    """Which failing records to show; None shows all.

    Attributes:
        rule, team, owner: a part of the text is enough; case does not matter.
        teams: the teams with that part in their names, as `with_teams` finds them.
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
    teams: Sequence[str] | None = None

    def with_teams(self, connection: psycopg.Connection[Any]) -> Filters:
        """Return the filters with the teams that are meant: by whole names, an index finds them."""
        if self.team is None or self.teams is not None:
            return self
        return replace(self, teams=teams_named(connection, self.team))

    def applied_to(self, query: str) -> str:
        """Return a query with the conditions on records and on rules that the filters ask for."""

        def joined(conditions: Mapping[str, str], *more: str) -> str:
            asked = [text for name, text in conditions.items() if getattr(self, name) is not None]
            return " and ".join((*asked, *more)) or "true"

        return query.format(
            of_records=joined(OF_RECORDS, *([IS_NEW] if self.new else [])),
            of_rules=joined(OF_RULES),
        )


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


@dataclass(frozen=True)
class Group:
    """The records of an authority's table that fail one rule, and hold the figures or do not."""

    is_holding: bool
    rule_id: str
    authority: str
    table_name: str
    severity: str
    owner: str
    plain_words: str
    what_to_do: str
    record_count: int


OF_RECORDS: Final[Mapping[str, str]] = {
    "authority": "kept.authority = upper(%(authority)s)",
    "teams": "kept.teams && %(teams)s::text[]",
}
OF_RULES: Final[Mapping[str, str]] = {
    "rule": "starts_with(rules.rule_id, upper(%(rule)s))",
    "owner": "strpos(lower(rules.owner), lower(%(owner)s)) > 0",
    "severity": "rules.severity = lower(%(severity)s)",
}
WORST_FIRST: Final = "is_holding desc, severity_rank, rule_id, authority, table_name"

# An index has the open findings by rule, authority and table: it counts them without the rows.
COUNTS: Final = f"""
with counted as (
    select kept.rule_id, kept.authority, kept.table_name, count(*) as record_count,
        count(*) filter (where {IS_WAIVED}) as waived_count
    from quality.kept_findings as kept
    where kept.fixed_on is null and {{of_records}}
        and kept.rule_id = any(array(select rules.rule_id from quality.rules where {{of_rules}}))
    group by kept.rule_id, kept.authority, kept.table_name
)
select {", ".join(f"found.{field.name}" for field in fields(Group))}
from (
    select counted.rule_id, counted.authority, counted.table_name, rules.severity,
        rules.severity_rank, rules.owner, rules.plain_words, rules.what_to_do,
        parts.is_holding, parts.record_count
    from counted
    inner join {RULES} as rules on counted.rule_id = rules.rule_id
    left join {HELD} as held
        on
            counted.rule_id = held.rule_id
            and counted.authority = held.authority
            and counted.table_name = held.table_name
    cross join lateral (
        values
            (true, case when held.rule_id is not null
                then counted.record_count - counted.waived_count end),
            (false, case when held.rule_id is null
                then counted.record_count else counted.waived_count end)
    ) as parts (is_holding, record_count)
    where rules.retired_at is null and parts.record_count > 0
        and (%(held)s::boolean is null or parts.is_holding = %(held)s)
) as found
order by {WORST_FIRST}
"""
# the first records of a group
FIRST: Final = f"""
select kept.finding_id
from {OPEN} and {{of_records}}
    and kept.rule_id = %(group_rule)s
    and kept.authority = %(group_authority)s
    and kept.table_name = %(group_table)s
    and {HOLDS} = %(group_holds)s
order by kept.failing_since, kept.finding_id
limit %(limit)s
"""
ALL: Final = f"""
select finding_id
from (
    select kept.finding_id, {HOLDS} as is_holding, rules.severity_rank, rules.rule_id,
        kept.authority, kept.table_name, kept.failing_since
    from {OPEN} and {{of_records}} and {{of_rules}}
        and (%(held)s::boolean is null or {HOLDS} = %(held)s)
) as chosen
order by {WORST_FIRST}, failing_since, finding_id
"""
COLUMNS: Final = f"""
select {", ".join(f"list.{field.name}" for field in fields(Failing))}
from (
    select list.*, waivers.ends_on as waived_until, waivers.asked_by as waiver_asked_by,
        waivers.approved_by as waiver_approved_by
    from quality.work_list as list
    left join quality.waivers on list.waiver_id = waivers.waiver_id
    where list.finding_id = any(%(ids)s)
) as list
inner join unnest(%(ids)s::bigint[]) with ordinality as chosen (finding_id, place)
    on list.finding_id = chosen.finding_id
order by chosen.place
"""


def read_groups(connection: psycopg.Connection[Any], filters: Filters) -> list[Group]:
    """Return how many records fail, by rule, authority and table, worst first."""
    filters = filters.with_teams(connection)
    cursor = connection.cursor(row_factory=class_row(Group))
    return cursor.execute(filters.applied_to(COUNTS), vars(filters)).fetchall()


def count_work_list(filters: Filters) -> int:
    """Return how many failing records match."""
    with connect(STEWARD) as connection:
        return sum(group.record_count for group in read_groups(connection, filters))


def read_first(
    connection: psycopg.Connection[Any], filters: Filters, group: Group, limit: int
) -> list[Failing]:
    """Return the records of a group that have failed longest."""
    filters = filters.with_teams(connection)
    values = {
        **vars(filters),
        "group_rule": group.rule_id,
        "group_authority": group.authority,
        "group_table": group.table_name,
        "group_holds": group.is_holding,
        "limit": limit,
    }
    chosen = connection.execute(filters.applied_to(FIRST), values)
    return _read(connection, [finding_id for (finding_id,) in chosen])


def read_work_list(filters: Filters) -> Iterator[Failing]:
    """Yield the failing records, worst first, without holding all of them in memory."""
    with connect(STEWARD) as connection:
        filters = filters.with_teams(connection)
        for ids in each_piece(connection, filters.applied_to(ALL), vars(filters)):
            yield from _read(connection, ids)


def _read(connection: psycopg.Connection[Any], ids: Sequence[int]) -> list[Failing]:
    """Return findings by their ids, in that order."""
    cursor = connection.cursor(row_factory=class_row(Failing))
    return cursor.execute(COLUMNS, {"ids": ids}).fetchall()


def anything_judged() -> bool:
    """Return whether a gate has ever judged a delivery of this warehouse."""
    with connect(STEWARD) as connection:
        row = connection.execute("select exists(select from quality.gate_runs)").fetchone()
    return bool(row and row[0])


def print_work_list(
    console: Console, filters: Filters | None = None, *, rules: int = 20, limit: int = 10
) -> None:
    """Print the stewards' list by rule, worst first: keys and ids, never a value of a record.

    Args:
        console: where to print.
        filters: which records.
        rules: how many rules to print; one that several tables fail counts for each of them.
        limit: how many records to print per rule.
    """
    filters = filters or Filters()
    with connect(STEWARD) as connection:
        filters = filters.with_teams(connection)
        groups = read_groups(connection, filters)
        if not groups:
            console.print(_why_empty(filters))
            return
        total = sum(each.record_count for each in groups)
        console.print(f"  [bold]Work list[/], {plural(total, 'record')} by rule")
        for each in groups[:rules]:
            _print_group(console, each, read_first(connection, filters, each, limit))
    if more := groups[rules:]:
        records = plural(sum(each.record_count for each in more), "record")
        what = plural(len(more), "more rule")
        print_indented(console, f"and {records} of {what}: --rules {len(groups)}, or --csv FILE")


def write_csv(file: IO[str], found: Iterable[Failing]) -> None:
    """Write the records as CSV, one row each. Text that a spreadsheet would run is quoted."""
    writer = csv.writer(file)
    writer.writerow([*(field.name for field in fields(Failing)), "is_new"])
    for each in found:
        writer.writerow([inert(value) for value in (*astuple(each), each.is_new)])


def _print_group(console: Console, group: Group, shown: Sequence[Failing]) -> None:
    mark = "[bold yellow]holds [/]" if group.is_holding else "      "
    console.print(
        f"  {mark}[bold]{group.rule_id}[/] {group.severity}, {group.authority} {group.table_name}: "
        f"{plural(group.record_count, 'record')}"
    )
    for text in (
        f"why         {group.plain_words}",
        f"what to do  {group.what_to_do}",
        f"who         {group.owner}",
    ):
        print_indented(console, text)
    is_waived = any(each.waiver for each in shown)
    headings = ("record", "person", "failing since", "team", *(("waiver",) if is_waived else ()))
    table = table_of("", left=headings)
    for each in shown:
        cells = (each.record_key, each.person_id or "", each.how_long, each.team or "")
        table.add_row(*cells, *((each.waiver,) if is_waived else ()))
    console.print(Padding(table, (0, 0, 0, 8)))
    if more := group.record_count - len(shown):
        print_indented(console, f"and {more:,} more: --limit {group.record_count}, or --csv FILE")
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
