-- grain: one row per young person and unbroken time on plans of one type
{{ config(materialized='kept') }}
with

records as (
    select
        *,
        coalesce(end_date, 'infinity') as until_date
    from {{ touched(ref('fct_plan_records')) }}
    where left_out_reason is null
),

-- the last day that the earlier records of the same type reach; null for the first
ordered as (
    select
        *,
        max(until_date) over (
            partition by young_person_key, plan_type_code
            order by start_date, until_date
            rows between unbounded preceding and 1 preceding
        ) as reached_date
    from records
),

-- a record that begins after that day begins a spell
numbered as (
    select
        *,
        count(*) filter (where reached_date is null or start_date > reached_date) over (
            partition by young_person_key, plan_type_code
            order by start_date, until_date
        ) as plan_number
    from ordered
)

select
    {{ surrogate_key(['young_person_key', 'plan_type_code', 'min(start_date)']) }}
        as plan_spell_key,
    young_person_key,
    authority,
    plan_type_code,
    plan_number::integer as plan_number,
    min(start_date) as start_date,
    nullif(max(until_date), 'infinity') as end_date,
    count(*)::integer as record_count,
    count(*) filter (where start_date < reached_date)::integer
        as overlapping_record_count
from numbered
group by young_person_key, authority, plan_type_code, plan_number
