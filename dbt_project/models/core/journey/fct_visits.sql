-- grain: one row per visit
{{ config(materialized='kept') }}
with

child_in_need_visits as (
    select * from {{ touched(ref('stg_cin_visits')) }}
),

child_protection_visits as (
    select * from {{ touched(ref('stg_cp_visits')) }}
),

looked_after_visits as (
    select * from {{ touched(ref('stg_cla_visits')) }}
),

visits as (
    select
        authority,
        'CIN' as plan_type_code,
        record_key,
        person_id,
        visit_date,
        is_child_seen,
        is_child_seen_alone,
        known_from,
        from_load
    from child_in_need_visits
    union all
    select
        authority,
        'CP' as plan_type_code,
        record_key,
        person_id,
        visit_date,
        is_child_seen,
        is_child_seen_alone,
        known_from,
        from_load
    from child_protection_visits
    union all
    select
        authority,
        'LAC' as plan_type_code,
        record_key,
        person_id,
        visit_date,
        is_child_seen,
        is_child_seen_alone,
        known_from,
        from_load
    from looked_after_visits
),

-- of several current rows with one key, the row that came in last counts
latest as (
    select distinct on (authority, plan_type_code, record_key) *
    from visits
    where person_id is not null
    order by
        authority asc, plan_type_code asc, record_key asc,
        known_from desc, from_load desc, visits::text desc
)

select
    {{ surrogate_key(['authority', 'plan_type_code', 'record_key']) }} as visit_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    plan_type_code,
    visit_date,
    is_child_seen,
    is_child_seen_alone
from latest
