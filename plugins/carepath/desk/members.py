"""Who is in a figure, who is left out and why: what `marts.fct_kpi_member` keeps of a measure.

The marts know young people by keys only. Which case a key stands for is read as the desk, for
those who may see records.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import psycopg

from carepath.desk.database import read
from carepath.report.reading import Connection

ON_A_PAGE: Final = 50
PIECE: Final = 5000  # records of a download whose cases are looked up at a time
NO_TEAM: Final = "none"  # how an address asks for young people without a team

# how a record stands to a figure, by its word in an address, in the order of the lists
STANDINGS: Final[Mapping[str, str]] = {
    "counted": "Counted",
    "measured": "Measured",
    "denominator": "In the denominator only",
    "left-out": "Left out",
}
STANDING: Final = """case
    when not members.is_in_denominator then 'left-out'
    when members.is_counted then 'counted'
    when members.is_counted is null then 'measured'
    else 'denominator'
end"""

# the date of all members of an authority that has some
DAY: Final = """
select as_at_date
from marts.dim_snapshot
where
    authority = %(authority)s
    and is_latest
    and exists (select from marts.fct_kpi_member where authority = %(authority)s)
"""
COUNTS: Final = f"""
select
    members.segment_code,
    coalesce(segments.segment, members.segment_code) as segment,
    members.standing,
    members.left_out_reason,
    members.team_key,
    teams.team_name,
    members.record_count
from (
    select
        members.segment_code,
        {STANDING} as standing,
        members.left_out_reason,
        members.team_key,
        count(*)::integer as record_count
    from marts.fct_kpi_member as members
    where
        members.authority = %(authority)s
        and members.measure_code = %(code)s
    group by 1, 2, 3, 4
) as members
left join marts.dim_segment as segments
    on segments.authority = %(authority)s and members.segment_code = segments.segment_code
left join marts.dim_team as teams on members.team_key = teams.team_key
order by
    segments.segment_order,
    members.segment_code,
    teams.team_name,
    members.team_key,
    members.record_count desc,
    members.left_out_reason
"""
# a figure that is not empty, of a measure without members: its members are not kept
HAS_FIGURES: Final = """
select exists (
    select from marts.kpi
    where
        authority = %(authority)s
        and measure_code = %(code)s
        and (numerator > 0 or denominator > 0 or left_out_count > 0)
)
"""
MEMBERS: Final = f"""
select
    members.young_person_key,
    {STANDING} as standing,
    members.left_out_reason,
    members.team_key,
    teams.team_name,
    members.age_band,
    members.record_number
from marts.fct_kpi_member as members
left join marts.dim_team as teams on members.team_key = teams.team_key
where
    members.authority = %(authority)s
    and members.measure_code = %(code)s
    and members.segment_code = %(segment)s
    and {{condition}}
order by
    array_position(array['counted', 'measured', 'denominator', 'left-out'], {STANDING}),
    teams.team_name,
    members.young_person_key,
    members.record_number
