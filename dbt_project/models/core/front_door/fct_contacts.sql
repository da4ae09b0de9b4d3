-- grain: one row per contact
{{ config(materialized='kept') }}
with

contacts as (
    select
        authority,
        record_key,
        person_id,
        contact_date,
        contact_source_code,
        outcome_json,
        known_from,
        from_load
    from {{ touched(ref('stg_contacts')) }}
    where person_id is not null
),

-- of several current rows with one key, the row that came in last counts
latest as (
    select distinct on (authority, record_key) *
    from contacts
    order by
        authority asc, record_key asc, known_from desc, from_load desc,
        contacts::text desc
)

select
    {{ surrogate_key(['authority', 'record_key']) }} as contact_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    contact_date,
    contact_source_code as source_code,
    {{ staging_flag("(outcome_json ->> 'NEW_REFERRAL_FLAG')") }} as is_new_referral,
    {{ staging_flag("(outcome_json ->> 'NFA_FLAG')") }} as is_no_further_action
from latest
