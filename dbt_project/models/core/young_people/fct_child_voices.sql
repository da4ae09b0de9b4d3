-- grain: one row per young person who was asked about the help received
with

answers as (
    select * from {{ ref('stg_voice_of_child') }}
    where person_id is not null
),

-- of several current rows of one young person, the row that came in last counts
latest as (
    select distinct on (authority, person_id) *
    from answers
    order by
        authority asc, person_id asc, known_from desc, from_load desc,
        answers::text desc
)

select
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    known_from,
    has_worries_explained,
    is_helped_by_story,
    is_agreed_with_worker,
    is_plan_understood,
    is_helped_by_tablet
from latest
