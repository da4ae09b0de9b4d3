-- grain: one row per child in pre-proceedings
{{ config(materialized='kept') }}
with

records as (
    select * from {{ touched(ref('stg_pre_proceedings')) }}
    where person_id is not null
),

-- of several current rows with one key, the row that came in last counts
latest as (
    select distinct on (authority, record_key) *
    from records
    order by
        authority asc, record_key asc, known_from desc, from_load desc,
        records::text desc
)

select
    {{ surrogate_key(['authority', 'record_key']) }} as pre_proceedings_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    decision_date,
    pre_proceedings_letter_date as letter_date,
    outcome_code,
    stepdown_or_issue_date as outcome_date,
    case
        when stepdown_or_issue_date >= decision_date
            then stepdown_or_issue_date - decision_date
    end as day_count
from latest
