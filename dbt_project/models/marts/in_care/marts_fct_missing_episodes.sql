-- grain: one row per young person and missing episode
with

missing_episodes as (
    select * from {{ ref('fct_missing_episodes') }}
)

select
    missing_episode_key,
    young_person_key,
    authority,
    care_period_key,
    placement_key,
    missing_type_code,
    start_date,
    end_date,
    day_count,
    is_return_interview_offered,
    is_return_interview_accepted
from missing_episodes
