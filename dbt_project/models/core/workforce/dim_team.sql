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

involvements as (
    select * from {{ ref('stg_involvements') }}
),

referrals as (
    select * from {{ ref('stg_cin_episodes') }}
),

assessments as (
    select * from {{ ref('stg_cin_assessments') }}
),

enquiries as (
    select * from {{ ref('stg_s47_enquiry') }}
),

latest as (
    select distinct on (authority, team_id) *
    from departments
    where team_id is not null
    order by
        authority asc, team_id asc, known_from desc, from_load desc,
        departments::text desc
),

-- teams that records name, whether the source lists them or not
teams as (
    select
        authority,
        team_id
    from latest
    union
    select
        authority,
        team_id
    from care_leavers
    union
    select
        authority,
        team_id
    from case_statuses
    union
    select
        authority,
        team_id
    from involvements
    union
    select
        authority,
        team_id
    from referrals
    union
    select
        authority,
        team_id
    from assessments
    union
    select
        authority,
        team_id
    from enquiries
)

select
    {{ surrogate_key(['teams.authority', 'teams.team_id']) }} as team_key,
    teams.authority,
    latest.team_name,
    latest.parent_team_name,
    latest.team_id is not null as is_listed
from teams
left join latest
    on
        teams.authority = latest.authority
        and teams.team_id = latest.team_id
where teams.team_id is not null
