"""The work list says which team holds the case, and since when a record fails without a gap."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"

# Stewards read no table of core: this function gives them the team of a case, and nothing else.
# dbt replaces the tables, so the function looks for them when it is called.
TEAMS = """
create function quality.teams_at(asked_authority text, asked_night date)
returns table (person_id text, team text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if to_regclass('core.fct_allocations') is null
        or to_regclass('core.dim_team') is null
        or to_regclass('identity.person_identity') is null
    then
        return;
    end if;
    return query
        select
            people.person_id::text,
            string_agg(
                distinct coalesce(teams.team_name, 'a team that is not listed'), ', '
            )::text
        from core.fct_allocations as allocations
        inner join identity.person_identity as people
            on allocations.young_person_key = people.young_person_key
        left join core.dim_team as teams on allocations.team_key = teams.team_key
        where
            allocations.authority = asked_authority
            and allocations.team_key is not null
            and allocations.start_date <= asked_night
            and (allocations.end_date is null or allocations.end_date > asked_night)
        group by people.person_id;
end
$$;
comment on function quality.teams_at is
    'the teams to which each young person of an authority is allocated on a night: ids and names '
    'of teams only';
grant execute on function quality.teams_at to carepath_steward, carepath_analyst;
"""

WORK_LIST = """
create or replace view quality.work_list as
with latest as (
    select distinct on (authority, gate)
        authority,
        gate_run_id,
        night,
        gate,
        decision
    from quality.gate_runs
    order by authority, gate, gate_run_id desc
),

current_keys as (
    select
        latest.gate,
        latest.night,
        latest.decision,
        failing_keys.*
    from latest
    inner join quality.failing_keys on latest.gate_run_id = failing_keys.gate_run_id
),

-- how many judgings ago each gate run was, of those that could evaluate the rule
judgings as (
    select
        gate_runs.gate_run_id,
        gate_runs.night,
        rule_results.rule_id,
        rule_results.table_name,
        row_number() over (
            partition by
                gate_runs.authority, gate_runs.gate,
                rule_results.rule_id, rule_results.table_name
            order by gate_runs.gate_run_id desc
        ) as judgings_ago
    from quality.gate_runs
    inner join quality.rule_results on gate_runs.gate_run_id = rule_results.gate_run_id
    where
        rule_results.state in ('passed', 'failed')
        and (gate_runs.authority, rule_results.rule_id) in (
            select authority, rule_id from current_keys
        )
),

failures as (
    select
        current_keys.authority,
        current_keys.gate,
        current_keys.rule_id,
        current_keys.table_name,
        current_keys.record_key,
        judgings.night,
        judgings.judgings_ago,
        row_number() over (
            partition by
                current_keys.authority, current_keys.gate, current_keys.rule_id,
                current_keys.table_name, current_keys.record_key
            order by judgings.judgings_ago
        ) as failures_ago
    from current_keys
    inner join quality.failing_keys as earlier
        on
            current_keys.authority = earlier.authority
            and current_keys.rule_id = earlier.rule_id
            and current_keys.table_name = earlier.table_name
            and current_keys.record_key = earlier.record_key
    inner join judgings
        on
            earlier.gate_run_id = judgings.gate_run_id
            and earlier.rule_id = judgings.rule_id
            and earlier.table_name = judgings.table_name
),

-- without a gap: every judging back to the first of them failed
unbroken as (
    select
        authority,
        gate,
        rule_id,
        table_name,
        record_key,
        min(night) as failing_since
    from failures
    where judgings_ago = failures_ago
    group by authority, gate, rule_id, table_name, record_key
),

teams as materialized (
    select
        nights.authority,
        nights.night,
        teams_at.person_id,
        teams_at.team
    from (select distinct authority, night from current_keys) as nights
    cross join lateral quality.teams_at(nights.authority, nights.night) as teams_at
)

select
    current_keys.authority,
    current_keys.night,
    current_keys.gate,
    current_keys.decision,
    rules.rule_id,
    rules.severity,
    rules.owner,
    coalesce(rule_results.holds, false) as is_holding,
    current_keys.table_name,
    current_keys.record_key,
    current_keys.person_id,
    current_keys.record_count,
    rules.plain_words,
    rules.what_to_do,
    coalesce(unbroken.failing_since, current_keys.night) as failing_since,
    teams.team
from current_keys
inner join quality.rules on current_keys.rule_id = rules.rule_id
left join quality.rule_results
    on
        current_keys.gate_run_id = rule_results.gate_run_id
        and current_keys.rule_id = rule_results.rule_id
        and current_keys.table_name = rule_results.table_name
left join unbroken
    on
        current_keys.authority = unbroken.authority
        and current_keys.gate = unbroken.gate
        and current_keys.rule_id = unbroken.rule_id
        and current_keys.table_name = unbroken.table_name
        and current_keys.record_key = unbroken.record_key
left join teams
    on
        current_keys.authority = teams.authority
        and current_keys.night = teams.night
        and current_keys.person_id = teams.person_id;
comment on view quality.work_list is
    'one row per failing record and rule of each authority''s latest gate runs: what is wrong in '
    'plain words, what to do, who does it, since which night it fails without a gap, and the team '
    'to which the young person is allocated';
"""


def upgrade() -> None:
    """Replace the view, as carepath_owner; it keeps its grants."""
    op.get_bind().exec_driver_sql(TEAMS)
    op.get_bind().exec_driver_sql(WORK_LIST)
