-- grain: one row per young person and unbroken time known in one kind of accommodation
{{ config(materialized='kept') }}
with

care_leavers as (
    select * from {{ touched(ref('stg_care_leavers_versions')) }}
),

-- the source keeps only the last state, so spells come from the nights that showed each
-- one; they merge while accommodation and judgement stay the same
spells as (
    select
        authority,
        person_id,
        accommodation_code,
        suitability_code,
        unnest(range_agg(daterange(known_from, known_to))) as known_range
    from care_leavers
    where person_id is not null and accommodation_code is not null
    group by authority, person_id, accommodation_code, suitability_code
)

select
    {{ surrogate_key([
        'authority', 'person_id', 'accommodation_code',
        "coalesce(suitability_code, '')", 'lower(known_range)',
    ]) }} as accommodation_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    accommodation_code,
    suitability_code,
    coalesce(suitability_code = '1', false) as is_suitable,
    accommodation_code = 'Z' as is_with_former_foster_carer,
    lower(known_range) as known_from,
    upper(known_range) as known_to,
    upper_inf(known_range) as is_latest
from spells
