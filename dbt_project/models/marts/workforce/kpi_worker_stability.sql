-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        authority,
        report_date,
        {{ first_day_of_period('report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }}
),

plan_spells as (
    select * from {{ ref('fct_plan_spells') }}
    where plan_type_code in ('LAC', 'CP', 'CIN')
),

allocations as (
    select * from {{ ref('fct_allocations') }}
    where role_code = 'SW'
),

-- a child on two plans is in both segments, and once in all
planned as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        report_dates.first_date,
        plan_spells.young_person_key,
        bool_or(plan_spells.plan_type_code = 'LAC') as is_looked_after,
        bool_or(plan_spells.plan_type_code = 'CP') as is_child_protection,
        bool_or(plan_spells.plan_type_code = 'CIN') as is_child_in_need
    from report_dates
    inner join plan_spells
        on
            report_dates.authority = plan_spells.authority
            and report_dates.report_date >= plan_spells.start_date
            and (
                plan_spells.end_date is null
                or report_dates.report_date < plan_spells.end_date
            )
    group by
        report_dates.authority, report_dates.report_date, report_dates.first_date,
        plan_spells.young_person_key
),

-- workers of the 12 months, also from before the plan; who held the case twice is one
worker_counts as (
    select
        planned.as_at_date,
        planned.young_person_key,
        count(distinct allocations.worker_key) as worker_count
    from planned
    inner join allocations
        on
            planned.young_person_key = allocations.young_person_key
            and planned.as_at_date >= allocations.start_date
            and (
                allocations.end_date is null
                or planned.first_date < allocations.end_date
            )
    group by planned.as_at_date, planned.young_person_key
),

members as (
    select
        planned.authority,
        planned.as_at_date,
        planned.young_person_key,
        'three or more social workers in 12 months' as measure,
        segments.segment,
        segments.is_member,
        worker_counts.worker_count >= 3 as is_counted,
        case
            when worker_counts.worker_count is null
                then 'no social worker recorded'
        end as left_out_reason
    from planned
    left join worker_counts
        on
            planned.as_at_date = worker_counts.as_at_date
            and planned.young_person_key = worker_counts.young_person_key
    cross join
        lateral (
            values
            ('all', true),
            ('looked after', planned.is_looked_after),
            ('child protection', planned.is_child_protection),
            ('child in need', planned.is_child_in_need)
        ) as segments (segment, is_member)
    union all
    -- a date without any keeps one row
    select
        authority,
        report_date as as_at_date,
        null as young_person_key,
        'three or more social workers in 12 months' as measure,
        'all' as segment,
        false as is_member,
        null as is_counted,
        null as left_out_reason
    from report_dates
),

{{ measured('members') }}