"""


@dataclass(frozen=True)
class Count:
    """How many records of one team stand in one way to one figure.

    Attributes:
        standing: a key of STANDINGS.
        left_out_reason: None for a record that is not left out.
        team_key: None for young people whom no team has.
    """

    segment_code: str
    segment: str
    standing: str
    left_out_reason: str | None
    team_key: int | None
    team_name: str | None
    record_count: int

    @property
    def team(self) -> str:
        """The team, as an address has it."""
        return NO_TEAM if self.team_key is None else str(self.team_key)


@dataclass(frozen=True)
class Kept:
    """What is kept of the members of one measure.

    Attributes:
        day: the date of all members that are kept; None if no measure has any.
        counts: of this measure, in the order of the segments.
        has_figures: whether the measure has figures that are not empty.
    """

    day: dt.date | None
    counts: Sequence[Count]
    has_figures: bool

    @property
    def segments(self) -> dict[str, str]:
        """The segments that have members: names by codes."""
        return {each.segment_code: each.segment for each in self.counts}

    def segment_of(self, name: str) -> str | None:
        """Return the code of a segment by its name; without members, of the first other one."""
        of_segment = (each for each in self.counts if each.segment == name)
        found = next(of_segment, None) or next(iter(self.counts), None)
        return found.segment_code if found else None

    def of(self, segment_code: str) -> list[Count]:
        """Return the counts of one figure."""
        return [each for each in self.counts if each.segment_code == segment_code]


@dataclass(frozen=True)
class Chosen:
    """Which records behind a measure are shown.

    Attributes:
        standing: a key of STANDINGS; blank for all.
        team: a team's key, or NO_TEAM; blank for all.
        own_teams: names of the teams to which the person is limited; None if to none.
    """

    authority: str
    code: str
    day: dt.date
    segment: str
    standing: str = ""
    team: str = ""
    own_teams: Sequence[str] | None = None

    def may_hold(self, count: Count) -> bool:
        """Return whether the person may see the records of a count."""
        return self.own_teams is None or count.team_name in self.own_teams

    def holds(self, count: Count) -> bool:
        """Return whether records of a count of the same figure are shown."""
        return self.standing in ("", count.standing) and self.team in ("", count.team)

    @property
    def query(self) -> str:
        """The SQL query of the records."""
        parts = [f"{STANDING} = %(standing)s"] if self.standing else []
        if self.own_teams is not None:
            parts.append("teams.team_name = any(%(own_teams)s)")
        if self.team:
            parts.append(
                "members.team_key is null"
                if self.team == NO_TEAM
                else "members.team_key = %(team)s::bigint"
            )
        return MEMBERS.format(condition=" and ".join(parts) or "true")


class Member(NamedTuple):
    """A record behind a figure. It has keys, and no other value of the record.

    A download has thousands, and a tuple is made in a third of a dataclass's time.

    Attributes:
        record_number: above 1 for the further records of a young person.
    """

    young_person_key: int
    standing: str
    left_out_reason: str | None
    team_key: int | None
    team_name: str | None
    age_band: str | None
    record_number: int

    @property
    def stands(self) -> str:
        """How the record stands to the figure, in words."""
        return STANDINGS[self.standing]

    @property
    def team(self) -> str:
        """The team in words."""
        return "No team" if self.team_key is None else self.team_name or "Team without a name"


@dataclass(frozen=True)
class TeamCounts:
    """How many records of one team stand in which way to a figure.

    Attributes:
        team: as an address has it.
        counts: by the keys of STANDINGS that the figure has.
    """

    team: str
    name: str
    counts: Mapping[str, int]


def read_kept(connection: Connection, authority: str, code: str) -> Kept:
    """Return what is kept of the members of a measure.

    Args:
        connection: see `reading.marts`.
        authority: ONS code.
        code: of the measure.
    """
    values: dict[str, Any] = {"authority": authority, "code": code}
    day = connection.execute(DAY, values).fetchone()
    counts = read(connection, Count, COUNTS, values) if day else []
    row = connection.execute(HAS_FIGURES, values).fetchone()
    return Kept(day[0] if day else None, counts, bool(row and row[0]))


def read_page(connection: Connection, chosen: Chosen, number: int) -> list[Member]:
    """Return one page of the records behind a figure. The first page is number 1."""
    skipped = (number - 1) * ON_A_PAGE
    return read(
        connection,
        Member,
        f"{chosen.query} limit {ON_A_PAGE} offset %(skipped)s",
        {**vars(chosen), "skipped": skipped},
    )


def each_piece(connection: Connection, chosen: Chosen) -> Iterator[list[Member]]:
    """Yield all records behind a figure, PIECE at a time."""
    with connection.cursor("members") as cursor:
        cursor.itersize = PIECE
        cursor.execute(chosen.query, vars(chosen))
        while rows := cursor.fetchmany(PIECE):
            yield [Member._make(row) for row in rows]


def look_up_cases(
    connection: psycopg.Connection[Any], authority: str, members: Sequence[Member]
) -> dict[int, str]:
    """Return the case ids of young people by their keys, without those who are not held now.

    Args:
        connection: of carepath_desk.
        authority: whose young people they are; keys of another one are not answered.
        members: whose cases are wanted.
    """
    keys = [*{each.young_person_key for each in members}]
    return dict(
        connection.execute(
            "select young_person_key, case_id from quality.look_up_cases(%s, %s)",
            (authority, keys),
        ).fetchall()
    )


def by_standing(counts: Sequence[Count]) -> dict[str, int]:
    """Return how many records of a figure stand in each way, in the order of STANDINGS."""
    return _summed(counts, lambda each: each.standing, STANDINGS)


def by_team(counts: Sequence[Count]) -> list[TeamCounts]:
    """Return the counts of a figure by team, those without a team last."""
    teams: dict[str, list[Count]] = {}
    for each in counts:
        teams.setdefault(each.team, []).append(each)
    return [
        TeamCounts(
            team,
            "No team" if team == NO_TEAM else found[0].team_name or "Team without a name",
            by_standing(found),
        )
        for team, found in sorted(teams.items(), key=lambda pair: pair[0] == NO_TEAM)
    ]


def by_reason(counts: Sequence[Count]) -> dict[str, int]:
    """Return how many records are left out of a figure for each reason, the most frequent first."""
    left_out = [each for each in counts if each.standing == "left-out"]
    found = _summed(left_out, lambda each: each.left_out_reason or "no reason recorded", ())
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _summed(counts: Sequence[Count], key: Any, order: Any) -> dict[str, int]:
    found: dict[str, int] = dict.fromkeys(order, 0)
    for each in counts:
        found[key(each)] = found.get(key(each), 0) + each.record_count
    return {name: number for name, number in found.items() if number}
