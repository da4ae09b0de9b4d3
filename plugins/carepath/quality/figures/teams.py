"""The parts of figures that are about one team, as the marts declare them (`by_team`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from carepath.quality.figures.declared import ByTeam, Mart
from carepath.quality.figures.figure import Point, TeamFigure

RECORDED: Final = "select * from facts"

# A young person has one team at a time: that of the allocation that began last.
ALLOCATED: Final = """
    select facts.*, allocated.team_key
    from facts left join (
        select distinct on (allocations.young_person_key)
            allocations.young_person_key, allocations.team_key
        from {schema}.fct_allocations as allocations
        inner join (select max(as_at_date) as as_at_date from facts) as latest
            on allocations.start_date <= latest.as_at_date
            and (allocations.end_date is null or allocations.end_date > latest.as_at_date)
        where allocations.authority = %(authority)s
        order by allocations.young_person_key, allocations.start_date desc,
            allocations.allocation_key desc
    ) as allocated on facts.young_person_key = allocated.young_person_key
"""

PARTS: Final = """
    with facts as materialized (
        select * from {schema}.{rows} as facts
        where authority = %(authority)s and as_at_date = (
            select max(as_at_date) from {schema}.{rows} where authority = %(authority)s
        ) and ({of})
    ),
    with_team as ({with_team}),
    parts as (
        select coalesce(team_key, 0) as team_key, as_at_date, count(*) as denominator,
            {counted} as numerator
        from with_team group by 1, 2
    )
    select parts.team_key, coalesce(teams.team_name, 'that is not recorded'), parts.as_at_date,
        parts.numerator, parts.denominator
    from parts left join {schema}.dim_team as teams
        on parts.team_key = teams.team_key and teams.authority = %(authority)s
"""


def read_teams(
    connection: psycopg.Connection[Any],
    schema: str,
    authority: str,
    marts: Mapping[str, Mart],
    columns: Mapping[str, Collection[str]],
) -> list[TeamFigure]:
    """Read the parts of each declared figure, as at the latest date that a schema has.

    Args:
        connection: of carepath_loader.
        schema: `marts_build` or `marts`.
        authority: the authority, by its ONS code.
        marts: what the KPI marts declare.
        columns: those of the schema, by table.
    """
    there = {(table, column) for table, names in columns.items() for column in names}
    found = []
    for mart in marts.values():
        for part in mart.judged.by_team:
            if {(part.rows, "as_at_date"), ("dim_team", "team_key")} <= there and (
                ("fct_allocations", "team_key") in there or (part.rows, "team_key") in there
            ):
                found += _parts(connection, schema, authority, mart, part, there)
    return found


def _parts(
    connection: psycopg.Connection[Any],
    schema: str,
    authority: str,
    mart: Mart,
    part: ByTeam,
    there: set[tuple[str, str]],
) -> list[TeamFigure]:
    is_share = "share" in mart.columns
    counted = "count(*) filter (where {})" if is_share else "sum({})"
    with_team: LiteralString = RECORDED if (part.rows, "team_key") in there else ALLOCATED
    rows = connection.execute(
        sql.SQL(PARTS).format(
            schema=sql.Identifier(schema),
            rows=sql.Identifier(part.rows),
            of=sql.SQL(part.of),
            with_team=sql.SQL(with_team).format(schema=sql.Identifier(schema)),
            counted=sql.SQL(counted.format(part.counted)),
        ),
        {"authority": authority},
    ).fetchall()
    return [
        TeamFigure(
            mart.name,
            part.measure,
            part.segment,
            team_key,
            name,
            is_share,
            Point(
                day,
                numerator / denominator if is_share else float(numerator or 0),
                float(numerator or 0),
                float(denominator),
            ),
        )
        for team_key, name, day, numerator, denominator in rows
    ]
