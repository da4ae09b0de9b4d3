"""The teams of a finding one by one, and indexes for the order and the filters of the work list."""

from __future__ import annotations

from alembic import op

revision = "0044"
down_revision = "0043"

# Names that are joined cannot be told apart again: a name may have a comma in it. dbt replaces core
# and identity, so the function looks for the tables when it is called.
RESPONSIBLE = """
drop function quality.responsible_at(text, date);
create function quality.responsible_at(asked_authority text, asked_night date)
returns table (person_id text, teams text[], workers text[])
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if exists (
        select from unnest(array['core.fct_allocations', 'core.dim_team',
            'identity.person_identity', 'identity.worker_identity']) as needed (name)
        where to_regclass(needed.name) is null
    ) then
        return;
    end if;
    return query
        select
            person.person_id::text,
            array_agg(distinct coalesce(team.team_name::text, 'a team that is not listed'))
                filter (where allocated.team_key is not null),
            array_agg(distinct coalesce(worker.worker_id::text, 'a worker who is not listed'))
                filter (where allocated.worker_key is not null)
        from core.fct_allocations as allocated
        inner join identity.person_identity as person using (young_person_key)
        left join core.dim_team as team using (team_key)
        left join identity.worker_identity as worker using (worker_key)
        where
            allocated.authority = asked_authority
            and asked_night >= allocated.start_date
            and asked_night < coalesce(allocated.end_date, 'infinity')
        group by person.person_id;
end
$$;
comment on function quality.responsible_at is
    'the teams and workers to whom each young person of an authority is allocated on a night: ids '
    'of people and workers, and names of teams';
revoke execute on function quality.responsible_at from public;
grant execute on function quality.responsible_at to carepath_loader, carepath_analyst;
"""

# Until the next night, findings whose teams cannot be looked up have their names as one team.
TEAMS = """
alter table quality.kept_findings add column teams text[];
comment on column quality.kept_findings.teams is
    'names of the teams to whom the young person was allocated at the time; team joins them';
update quality.kept_findings as kept
set teams = responsible.teams
from quality.latest_gate_runs as latest
cross join lateral quality.responsible_at(latest.authority, latest.night) as responsible
where
    latest.gate = 1
    and kept.authority = latest.authority
    and kept.person_id = responsible.person_id
    and kept.team = array_to_string(responsible.teams, ', ');
update quality.kept_findings set teams = array[team] where team is not null and teams is null;

drop index quality.kept_findings_team_failing_since_idx;
create index on quality.kept_findings (teams) where fixed_on is null;
create index on quality.kept_findings using gin (teams) where fixed_on is null;
"""

# left joins, which PostgreSQL leaves out of a query that does not ask for the teams
VIEWS = """
do $$
declare
    found text;
begin
    foreach found in array array['quality.findings', 'quality.work_list']
    loop
        execute format(
            'create or replace view %s as select found.*, kept.teams from (%s) as found'
            ' left join quality.kept_findings as kept on found.finding_id = kept.finding_id',
            found, rtrim(pg_get_viewdef(found::regclass), ';')
        );
    end loop;
end
$$
"""

# the first findings of each rule, without reading the others
URGENT = """
create index on quality.kept_findings (rule_id, failing_since, finding_id)
where fixed_on is null
"""


def upgrade() -> None:
    """Create them, as carepath_owner."""
    for part in (RESPONSIBLE, TEAMS, VIEWS, URGENT):
        op.get_bind().exec_driver_sql(part.replace("%", "%%"))
