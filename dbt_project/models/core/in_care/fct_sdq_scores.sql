-- grain: one row per strengths and difficulties questionnaire of a young person
with

records as (
    select * from {{ ref('stg_sdq_scores') }}
),

-- of several current rows with one key, the row that came in last counts
latest as (
    select distinct on (authority, record_key) *
    from records
    where
        person_id is not null
        and completed_date is not null
    order by
        authority asc, record_key asc, known_from desc, from_load desc,
        records::text desc
)

select
    {{ surrogate_key(['authority', 'record_key']) }} as sdq_score_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    completed_date,
    sdq_score,
    sdq_reason_code
from latest
