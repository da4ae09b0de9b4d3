-- grain: one row per authority, snapshot date, measure and segment
with

events as (
    select * from {{ ref('fct_pathway_events') }}
    where
        is_stage_change
        or event_type_code in (
            'contact', 'referral', 'move', 'entry_to_care', 'return_home',
            'leaving_care'
        )
),

report_dates as (
    select
        authority,
        report_date,
        (report_date - interval '12 months')::date as after_date
    from {{ ref('dim_report_date') }}
),

young_people_segments as (
    select * from {{ ref('bridge_young_person_segment') }}
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
),

-- the days between two events, told by the later one; null where the earlier is missing
times as (
    select
        looked_back.authority,
        looked_back.event_date,
        looked_back.young_person_key,
        measures.measure,
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
),

measures as (
    select
        from_types.plan_type || ' -> ' || to_types.plan_type as measure,
        null as assumption
    from plan_types as from_types
    inner join plan_types as to_types
        on from_types.plan_type_code <> to_types.plan_type_code
    union all
    select
        measure,
        assumption
    from (
        values
        ('contact -> referral', 'the last contact led to the referral'),
        ('referral -> plan', 'the last referral led to the plan'),
        ('plan -> entry to care', null),
        ('entry to care -> first move', null),
        ('entry to care -> return home', null),
        ('entry to care -> end of care other than home', null),
        ('end of care -> entry to care again', null)
    ) as between_events (measure, assumption)
),

-- of a cohort count the later events from the day of joining on
members as (
    select
        authority,
        event_date,
        measure,
        'all' as segment,
        day_count,
        left_out_reason
    from times
    union all
    select
        times.authority,
        times.event_date,
        times.measure,
        young_people_segments.segment,
        times.day_count,
        times.left_out_reason
    from times
    inner join young_people_segments
        on
            times.young_person_key = young_people_segments.young_person_key
            and times.event_date >= young_people_segments.from_date
),

segments as (
    select
        authority,
        'all' as segment,
        '-infinity'::date as first_date
    from report_dates
    group by authority
    union all
    select
        authority,
        segment,
        min(from_date) as first_date
    from young_people_segments
    group by authority, segment
),

-- the twelve months that end with the report date
timed as (
    select
        report_dates.authority,
        report_dates.report_date,
        members.segment,
        members.measure,
        percentile_cont(0.5) within group (order by members.day_count) as value,
        count(members.day_count) as record_count,
        count(*) - count(members.day_count) as left_out_count,
        max(members.left_out_reason) as left_out_reason
    from report_dates
    inner join members
        on
            report_dates.authority = members.authority
            and report_dates.report_date >= members.event_date
            and report_dates.after_date < members.event_date
    group by
        report_dates.authority, report_dates.report_date, members.segment,
        members.measure
)

select
    report_dates.authority,
    report_dates.report_date as snapshot_date,
    measures.measure,
    segments.segment,
    round(timed.value::numeric, 4) as value,
    'days' as unit,
    coalesce(timed.record_count, 0)::integer as record_count,
    coalesce(timed.left_out_count, 0)::integer as left_out_count,
    timed.left_out_reason || ': ' || timed.left_out_count as left_out_reason,
    measures.assumption
from report_dates
inner join segments
    on
        report_dates.authority = segments.authority
        and report_dates.report_date >= segments.first_date
cross join measures
left join timed
    on
        report_dates.authority = timed.authority
        and report_dates.report_date = timed.report_date
        and segments.segment = timed.segment
        and measures.measure = timed.measure
