-- grain: one row per young person and unbroken time with one plan by precedence
{{ config(materialized='kept') }}
with

spells as (
    select
        plan_spells.*,
        plan_types.precedence,
        daterange(plan_spells.start_date, plan_spells.end_date) as dates
    from {{ touched(ref('fct_plan_spells')) }} as plan_spells
    inner join {{ ref('dim_plan_type') }} as plan_types
        on plan_spells.plan_type_code = plan_types.plan_type_code
),

-- the times when a plan of higher precedence covers a spell
covered as (
    select
        spells.plan_spell_key,
        range_agg(higher.dates) as dates
    from spells
    inner join spells as higher
        on
            spells.young_person_key = higher.young_person_key
            and spells.precedence < higher.precedence
            and spells.dates && higher.dates
    group by spells.plan_spell_key
),

-- spells of one type never touch, so what is left of them does not touch either
shown as (
    select
        spells.young_person_key,
        spells.authority,
        spells.plan_type_code,
        spells.plan_spell_key,
        unnest(
            datemultirange(spells.dates) - coalesce(covered.dates, '{}'::datemultirange)
        ) as dates
    from spells
    left join covered on spells.plan_spell_key = covered.plan_spell_key
),

timeline as (
    select
        young_person_key,
        authority,
        plan_type_code,
        plan_spell_key,
        lower(dates) as from_date,
        upper(dates) as to_date
    from shown
)

select
    young_person_key,
    authority,
    from_date,
    to_date,
    plan_type_code,
    plan_spell_key,
    case
        when lag(to_date) over way = from_date then lag(plan_type_code) over way
        else 'NONE'
    end as previous_plan_type_code,
    case
        when to_date is null then null
        when lead(from_date) over way = to_date then lead(plan_type_code) over way
        else 'NONE'
    end as next_plan_type_code
from timeline
window way as (partition by authority, young_person_key order by from_date)
