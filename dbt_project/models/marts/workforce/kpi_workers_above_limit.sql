-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

limits as (
    select * from {{ ref('caseload_limits') }}
),

-- a social worker's case must be open; a personal adviser's need not
allocations as (
    select * from {{ ref('fct_case_allocations') }}
    where is_case_open or role_code = 'PA'
),

held as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        allocations.role_code,
        allocations.worker_key,
        count(*) as case_count
    from report_dates
    inner join allocations
        on
            report_dates.authority = allocations.authority
            and report_dates.report_date >= allocations.from_date
            and (
                allocations.to_date is null
                or report_dates.report_date < allocations.to_date
            )
    group by
        report_dates.authority, report_dates.report_date, allocations.role_code,
        allocations.worker_key
),

roles as (
    select
        authority,
        role_code
    from allocations
    group by authority, role_code
),

-- a date on which nobody holds a case in a role keeps one row
held_or_none as (
    select * from held
    union all
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        roles.role_code,
        null as worker_key,
        0 as case_count
    from report_dates
    inner join roles on report_dates.authority = roles.authority
),

members as (
    select
        held.authority,
        held.as_at_date,
        held.worker_key,
        case held.role_code
            when 'SW' then 'social workers above the limit'
            when 'PA' then 'personal advisers above the limit'
        end as measure,
        'all' as segment,
        held.case_count > 0 as is_member,
        held.case_count > limits.case_limit as is_counted,
        case
            when held.case_count > 0 and limits.case_limit is null
                then 'no limit set'
        end as left_out_reason
    from held_or_none as held
    left join limits on held.role_code = limits.role_code
),

{{ measured('members') }}
