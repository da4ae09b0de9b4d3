-- grain: one row per authority, report date, measure and segment
with

-- used more than once and not materialised, because the result would not fit into
-- memory
events as not materialized (
    select * from {{ ref('fct_pathway_events') }}
    where is_stage_change
),

{{ numbered_report_dates() }},

young_people_segments as (
    select * from {{ ref('bridge_young_person_segment') }}
),

stages as (
    select
        delivered.authority,
        delivered.plan_type_code,
        delivered.is_delivered,
        plan_types.plan_type
    from {{ ref('bridge_authority_plan_type') }} as delivered
    inner join {{ ref('dim_plan_type') }} as plan_types
        on delivered.plan_type_code = plan_types.plan_type_code
),

-- for a cohort, moves count from the day of joining on
members as not materialized (
    select
        authority,
        'all' as segment,
        young_person_key,
        event_date,
        previous_stage,
        stage
    from events
    union all
    select
        events.authority,
        young_people_segments.segment,
        events.young_person_key,
        events.event_date,
        events.previous_stage,
        events.stage
    from events
    inner join young_people_segments
        on
            events.young_person_key = young_people_segments.young_person_key
            and events.event_date >= young_people_segments.from_date
),

-- each move counts at the dates in the 12 months from its day on; equal moves are
-- grouped and counted together
moves as (
    select
        members.authority,
        members.segment,
        members.previous_stage,
        members.stage,
        {{ first_date_number('members.event_date') }} as first_number,
        {{ last_date_number('members.event_date', 'calendars.year_before_dates') }}
            as last_number,
        count(*) as move_count
    from members
    inner join calendars on members.authority = calendars.authority
    group by
        members.authority, members.segment, members.previous_stage, members.stage,
        first_number, last_number
),

counted as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        moves.segment,
        moves.previous_stage,
        moves.stage,
        sum(moves.move_count) as move_count
    from report_dates
    inner join moves
        on
            report_dates.authority = moves.authority
            and report_dates.date_number
            between moves.first_number and moves.last_number
    group by
        report_dates.authority, report_dates.report_date, moves.segment,
        moves.previous_stage, moves.stage
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

-- every link has a row, so that no link disappears in a quiet year
links as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        segments.segment,
        from_stages.plan_type as from_stage,
        to_stages.plan_type as to_stage,
        from_stages.is_delivered and to_stages.is_delivered as is_delivered,
        coalesce(counted.move_count, 0) as move_count,
        sum(counted.move_count) over (
            partition by
                report_dates.authority, report_dates.report_date, segments.segment,
                from_stages.plan_type_code
        ) as from_count
    from report_dates
    inner join segments
        on
            report_dates.authority = segments.authority
            and report_dates.report_date >= segments.first_date
    inner join stages as from_stages on report_dates.authority = from_stages.authority
    inner join stages as to_stages
        on
            from_stages.authority = to_stages.authority
            and from_stages.plan_type_code <> to_stages.plan_type_code
    left join counted
        on
            report_dates.authority = counted.authority
            and report_dates.report_date = counted.as_at_date
            and segments.segment = counted.segment
            and from_stages.plan_type_code = counted.previous_stage
            and to_stages.plan_type_code = counted.stage
),

-- keep_members() reads it: a move is in the denominator of each link of its first stage
people as ( -- noqa: ST03
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        from_stages.plan_type || ' -> ' || to_stages.plan_type as measure,
        members.segment,
        members.young_person_key,
        true as is_member,
        members.stage = to_stages.plan_type_code as is_counted,
        case
            when not (from_stages.is_delivered and to_stages.is_delivered)
                then 'not delivered'
        end as left_out_reason
    from report_dates
    inner join members
        on
            report_dates.authority = members.authority
            and report_dates.report_date >= members.event_date
            and report_dates.year_before_date < members.event_date
    inner join stages as from_stages
        on
            members.authority = from_stages.authority
            and members.previous_stage = from_stages.plan_type_code
    inner join stages as to_stages
        on
            from_stages.authority = to_stages.authority
            and from_stages.plan_type_code <> to_stages.plan_type_code
),

{{ people_are('people') }}
-- without a source that delivers both stages, a link is not measured and its moves are
-- left out
measured as (
    select
        *,
        case when is_delivered then move_count else 0 end as numerator,
        case when is_delivered then coalesce(from_count, 0) else 0 end as denominator,
        case when is_delivered then 0 else coalesce(from_count, 0) end
            as left_out_count
    from links
)

select
    authority,
    as_at_date,
    from_stage || ' -> ' || to_stage as measure,
    segment,
    numerator::integer as numerator,
    denominator::integer as denominator,
    round(numerator / nullif(denominator, 0), 6) as share,
    left_out_count::integer as left_out_count,
    'not delivered: ' || nullif(left_out_count, 0) as left_out_reason,
    from_stage,
    to_stage
from measured
