-- grain: one row per authority, report date, measure and segment
with

{{ numbered_report_dates() }},

timeline as (
    select * from {{ ref('fct_plan_timeline') }}
),

plan_records as (
    select * from {{ ref('fct_plan_records') }}
    where is_faulty
),

-- a council that does not deliver a plan is not measured on it
measures as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        report_dates.date_number,
        delivered.plan_type_code,
        plan_types.plan_type as measure,
        plan_types.precedence,
        case when not delivered.is_delivered then 'not delivered' end
            as not_delivered_reason
    from report_dates
    inner join {{ ref('bridge_authority_plan_type') }} as delivered
        on report_dates.authority = delivered.authority
    inner join {{ ref('dim_plan_type') }} as plan_types
        on delivered.plan_type_code = plan_types.plan_type_code
    where delivered.plan_type_code <> 'NONE'
),

precedences as (
    select
        plan_type_code,
        precedence
    from {{ ref('dim_plan_type') }}
),

-- each young person counts once, however many faulty records there are; a record that
-- names no young person counts as one more, because its young person is not known
faulty as (
    select
        measures.authority,
        measures.as_at_date,
        measures.measure,
        measures.precedence,
        plan_records.young_person_key,
        min(plan_records.left_out_reason) as left_out_reason
    from measures
    inner join plan_records
        on
            measures.authority = plan_records.authority
            and measures.plan_type_code = plan_records.plan_type_code
            and measures.not_delivered_reason is null
            and (
                plan_records.start_date is null
                or measures.as_at_date >= plan_records.start_date
            )
    group by
        measures.authority, measures.as_at_date, measures.measure,
        measures.precedence, plan_records.young_person_key,
        case
            when plan_records.young_person_key is null
                then plan_records.recorded_plan_key
        end
),

-- a young person who is counted with this plan, or with one of higher precedence, is
-- not left out
left_out as (
    select
        faulty.authority,
        faulty.as_at_date,
        faulty.measure,
        faulty.young_person_key,
        faulty.left_out_reason,
        timeline.young_person_key is not null as has_lower_plan
    from faulty
    left join timeline
        on
            faulty.young_person_key = timeline.young_person_key
            and faulty.as_at_date >= timeline.from_date
            and (timeline.to_date is null or faulty.as_at_date < timeline.to_date)
    left join precedences on timeline.plan_type_code = precedences.plan_type_code
    where precedences.precedence is null or faulty.precedence > precedences.precedence
),

-- young people whose plan holds at the same dates are grouped and counted together
spans as (
    select
        timeline.authority,
        timeline.plan_type_code,
        {{ first_date_number('timeline.from_date') }} as first_number,
        {{ last_date_number('timeline.to_date') }} as last_number,
        count(*) as person_count
    from timeline
    inner join calendars on timeline.authority = calendars.authority
    group by
        timeline.authority, timeline.plan_type_code, first_number, last_number
),

members as (
    select
        measures.authority,
        measures.as_at_date,
        measures.measure,
        'all' as segment,
        spans.person_count is not null as is_member,
        spans.plan_type_code = measures.plan_type_code as is_counted,
        measures.not_delivered_reason as left_out_reason,
        spans.person_count
    from measures
    left join spans
        on
            measures.authority = spans.authority
            and measures.date_number between spans.first_number and spans.last_number
    union all
    select
        authority,
        as_at_date,
        measure,
        'all' as segment,
        true as is_member,
        false as is_counted,
        left_out_reason,
        1 as person_count
    from left_out
    union all
    -- a young person who is left out must not count as one without the plan
    select
        authority,
        as_at_date,
        measure,
        'all' as segment,
        true as is_member,
        false as is_counted,
        null as left_out_reason,
        -1 as person_count
    from left_out
    where has_lower_plan
),

-- the same young people one by one; one who is left out is not one without the plan
-- keep_members() reads it
people as ( -- noqa: ST03
    select
        measures.authority,
        measures.as_at_date,
        measures.measure,
        'all' as segment,
        timeline.young_person_key,
        true as is_member,
        timeline.plan_type_code = measures.plan_type_code as is_counted,
        measures.not_delivered_reason as left_out_reason
    from measures
    inner join timeline
        on
            measures.authority = timeline.authority
            and measures.as_at_date >= timeline.from_date
            and (timeline.to_date is null or measures.as_at_date < timeline.to_date)
    left join left_out
        on
            measures.authority = left_out.authority
            and measures.as_at_date = left_out.as_at_date
            and measures.measure = left_out.measure
            and timeline.young_person_key = left_out.young_person_key
    where left_out.young_person_key is null
    union all
    select
        authority,
        as_at_date,
        measure,
        'all' as segment,
        young_person_key,
        true as is_member,
        false as is_counted,
        left_out_reason
    from left_out
),

{{ measured('members', weight='person_count', people='people') }}
