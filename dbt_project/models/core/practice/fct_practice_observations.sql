-- grain: one row per authority, observation and skill
with

observations as (
    select * from {{ ref('stg_practice_observations') }}
),

-- a skill sent in two spellings is one skill, and the record that came in last counts
latest as (
    select distinct on (authority, observation_id, skill_code) *
    from observations
    where observation_id is not null and skill_code is not null
    order by
        authority asc, observation_id asc, skill_code asc, known_from desc,
        from_load desc, observations::text desc
)

select
    {{ surrogate_key(['authority', 'observation_id', 'skill_code']) }}
        as practice_observation_key,
    {{ surrogate_key(['authority', 'observation_id']) }} as observation_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    skill_code,
    observed_date,
    phase_code,
    case when score between 1 and 5 then score end as score,
    {{ surrogate_key(['authority', 'team_id']) }} as team_key,
    {{ surrogate_key(['authority', 'worker_id']) }} as worker_key
from latest
