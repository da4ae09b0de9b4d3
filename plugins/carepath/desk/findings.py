"""The open findings on the desk: filtered, sorted and read page by page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Annotated, Any, Final

import psycopg
from fastapi import HTTPException, Query

from carepath.desk.database import read
from carepath.desk.forms import Asker
from carepath.desk.people import Person
from carepath.quality.open_findings import (
    HELD,
    HOLDS,
    IS_NEW,
    IS_WAIVED,
    OPEN,
    RULES,
    each_piece,
)

ON_A_PAGE: Final = 50

HAS_WAIVER: Final = "kept.finding_id in (select finding_id from quality.waived_findings)"

# A person who is limited to teams. A young person may have several.
OF_OWN_TEAMS: Final = """exists (
    select from unnest(%(own_authorities)s::text[], %(own_teams)s::text[]) as own (authority, team)
    where
        own.authority = kept.authority
        and own.team = any(kept.teams)
)"""

# what is the same for all findings of a rule, or narrows them by an index together with the rule
OF_WHOLE_RULES: Final = frozenset({"authority", "owner", "rule", "measure", "severity", "sort"})

# open findings of whole rules, counted by rule before the rules are looked up
COUNT: Final = """
select coalesce(sum(kept.open_count), 0)
from (
    select authority, rule_id, count(*) as open_count
    from quality.kept_findings
    where fixed_on is null
    group by authority, rule_id
) as kept
inner join quality.rules on kept.rule_id = rules.rule_id
where rules.retired_at is null and {condition}
"""

# A page of findings of one severity that hold nothing, if the filters are of whole rules. An index
# has the findings of each rule in order, so that only the first of each are read.
BY_RULE: Final = f"""
select found.finding_id
from {RULES} as rules
cross join lateral (
    select kept.finding_id, kept.failing_since
    from quality.kept_findings as kept
    where
        kept.fixed_on is null
        and kept.rule_id = rules.rule_id
        and (
            (kept.authority, kept.rule_id, kept.table_name)
            not in (select held.authority, held.rule_id, held.table_name from {HELD} as held)
            or {IS_WAIVED}
        )
        and {{condition}}
    order by kept.failing_since {{way}}, kept.finding_id {{way}}
    limit %(limit)s
) as found
where rules.retired_at is null and rules.severity_rank = %(rank)s
order by found.failing_since {{way}}, found.finding_id {{way}}
limit %(limit)s
"""

# how the work list can be sorted: what people call it, the columns, and whether it descends
SORTS: Final[Mapping[str, tuple[str, tuple[str, ...], bool]]] = {
    "urgent": (
        "Holding figures first, then by severity",
        (
            f"not {HOLDS}",
            "rules.severity_rank",
            "kept.failing_since",
            "kept.finding_id",
        ),
        False,
    ),
    "oldest": ("Oldest first", ("kept.failing_since", "kept.finding_id"), False),
    "newest": ("Newest first", ("kept.failing_since", "kept.finding_id"), True),
    "rule": ("Rule", ("kept.rule_id", "kept.finding_id"), False),
    "team": ("Team", ("coalesce(kept.team, '')", "kept.finding_id"), False),
    "worker": ("Worker", ("coalesce(kept.worker, '')", "kept.finding_id"), False),
}

CONDITIONS: Final = {
    "authority": "kept.authority = %(authority)s",
    "team": "kept.teams @> array[%(team)s::text]",
    "worker": "kept.worker = %(worker)s",
    "owner": "rules.owner = %(owner)s",
    "rule": "kept.rule_id = upper(%(rule)s)",
    "measure": "%(measure)s = any(rules.falsifies)",
    "severity": "rules.severity = %(severity)s",
    "holding": HOLDS,
    "case": "(kept.authority, kept.person_id) = (select authority, person_id from"
    " quality.kept_findings where finding_id = %(case)s)",
}
AGES: Final = {"new": IS_NEW, "old": f"not {IS_NEW}"}
WAIVERS: Final = {"none": f"not {HAS_WAIVER}", "any": HAS_WAIVER}


@dataclass(frozen=True)
class Filters:
    """Which open findings to show, and in which order. Blank shows all.

    Attributes:
        case: a finding; only findings about the same young person are shown. An address never has
            the case's own id, because a server logs addresses.
        own_authorities: with `own_teams`, the teams to which the person is limited; None if to
            none. The address of a page does not have them.
    """

    authority: str = ""
    team: str = ""
    worker: str = ""
    owner: str = ""
    rule: str = ""
    measure: str = ""
    severity: str = ""
    holding: str = ""
    age: str = ""
    waiver: str = ""
    case: int | None = None
    sort: str = "urgent"
    own_authorities: Sequence[str] | None = None
    own_teams: Sequence[str] | None = None

    @property
    def address(self) -> dict[str, object]:
        """The filters as the address of a page has them."""
        return {
            name: value
            for name, value in asdict(self).items()
            if value != _DEFAULT[name] and not name.startswith("own_")
        }

    @property
    def any(self) -> bool:
        """Whether anything is filtered."""
        return self.own_teams is not None or bool(set(self.address) - {"sort"})

    @property
    def of_whole_rules(self) -> bool:
        """Whether findings of a rule and an authority are either all shown or all left out."""
        return self.own_teams is None and set(self.address) <= OF_WHOLE_RULES

    @property
    def condition(self) -> str:
        """The SQL condition over OPEN."""
        parts = [text for name, text in CONDITIONS.items() if getattr(self, name) not in ("", None)]
        parts += [OF_OWN_TEAMS] if self.own_teams is not None else []
        parts += [AGES[self.age]] if self.age in AGES else []
        parts += [WAIVERS[self.waiver]] if self.waiver in WAIVERS else []
        return " and ".join(parts) or "true"

    @property
    def order(self) -> tuple[tuple[str, ...], bool]:
        """The columns to sort by, and whether they descend."""
        _, columns, descends = SORTS.get(self.sort, SORTS["urgent"])
        return columns, descends


_DEFAULT: Final = asdict(Filters())

Short = Annotated[str, Query(max_length=200)]


def asked_filters(
    person: Asker,
    authority: Short = "",
    team: Short = "",
    worker: Short = "",
    owner: Short = "",
    rule: Short = "",
    measure: Short = "",
    severity: Short = "",
    holding: Short = "",
    age: Short = "",
    waiver: Short = "",
    case: int | None = None,
    sort: Short = "urgent",
) -> Filters:
    """Return the filters in the address of a page."""
    own = {} if person.teams is None else person.own_teams
    return Filters(
        authority, team, worker, owner, rule, measure, severity, holding, age, waiver, case, sort,
        **own,
    )  # fmt: skip


def refuse_other_teams(
    connection: psycopg.Connection[Any], person: Person, finding_id: int
) -> None:
    """Refuse a finding of a team that the person may not see, as if there were none.

    Raises:
        HTTPException: 404.
    """
    if person.teams is None:
        return
    row = connection.execute(
        f"select {OF_OWN_TEAMS} from quality.kept_findings as kept where finding_id = %(finding)s",
        {**person.own_teams, "finding": finding_id},
    ).fetchone()
    if row != (True,):
        raise HTTPException(404)


@dataclass(frozen=True)
class OpenFinding:
    """A record that fails a rule now. It has keys and ids, and no other value of the record."""

    finding_id: int
    authority: str
    night: dt.date
    rule_id: str
    severity: str
    owner: str
    is_holding: bool
    table_name: str
    record_key: str
    person_id: str | None
    failing_since: dt.date
    first_seen: dt.date
    times_returned: int
    team: str | None
    worker: str | None
    plain_words: str
    what_to_do: str
    waiver_id: int | None
    waiver_state: str | None

    @property
    def is_new(self) -> bool:
        """Whether it did not fail on the night before."""
        return self.failing_since == self.night

    @property
    def days(self) -> int:
        """For how many days it has failed."""
        return (self.night - self.failing_since).days


COLUMNS: Final = ", ".join(field.name for field in fields(OpenFinding))


@dataclass(frozen=True)
class Part:
    """One page of the open findings.

    Attributes:
        total: how many there are on all pages.
        earlier: whether there is a page before this one.
        later: whether there is a page after it.
    """

    found: list[OpenFinding]
    total: int
    earlier: bool
    later: bool


def read_part(
    connection: psycopg.Connection[Any],
    filters: Filters,
    *,
    after: int | None = None,
    before: int | None = None,
) -> Part:
    """Return a page of the open findings that match.

    Args:
        connection: of carepath_desk.
        filters: which findings, in which order.
        after: the last finding of the page before; None for the first page.
        before: the first finding of the page after.
    """
    columns, descends = filters.order
    edge = _keys(connection, columns, before or after)
    backwards = before is not None and edge is not None
    goes_down = descends != backwards
    urgent = columns == SORTS["urgent"][1] and filters.of_whole_rules
    choose = _most_urgent if urgent else _first
    found = _in_order(connection, choose(connection, filters, edge, goes_down))
    more, found = len(found) > ON_A_PAGE, found[:ON_A_PAGE]
    if backwards:
        return Part(found[::-1], count_all(connection, filters), more, True)
    return Part(found, count_all(connection, filters), edge is not None, more)


def _first(
    connection: psycopg.Connection[Any],
    filters: Filters,
    edge: tuple[Any, ...] | None,
    goes_down: bool,
) -> list[int]:
    """Return one more than a page of the findings that match, from the edge on."""
    columns, _ = filters.order
    values: dict[str, object] = asdict(filters)
    condition = f"{filters.condition} and {_beyond(columns, edge, goes_down, values)}"
    order = ", ".join(f"{column} {'desc' if goes_down else 'asc'}" for column in columns)
    chosen = connection.execute(
        f"select kept.finding_id from {OPEN} and {condition}"
        f" order by {order} limit {ON_A_PAGE + 1}",
        values,
    )
    return [finding_id for (finding_id,) in chosen]


def _most_urgent(
    connection: psycopg.Connection[Any],
    filters: Filters,
    edge: tuple[Any, ...] | None,
    goes_down: bool,
) -> list[int]:
    """Return what `_first` returns for the order "urgent", without sorting all that match.

    The findings that hold figures are few, and come first. The others are read by severity.
    """
    steps = [0, 1, 2, 3]  # what holds, then each rank of severity
    if goes_down:
        steps.reverse()
    start = steps[0] if edge is None else edge[1] * edge[0]
    found: list[int] = []
    for step in steps[steps.index(start) :]:
        if len(found) <= ON_A_PAGE:
            here = edge if step == start else None
            if step == 0:
                found += _first(connection, replace(filters, holding="yes"), here, goes_down)
            else:
                found += _of_severity(connection, filters, step, here, goes_down)
    return found[: ON_A_PAGE + 1]


def _of_severity(
    connection: psycopg.Connection[Any],
    filters: Filters,
    rank: int,
    edge: tuple[Any, ...] | None,
    goes_down: bool,
) -> list[int]:
    """Return one more than a page of the findings of a severity that hold nothing."""
    values: dict[str, object] = {**asdict(filters), "rank": rank, "limit": ON_A_PAGE + 1}
    columns = SORTS["urgent"][1][2:]
    beyond = _beyond(columns, edge and edge[2:], goes_down, values)
    condition = f"{filters.condition} and {beyond}"
    query = BY_RULE.format(condition=condition, way="desc" if goes_down else "asc")
    return [finding_id for (finding_id,) in connection.execute(query, values)]


def _beyond(
    columns: Sequence[str],
    edge: Sequence[Any] | None,
    goes_down: bool,
    values: dict[str, object],
) -> str:
    """Return the condition that a finding comes after an edge; put the edge into the values."""
    if edge is None:
        return "true"
    names = [f"edge_{number}" for number in range(len(edge))]
    values |= dict(zip(names, edge, strict=True))
    marks = ", ".join(f"%({name})s" for name in names)
    return f"({', '.join(columns)}) {'<' if goes_down else '>'} ({marks})"


def count_all(connection: psycopg.Connection[Any], filters: Filters) -> int:
    """Return how many open findings match."""
    condition = filters.condition
    query = f"select count(*) from {OPEN} and {condition}"
    if filters.of_whole_rules:
        query = COUNT.format(condition=condition)
    row = connection.execute(query, asdict(filters)).fetchone()
    return int(row[0]) if row else 0


def each_finding(connection: psycopg.Connection[Any], filters: Filters) -> Iterator[OpenFinding]:
    """Yield all open findings that match, without holding all of them in memory."""
    columns, descends = filters.order
    order = ", ".join(f"{column} {'desc' if descends else 'asc'}" for column in columns)
    query = f"select kept.finding_id from {OPEN} and {filters.condition} order by {order}"
    for ids in each_piece(connection, query, asdict(filters)):
        yield from _in_order(connection, ids)


def _in_order(connection: psycopg.Connection[Any], ids: list[int]) -> list[OpenFinding]:
    """Return these findings in the order of their ids in the list."""
    found = read(
        connection,
        OpenFinding,
        f"select {COLUMNS} from quality.work_list where finding_id = any(%(ids)s)",
        {"ids": ids},
    )
    place = {finding_id: number for number, finding_id in enumerate(ids)}
    return sorted(found, key=lambda each: place[each.finding_id])


def _keys(
    connection: psycopg.Connection[Any], columns: tuple[str, ...], finding_id: int | None
) -> tuple[Any, ...] | None:
    """Return what a finding is sorted by; None if it has been put right in the meantime."""
    if finding_id is None:
        return None
    return connection.execute(
        f"select {', '.join(columns)} from {OPEN} and kept.finding_id = %s", (finding_id,)
    ).fetchone()
