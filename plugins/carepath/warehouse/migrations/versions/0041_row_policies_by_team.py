"""Row policies by team: a login that is limited to teams sees their rows, and large totals.

The policies for authorities stay as they are. A second, restrictive policy is added to each table
of marts that has authorities. Which one follows from the table's columns, so a new mart has it too.
"""

from __future__ import annotations

from alembic import op

revision = "0041"
down_revision = "0040"

TEAMS = """
create table ops.reader_teams (
    login text not null,
    team text not null check (team ~ '\\S'),
    primary key (login, team)
);
comment on table ops.reader_teams is
    'one row per login that sees some teams only, and team that it may see: site/readers.yml';
"""

# As in 0035, they run with the rights of their owner, and session_user is who signed in.
FUNCTIONS = """
create or replace function ops.reads_every_authority() returns boolean
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
return not exists (select from ops.readers)
    or (
        session_user in ('bi_reader', 'carepath_caseload')
        and not exists (select from ops.readers where login = session_user)
    )
    or pg_has_role(session_user, 'carepath_loader', 'member');

create function ops.reads_every_team() returns boolean
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
return not exists (select from ops.reader_teams where login = session_user)
    or pg_has_role(session_user, 'carepath_loader', 'member');
comment on function ops.reads_every_team is 'whether who signed in is not limited to teams';

-- before the first publication there is no team, and so nothing to see
create function ops.readable_team_keys() returns setof bigint
language plpgsql stable security definer rows 10 set search_path = pg_catalog, pg_temp as $$
begin
    if to_regclass('marts.dim_team') is not null then
        return query
        select teams.team_key
        from marts.dim_team as teams
        inner join ops.reader_teams as readers
            on teams.team_name = readers.team
        where readers.login = session_user;
    end if;
end $$;
comment on function ops.readable_team_keys is
    'team_key of the teams that who signed in is limited to, by name, in all authorities';

create function ops.readable_segments(total boolean)
returns table (authority text, segment text, segment_code text)
language plpgsql stable security definer rows 100 set search_path = pg_catalog, pg_temp as $$
begin
    if to_regclass('marts.dim_segment') is not null then
        return query
        select segments.authority, segments.segment, segments.segment_code
        from marts.dim_segment as segments
        where
            case
                when total then segments.is_total
                else segments.team_key in (select ops.readable_team_keys())
            end;
    end if;
end $$;
comment on function ops.readable_segments is
    'the segments that are totals, or those of the teams that who signed in is limited to';

create function ops.identifies_nobody(numerator numeric, denominator numeric) returns boolean
language sql immutable parallel safe
return coalesce(numerator, 0) not between 1 and 5
    and coalesce(denominator, 0) not between 1 and 5
    and coalesce(denominator - numerator, 0) not between 1 and 5;
comment on function ops.identifies_nobody is
    'whether neither count, nor the difference of both, is from 1 to 5';

create function ops.team_rule(mart regclass) returns text
language sql stable set search_path = pg_catalog, pg_temp
return (
    with columns as (
        select array_agg(attname::text) as names
        from pg_attribute
        where attrelid = mart and attnum > 0 and not attisdropped
    )

    select
        case
            when relname in ('dim_authority', 'dim_cohort', 'dim_provider', 'dim_snapshot',
                'publication') then 'teams_see_all'
            when names @> array['segment_kind', 'team_key'] then 'teams_see_names'
            when 'team_key' = any(names) then 'teams_see_own'
            when names && array['young_person_key', 'worker_key'] then 'teams_see_none'
            when names @> array['segment', 'numerator', 'denominator']
                then 'teams_see_own_and_counts'
            when names @> array['segment', 'record_count'] and not 'minimum' = any(names)
                then 'teams_see_own_and_values'
            when 'segment' = any(names) then 'teams_see_own_segments'
            when 'segment_code' = any(names) then 'teams_see_own_codes'
            else 'teams_see_none'
        end
    from pg_class
    cross join columns
    where oid = mart
);
comment on function ops.team_rule is
    'name of the policy that a table needs for logins limited to teams, by its columns. A table '
    'that nobody thought of shows them nothing';

create function ops.protect_from_other_teams(mart regclass, reader regrole) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    rule text := ops.team_rule(mart);
    own constant text := '(authority, segment) in'
        ' (select s.authority, s.segment from ops.readable_segments(false) as s)';
    total constant text := replace(own, '(false)', '(true)');
    shown text := case rule
        when 'teams_see_all' then 'true'
        when 'teams_see_none' then 'false'
        when 'teams_see_own' then 'team_key in (select ops.readable_team_keys())'
        when 'teams_see_names'
            then 'team_key is null or team_key in (select ops.readable_team_keys())'
        when 'teams_see_own_and_counts'
            then own || ' or ops.identifies_nobody(numerator, denominator) and ' || total
        when 'teams_see_own_and_values'
            then own || ' or ops.identifies_nobody(null, record_count) and ' || total
        when 'teams_see_own_segments' then own
        when 'teams_see_own_codes' then '(authority, segment_code) in'
            ' (select s.authority, s.segment_code from ops.readable_segments(false) as s)'
    end;
    old record;
begin
    if exists (select from pg_policy where polrelid = mart and polname = rule) then
        return;
    end if;
    for old in
        select polname from pg_policy where polrelid = mart and polname like 'teams\\_see\\_%'
    loop
        execute format('drop policy %I on %s', old.polname, mart);
    end loop;
    execute format(
        'create policy %I on %s as restrictive for select to %s'
        ' using ((select ops.reads_every_team()) or %s)', rule, mart, reader, shown
    );
end $$;
comment on function ops.protect_from_other_teams is
    'gives a table the policy that team_rule names, in place of another one that it had';

create or replace function ops.protect_mart(mart regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (select from pg_policy where polrelid = mart and polname = 'readers') then
        execute format('alter table %s enable row level security', mart);
        execute format(
            'create policy readers on %s for select to bi_reader using ('
            '(select ops.reads_every_authority())'
            ' or authority = any ((select ops.readable_authorities())::text[]))', mart
        );
        execute format(
            'create policy builders on %s for select to carepath_loader using (true)', mart
        );
    end if;
    perform ops.protect_from_other_teams(mart, 'bi_reader');
end $$;
comment on function ops.protect_mart is
    'gives a table of marts with authorities its policies; those of teams follow its columns';

create function ops.protect_list(list regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    execute format('alter table %s enable row level security', list);
    execute format(
        'create policy readers on %s for select to carepath_caseload using ('
        '(select ops.reads_every_authority())'
        ' or authority = any ((select ops.readable_authorities())::text[]))', list
    );
    perform ops.protect_from_other_teams(list, 'carepath_caseload');
end $$;
comment on function ops.protect_list is 'gives a new list of cases with authorities its policies';

grant execute on function ops.reads_every_authority, ops.readable_authorities
    to carepath_caseload;
grant execute on function
    ops.reads_every_team, ops.readable_team_keys, ops.readable_segments, ops.identifies_nobody
    to bi_reader, carepath_caseload, carepath_loader;
grant execute on function ops.team_rule, ops.protect_from_other_teams, ops.protect_list
    to carepath_loader;
"""

# how many records fail a rule in a whole authority can point at one child
LIMIT_RULES = """
do $$ begin
    execute format(
        'create or replace view marts.quality_by_rule as select * from (%s) as judged'
        ' where (select ops.reads_every_team())',
        rtrim(pg_get_viewdef('marts.quality_by_rule'::regclass), ';')
    );
end $$
"""

PROTECT = """
select ops.protect_mart(c.oid::regclass)
from pg_class as c
inner join pg_attribute as a on c.oid = a.attrelid and a.attname = 'authority'
where c.relnamespace = 'marts'::regnamespace and c.relkind in ('r', 'p')
"""
PROTECT_LIST = """
select ops.protect_list(to_regclass('caseload.due')) where to_regclass('caseload.due') is not null
"""


def upgrade() -> None:
    """Create them, and protect the marts and the list that are there, as carepath_owner."""
    for part in (TEAMS, FUNCTIONS, LIMIT_RULES, PROTECT, PROTECT_LIST):
        op.get_bind().exec_driver_sql(part.replace("%", "%%"))
