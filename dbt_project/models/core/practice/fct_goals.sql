-- grain: one row per authority, young person, respondent, day and theme
with

goals as (
    select * from {{ ref('stg_goals') }}
),

latest as (
    select distinct on (
        authority, person_id, respondent_code, recorded_date, theme_code
    ) *
    from goals
    where
        person_id is not null
        and respondent_code is not null
        and recorded_date is not null
        and theme_code is not null
    order by
        authority asc, person_id asc, respondent_code asc, recorded_date asc,
        theme_code asc, known_from desc, from_load desc, goals::text desc
)

select
    {{ surrogate_key([
        'authority', 'person_id', 'respondent_code', 'recorded_date', 'theme_code',
    ]) }} as goal_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    respondent_code,
    recorded_date,
    theme_code,
    is_achieved
from latest
