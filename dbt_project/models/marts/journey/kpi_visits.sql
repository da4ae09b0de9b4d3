-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

timescales as (
    select * from {{ ref('timescales') }}
    where topic = 'visit'
),

plan_types as (
    select * from {{ ref('dim_plan_type') }}
),

visiting as (
    select * from {{ ref('fct_visiting_snapshot') }}
),

visits as (
    select * from {{ ref('fct_visits') }}
    where is_child_seen
),

delivered as (
    select
        authority,
        plan_type_code,
        min(visit_date) as first_visit_date
    from visits
    group by authority, plan_type_code
),

-- equal rows at a date are grouped and counted together
alike as (
    select
        authority,
        as_at_date,
        plan_type_code,
        in_time_from_date,
        is_visited_in_time,
        is_new_to_plan,
        count(*) as child_count
    from visiting
    group by
        authority, as_at_date, plan_type_code, in_time_from_date, is_visited_in_time,
        is_new_to_plan
),

-- a date without a child keeps one row
members as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        'visited in time' as measure,
        plan_types.plan_type as segment,
        alike.child_count is not null as is_member,
        alike.is_visited_in_time as is_counted,
        case
            when delivered.authority is null
                then 'not delivered'
            when alike.in_time_from_date < delivered.first_visit_date
                then 'before the records of visits'
            when alike.is_new_to_plan and not alike.is_visited_in_time
                then 'first visit not yet due'
        end as left_out_reason,
        alike.child_count
    from report_dates
    cross join timescales
    inner join plan_types on timescales.plan_type_code = plan_types.plan_type_code
    left join alike
        on
            report_dates.authority = alike.authority
            and report_dates.report_date = alike.as_at_date
            and timescales.plan_type_code = alike.plan_type_code
    left join delivered
        on
            report_dates.authority = delivered.authority
            and timescales.plan_type_code = delivered.plan_type_code
),

-- keep_members() reads it
people as ( -- noqa: ST03
    select
        visiting.authority,
        visiting.as_at_date,
        'visited in time' as measure,
        plan_types.plan_type as segment,
        visiting.young_person_key,
        true as is_member,
        visiting.is_visited_in_time as is_counted,
        case
            when delivered.authority is null
                then 'not delivered'
            when visiting.in_time_from_date < delivered.first_visit_date
                then 'before the records of visits'
            when visiting.is_new_to_plan and not visiting.is_visited_in_time
                then 'first visit not yet due'
        end as left_out_reason
    from visiting
    inner join timescales on visiting.plan_type_code = timescales.plan_type_code
    inner join plan_types on visiting.plan_type_code = plan_types.plan_type_code
    left join delivered
        on
            visiting.authority = delivered.authority
            and visiting.plan_type_code = delivered.plan_type_code
),

{{ measured('members', weight='child_count', people='people') }}
