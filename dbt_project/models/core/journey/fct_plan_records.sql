-- grain: one row per record of a plan that the source holds
{{ config(materialized='kept') }}
with

early_help_episodes as (
    select * from {{ touched(ref('stg_early_help_episodes')) }}
),

cin_plans as (
    select * from {{ touched(ref('stg_cin_plans')) }}
),

cp_plans as (
    select * from {{ touched(ref('stg_cp_plans')) }}
),

care_periods as (
    select * from {{ touched(ref('fct_care_periods')) }}
),

recorded as (
    select
        authority,
        'EH' as plan_type_code,
        record_key,
        person_id,
        start_date,
        end_date
    from early_help_episodes
    union all
    select
        authority,
        'CIN' as plan_type_code,
        record_key,
        person_id,
        start_date,
        end_date
    from cin_plans
    union all
    select
        authority,
        'CP' as plan_type_code,
        record_key,
        person_id,
        start_date,
        end_date
    from cp_plans
),

-- Of several current rows with one key, one counts. The choice rests on their content,
-- not on when they came in, so a record that disappears and comes back changes nothing.
numbered as (
    select
        *,
        row_number() over (
            partition by authority, plan_type_code, record_key
            order by
                coalesce(end_date > start_date, start_date is not null) desc,
                end_date desc nulls last, start_date asc, person_id asc
        ) as version_number
    from recorded
),

records as (
    select
        {{ surrogate_key([
            'authority', 'plan_type_code', 'record_key', 'version_number',
        ]) }} as recorded_plan_key,
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
        authority,
        plan_type_code,
        start_date,
        end_date,
        version_number
    from numbered
    union all
    select
        {{ surrogate_key(['authority', "'LAC'", 'care_period_key']) }}
            as recorded_plan_key,
        young_person_key,
        authority,
        'LAC' as plan_type_code,
        start_date,
        end_date,
        1 as version_number
    from care_periods
),

judged as (
    select
        *,
        case
            when version_number > 1 then 'another row has its key'
            when young_person_key is null then 'no young person'
            when start_date is null then 'no start date'
            when end_date < start_date then 'ends before it starts'
            when end_date = start_date then 'ends on the day it starts'
        end as left_out_reason
    from records
)

select
    recorded_plan_key,
    young_person_key,
    authority,
    plan_type_code,
    start_date,
    end_date,
    left_out_reason,
    coalesce(
        left_out_reason in (
            'no young person', 'no start date', 'ends before it starts'
        ),
        false
    ) as is_faulty
from judged
