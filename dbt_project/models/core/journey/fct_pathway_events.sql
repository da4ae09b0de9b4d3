-- grain: one row per event of a young person's way
{{ config(materialized='kept') }}
with

event_types as (
    select * from {{ ref('dim_event_type') }}
),

plan_spells as (
    select * from {{ touched(ref('fct_plan_spells')) }}
    where plan_type_code <> 'LAC'
),

plan_timeline as (
    select * from {{ touched(ref('fct_plan_timeline')) }}
),

plan_types as (
    select * from {{ ref('dim_plan_type') }}
),

-- steps from one plan to another; entering and leaving care are separate events
steps as (
    select
        plan_timeline.young_person_key,
        plan_timeline.authority,
        plan_timeline.from_date as step_date,
        plan_timeline.plan_type_code,
        plan_timeline.previous_plan_type_code,
        plan_timeline.plan_spell_key,
        plan_types.precedence > previous_types.precedence as is_up
    from plan_timeline
    inner join plan_types
        on plan_timeline.plan_type_code = plan_types.plan_type_code
    inner join plan_types as previous_types
        on plan_timeline.previous_plan_type_code = previous_types.plan_type_code
    where
        plan_timeline.plan_type_code <> 'LAC'
        and plan_timeline.previous_plan_type_code not in ('NONE', 'LAC')
),

-- a start or an end that is part of a step on that day is not listed a second time
plan_starts as (
    select plan_spells.*
    from plan_spells
    left join steps
        on
            plan_spells.plan_spell_key = steps.plan_spell_key
            and plan_spells.start_date = steps.step_date
    where steps.plan_spell_key is null
),

plan_ends as (
    select plan_spells.*
    from plan_spells
    left join steps
        on
            plan_spells.young_person_key = steps.young_person_key
            and plan_spells.end_date = steps.step_date
            and plan_spells.plan_type_code = steps.previous_plan_type_code
    where plan_spells.end_date is not null and steps.plan_spell_key is null
),

-- the entry to care gives the first legal status; a short break does not count as care
legal_statuses as (
    select
        *,
        lag(legal_status_code) over (
            partition by care_period_key order by start_date
        ) as previous_code
    from {{ touched(ref('fct_legal_statuses')) }}
    where care_period_key is not null and not is_short_break
),

-- the source keeps only the last status, so its date is the night that first showed it
eligibilities as (
    select
        authority,
        person_id,
        eligibility_code,
        known_from,
        lag(eligibility_code) over (
            partition by authority, person_id
            order by known_from, from_load, eligibility_code
        ) as previous_code
    from {{ touched(ref('stg_care_leavers_versions')) }}
    where person_id is not null and eligibility_code is not null
),

care_leaver_statuses as (
    select
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
        authority,
        eligibility_code,
        known_from
    from eligibilities
    where eligibility_code is distinct from previous_code
    group by authority, person_id, eligibility_code, known_from
),

