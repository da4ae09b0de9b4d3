-- grain: one row per young person and pathway plan review date ever recorded
{{ config(materialized='kept') }}
with

care_leavers as (
    select * from {{ touched(ref('stg_care_leavers_versions')) }}
)

-- the source keeps only the last review, so the history comes from the nights that
-- showed each one
select
    {{ surrogate_key(['authority', 'person_id', 'pathway_plan_review_date']) }}
        as pathway_plan_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    pathway_plan_review_date as review_date,
    min(known_from) as first_known_date,
    bool_or(known_to is null) as is_latest,
    nullif(max(coalesce(known_to, 'infinity')), 'infinity') as known_until_date
from care_leavers
where person_id is not null and pathway_plan_review_date is not null
group by authority, person_id, pathway_plan_review_date
