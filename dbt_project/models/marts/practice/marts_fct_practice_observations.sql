-- grain: one row per authority, observation and skill
with

observations as (
    select * from {{ ref('fct_practice_observations') }}
)

select
    practice_observation_key,
    observation_key,
    young_person_key,
    authority,
    skill_code,
    observed_date,
    phase_code,
    score,
    team_key,
    worker_key
from observations
