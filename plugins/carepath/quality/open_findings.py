"""The open findings: the SQL that chooses and sorts them, and how many of them are read.

The desk and `carepath work-list` filter and sort quality.kept_findings. They read only what they
show from quality.work_list: its columns take a second for a hundred thousand findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg

PIECE: Final = 5000  # findings of a download that are read at a time

# `offset 0` has the ranks and the rules that hold worked out once, not for each finding.
RULES: Final = """(
    select
        rules.*,
        array_position(array['critical', 'warning', 'info'], rules.severity) as severity_rank
    from quality.rules
    offset 0
)"""
HELD: Final = """(
    select distinct latest.authority, results.rule_id, results.table_name
    from quality.latest_gate_runs as latest
    inner join quality.rule_results as results on latest.gate_run_id = results.gate_run_id
    where results.holds and results.state = 'failed'
    offset 0
)"""
OPEN: Final = f"""
quality.kept_findings as kept
inner join {RULES} as rules on kept.rule_id = rules.rule_id
left join {HELD} as held
    on
        kept.authority = held.authority
        and kept.rule_id = held.rule_id
        and kept.table_name = held.table_name
where kept.fixed_on is null and rules.retired_at is null
"""
# a waiver of a whole rule waives as many findings as there are, so they are looked up by a hash
IS_WAIVED: Final = """kept.finding_id in (
    select finding_id from quality.waived_findings where state = 'counts'
)"""
HOLDS: Final = f"(held.rule_id is not null and not {IS_WAIVED})"
IS_NEW: Final = """(
    (kept.authority, kept.gate, kept.failing_since)
    in (select authority, gate, night from quality.latest_gate_runs)
)"""
# The teams of open findings, as each finding has them. Each is looked up in an index, from the one
# before it: a pass over a million findings takes a second and more.
TEAMS_TOGETHER: Final = """together as (
    select min(teams) as teams from quality.kept_findings where fixed_on is null
    union all
    select (
        select min(kept.teams) from quality.kept_findings as kept
        where kept.fixed_on is null and kept.teams > together.teams
    )
    from together
    where together.teams is not null
)"""
TEAMS_NAMED: Final = f"""
with recursive {TEAMS_TOGETHER}

select distinct team
from together
cross join unnest(together.teams) as team
where strpos(lower(team), lower(%s)) > 0
"""


def teams_named(connection: psycopg.Connection[Any], part: str) -> list[str]:
    """Return the teams of open findings whose name has a part, in any case."""
    return [team for (team,) in connection.execute(TEAMS_NAMED, (part,))]


def each_piece(
    connection: psycopg.Connection[Any], query: str, values: Mapping[str, object]
) -> Iterator[list[int]]:
    """Yield the ids that a query chooses, a piece at a time, without holding all in memory."""
    with connection.cursor("chosen") as cursor:
        cursor.itersize = PIECE
        cursor.execute(query, values)
        while rows := cursor.fetchmany(PIECE):
            yield [finding_id for (finding_id,) in rows]
