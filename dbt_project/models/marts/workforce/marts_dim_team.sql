-- grain: one row per team
with

teams as (
    select * from {{ ref('dim_team') }}
)

select
    team_key,
    authority,
    team_name,
    parent_team_name,
    is_listed
from teams
