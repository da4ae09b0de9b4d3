-- grain: one row per young person, event and measured time that ends with it
{{ config(materialized='kept') }}
with

events as (
    select * from {{ touched(ref('fct_pathway_events')) }}
    where
        is_stage_change
        or event_type_code in (
            'contact', 'referral', 'move', 'entry_to_care', 'return_home',
            'leaving_care'
        )
),

plan_types as (
    select * from {{ ref('dim_plan_type') }}
),

-- what came before each event on the same young person's way
looked_back as (
    select
        *,
        max(event_date) filter (where event_type_code = 'contact') over before
            as contact_date,
        max(event_date) filter (where event_type_code = 'referral') over before
            as referral_date,
        max(event_date) filter (where is_stage_change and previous_stage = 'NONE')
            over before as plan_date,
        max(event_date) filter (where is_stage_change and stage = 'NONE') over before
            as no_plan_date,
        max(event_date) filter (where event_type_code = 'entry_to_care') over before
            as entry_date,
        max(event_number) filter (where event_type_code = 'entry_to_care') over before
            as entry_number,
        max(event_number) filter (where event_type_code = 'move') over before
            as move_number,
        max(event_date) filter (
            where event_type_code in ('return_home', 'leaving_care')
        ) over before as care_end_date
    from events
    window
        before as (
            partition by young_person_key
            order by event_number
            rows between unbounded preceding and 1 preceding
        )
)

-- the days between two events, on the row of the later one; null where the earlier one
-- is missing
select
    looked_back.pathway_event_key,
    measures.measure,
    looked_back.young_person_key,
    looked_back.authority,
    looked_back.event_date,
    measures.day_count,
    case when measures.day_count is null then measures.left_out_reason end
        as left_out_reason
from looked_back
inner join plan_types on looked_back.stage = plan_types.plan_type_code
inner join plan_types as previous_types
    on looked_back.previous_stage = previous_types.plan_type_code
cross join
    lateral (
        values
        (
            previous_types.plan_type || ' -> ' || plan_types.plan_type,
            days_in_previous_stage is not null,
            days_in_previous_stage,
            null
        ),
        (
            'contact -> referral',
            event_type_code = 'referral',
            case
                when contact_date >= coalesce(referral_date, contact_date)
                    then event_date - contact_date
            end,
            'no contact since the referral before'
        ),
        (
            'referral -> plan',
            is_stage_change and previous_stage = 'NONE' and stage <> 'EH',
            case
                when referral_date >= coalesce(no_plan_date, referral_date)
                    then event_date - referral_date
            end,
            'no referral since the plan before'
        ),
        (
            'plan -> entry to care',
            event_type_code = 'entry_to_care' and previous_stage <> 'NONE',
            event_date - plan_date,
            null
        ),
        (
            'entry to care -> first move',
            event_type_code = 'move' and coalesce(move_number, 0) < entry_number,
            event_date - entry_date,
            null
        ),
        (
            'entry to care -> return home',
            event_type_code = 'return_home',
            event_date - entry_date,
            null
        ),
        (
            'entry to care -> end of care other than home',
            event_type_code = 'leaving_care',
            event_date - entry_date,
            null
        ),
        (
            'end of care -> entry to care again',
            event_type_code = 'entry_to_care' and care_end_date is not null,
            event_date - care_end_date,
            null
        )
    ) as measures (measure, is_told, day_count, left_out_reason)
where looked_back.event_type_code <> 'contact' and measures.is_told
