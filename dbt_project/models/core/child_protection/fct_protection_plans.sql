-- grain: one row per young person and unbroken time on child protection plans
{{ config(materialized='kept') }}
with

plan_spells as (
    select
        *,
        lag(end_date) over (partition by young_person_key order by plan_number)
            as previous_end_date
    from {{ touched(ref('fct_plan_spells')) }}
    where plan_type_code = 'CP'
),

records as (
    select
        *,
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key
    from {{ touched(ref('stg_cp_plans')) }}
    where person_id is not null
),

categories as (
    select
        plan_spells.plan_spell_key,
        (array_agg(
            records.initial_category_code
            order by records.start_date, records.record_key
        ) filter (where records.initial_category_code is not null))[1]
            as initial_category_code,
        (array_agg(
            coalesce(records.latest_category_code, records.initial_category_code)
            order by records.start_date desc, records.record_key desc
        ) filter (
            where coalesce(
                records.latest_category_code, records.initial_category_code
            ) is not null
        ))[1] as latest_category_code
    from plan_spells
    inner join records
        on
            plan_spells.young_person_key = records.young_person_key
            and plan_spells.start_date <= records.start_date
            and (
                plan_spells.end_date is null
                or plan_spells.end_date > records.start_date
            )
    group by plan_spells.plan_spell_key
)

select
    plan_spells.plan_spell_key,
    plan_spells.young_person_key,
    plan_spells.authority,
    plan_spells.plan_number,
    plan_spells.start_date,
    plan_spells.end_date,
    plan_spells.previous_end_date,
    plan_spells.end_date - plan_spells.start_date as day_count,
    categories.initial_category_code,
    categories.latest_category_code
from plan_spells
left join categories on plan_spells.plan_spell_key = categories.plan_spell_key
