-- grain: one row per team
with

departments as (
    select * from {{ ref('stg_department') }}
),

care_leavers as (
    select * from {{ ref('stg_care_leavers_versions') }}
),

case_statuses as (
    select * from {{ ref('stg_case_status_versions') }}
),

allocations as (
    select * from {{ ref('fct_allocations') }}
),

referrals as (
    select * from {{ ref('fct_referrals') }}
),

assessments as (
    select * from {{ ref('fct_assessments') }}
),

enquiries as (
    select * from {{ ref('fct_enquiries') }}
),

interviews as (
    select * from {{ ref('fct_interviews') }}
),

observations as (
    select * from {{ ref('fct_practice_observations') }}
),

memberships as (
    select * from {{ ref('fct_programme_membership') }}
),

latest as (
    select distinct on (authority, team_id) *
    from departments
    where team_id is not null
    order by
        authority asc, team_id asc, known_from desc, from_load desc,
        departments::text desc
),

-- teams that the facts name, whether the source lists them or not
teams as (
    select
        authority,
        {{ surrogate_key(['authority', 'team_id']) }} as team_key
    from latest
    union
    select
        authority,
        {{ surrogate_key(['authority', 'team_id']) }} as team_key
    from care_leavers
    union
    select
        authority,
        {{ surrogate_key(['authority', 'team_id']) }} as team_key
    from case_statuses
    union
    select
        authority,
        team_key
    from allocations
    union
    select
        authority,
        team_key
    from referrals
    union
    select
        authority,
        team_key
    from assessments
    union
    select
        authority,
        team_key
    from enquiries
    union
    select
        authority,
        team_key
    from interviews
    union
    select
        authority,
        team_key
    from observations
    union
    select
        authority,
        team_key
    from memberships
)

select
    teams.team_key,
    teams.authority,
    latest.team_name,
    latest.parent_team_name,
    latest.team_id is not null as is_listed
from teams
left join latest
    on
        teams.team_key
        = {{ surrogate_key(['latest.authority', 'latest.team_id']) }}
where teams.team_key is not null
