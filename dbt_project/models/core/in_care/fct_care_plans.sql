-- grain: one row per young person and start of a care plan
{{ config(materialized='kept') }}
with

plans as (
    select
        authority,
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
        start_date,
        end_date,
        care_plan_json
    from {{ touched(ref('stg_cla_care_plan')) }}
    where
        person_id is not null
        and start_date is not null
        and (end_date is null or end_date >= start_date)
),

-- the permanence plan is a list of options, each with a flag; several may be chosen,
-- when plans are made in parallel
options as (
    select
        plans.authority,
        plans.young_person_key,
        plans.start_date,
        plans.end_date,
        chosen.permanence_options
    from plans
    cross join lateral (
        select string_agg(option.key, ', ' order by option.key) as permanence_options
        from
            jsonb_each_text(
                case
                    when jsonb_typeof(plans.care_plan_json) = 'object'
                        then plans.care_plan_json
                    else '{}'::jsonb
                end
            ) as option (key, flag)
        where lower(trim(option.flag)) in ('y', 'yes', '1', 'true', 't')
    ) as chosen
),

preferred as (
    select
        *,
        row_number() over (
            partition by young_person_key, start_date
            order by
                end_date desc nulls first, permanence_options asc nulls last
        ) as preference
    from options
)

-- a new plan ends the one before
select
    young_person_key,
    authority,
    start_date,
    least(
        end_date,
        lead(start_date) over (partition by young_person_key order by start_date)
    ) as end_date,
    permanence_options
from preferred
where preference = 1