recorded as (
    select
        'contact' as event_type_code,
        contact_key as source_key,
        young_person_key,
        authority,
        contact_date as event_date,
        source_code as detail_code
    from {{ touched(ref('fct_contacts')) }}
    union all
    select
        'referral' as event_type_code,
        referral_key as source_key,
        young_person_key,
        authority,
        referral_date as event_date,
        source_code as detail_code
    from {{ touched(ref('fct_referrals')) }}
    union all
    select
        'case_closed' as event_type_code,
        referral_key as source_key,
        young_person_key,
        authority,
        close_date as event_date,
        close_reason_code as detail_code
    from {{ touched(ref('fct_referrals')) }}
    union all
    select
        'assessment_start' as event_type_code,
        assessment_key as source_key,
        young_person_key,
        authority,
        start_date as event_date,
        null as detail_code
    from {{ touched(ref('fct_assessments')) }}
    union all
    select
        'assessment_end' as event_type_code,
        assessment_key as source_key,
        young_person_key,
        authority,
        authorised_date as event_date,
        null as detail_code
    from {{ touched(ref('fct_assessments')) }}
    union all
    select
        'enquiry' as event_type_code,
        enquiry_key as source_key,
        young_person_key,
        authority,
        start_date as event_date,
        null as detail_code
    from {{ touched(ref('fct_enquiries')) }}
    union all
    select
        'conference' as event_type_code,
        enquiry_key as source_key,
        young_person_key,
        authority,
        conference_date as event_date,
        null as detail_code
    from {{ touched(ref('fct_enquiries')) }}
    union all
    select
        'plan_start' as event_type_code,
        plan_spell_key as source_key,
        young_person_key,
        authority,
        start_date as event_date,
        plan_type_code as detail_code
    from plan_starts
    union all
    select
        'plan_end' as event_type_code,
        plan_spell_key as source_key,
        young_person_key,
        authority,
        end_date as event_date,
        plan_type_code as detail_code
    from plan_ends
    union all
    select
        case when is_up then 'step_up' else 'step_down' end as event_type_code,
        plan_spell_key as source_key,
        young_person_key,
        authority,
        step_date as event_date,
        plan_type_code as detail_code
    from steps
    union all
    select
        'entry_to_care' as event_type_code,
        care_period_key as source_key,
        young_person_key,
        authority,
        start_date as event_date,
        first_legal_status_code as detail_code
    from {{ touched(ref('fct_care_periods')) }}
    union all
    select
        case
            when end_reason_code in ('E4A', 'E4B') then 'return_home'
            else 'leaving_care'
        end as event_type_code,
        care_period_key as source_key,
        young_person_key,
        authority,
        end_date as event_date,
        end_reason_code as detail_code
    from {{ touched(ref('fct_care_periods')) }}
    union all
    select
        'legal_status' as event_type_code,
        legal_status_key as source_key,
        young_person_key,
        authority,
        start_date as event_date,
        legal_status_code as detail_code
    from legal_statuses
    where legal_status_code <> previous_code
    union all
    select
        case when is_move then 'move' else 'placement' end as event_type_code,
        placement_key as source_key,
        young_person_key,
        authority,
        start_date as event_date,
        placement_type_code as detail_code
    from {{ touched(ref('fct_placements')) }}
    -- a temporary absence and the return from it are not moves
    where placement_number = 1 or is_move
    union all
    select
        'missing' as event_type_code,
        missing_episode_key as source_key,
        young_person_key,
        authority,
        start_date as event_date,
        missing_type_code as detail_code
    from {{ touched(ref('fct_missing_episodes')) }}
    union all
    select
        'pathway_plan' as event_type_code,
        pathway_plan_key as source_key,
        young_person_key,
        authority,
        review_date as event_date,
        null as detail_code
    from {{ touched(ref('fct_pathway_plans')) }}
    union all
    select
        'care_leaver_status' as event_type_code,
        young_person_key as source_key,
        young_person_key,
        authority,
        known_from as event_date,
        eligibility_code as detail_code
    from care_leaver_statuses
),

with_a_date as (
    select * from recorded
    where young_person_key is not null and event_date is not null
),

-- the plan on the day of the event and on the day before
dated as (
    select
        with_a_date.*,
        event_types.day_rank,
        event_types.can_change_stage,
        coalesce(now_on.plan_type_code, 'NONE') as plan_type_code,
        case
            when now_on.from_date < with_a_date.event_date then now_on.plan_type_code
            else coalesce(ended.plan_type_code, 'NONE')
        end as plan_before_code
    from with_a_date
    inner join event_types on with_a_date.event_type_code = event_types.event_type_code
    left join plan_timeline as now_on
        on
            with_a_date.young_person_key = now_on.young_person_key
            and with_a_date.event_date >= now_on.from_date
            and (now_on.to_date is null or with_a_date.event_date < now_on.to_date)
    left join plan_timeline as ended
        on
            with_a_date.young_person_key = ended.young_person_key
            and with_a_date.event_date = ended.to_date
),

-- on a day of change, events that may have led to the change come before it
staged as (
    select
        *,
        case
            when
                bool_or(can_change_stage) over (
                    partition by authority, young_person_key, event_date
                    order by day_rank, detail_code, source_key
                    rows between unbounded preceding and current row
                )
                then plan_type_code
            else plan_before_code
        end as stage
    from dated
),

-- sorted by authority first, so that an authority's rows lie together when they are
-- published
ordered as (
    select
        *,
        row_number() over way as event_number,
        lag(stage, 1, 'NONE') over way as previous_stage,
        lag(event_type_code) over way as previous_event_type_code,
        lag(event_date) over way as previous_event_date,
        lead(event_type_code) over way as next_event_type_code,
        lead(event_date) over way as next_event_date
    from staged
    window way as (
        partition by authority, young_person_key
        order by event_date, day_rank, detail_code, source_key
    )
),

-- when the stage before each event began; null before the first plan
timed as (
    select
        *,
        max(event_date) filter (where stage <> previous_stage) over (
            partition by authority, young_person_key
            order by event_number
            rows between unbounded preceding and 1 preceding
        ) as previous_stage_date
    from ordered
)

select
    {{ surrogate_key([
        'young_person_key', 'event_type_code', 'source_key', 'event_date',
        "coalesce(detail_code, '')",
    ]) }} as pathway_event_key,
    young_person_key,
    authority,
    event_number::integer as event_number,
    event_date,
    event_type_code,
    detail_code,
    source_key,
    stage,
    previous_stage,
    stage <> previous_stage as is_stage_change,
    case when stage <> previous_stage then event_date - previous_stage_date end
        as days_in_previous_stage,
    previous_event_type_code,
    previous_event_date,
    event_date - previous_event_date as days_since_previous,
    next_event_type_code,
    next_event_date,
    next_event_date - event_date as days_to_next
from timed
