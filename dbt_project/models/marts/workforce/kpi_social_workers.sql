-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

social_workers as (
    select * from {{ ref('fct_social_workers') }}
),

workers as (
    select * from {{ ref('dim_worker') }}
),

allocations as (
    select * from {{ ref('fct_case_allocations') }}
    where role_code = 'SW' and is_case_open
),

listed as (
    select
        authority,
        min(as_at_date) as first_date
    from social_workers
    group by authority
),

-- the hours of who holds cases are those recorded tonight, whatever the job title
held as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        allocations.worker_key,
        workers.full_time_equivalent,
        count(*) as case_count
    from report_dates
    inner join listed
        on
            report_dates.authority = listed.authority
            and report_dates.report_date >= listed.first_date
    inner join allocations
        on
            report_dates.authority = allocations.authority
            and report_dates.report_date >= allocations.from_date
            and (
                allocations.to_date is null
                or report_dates.report_date < allocations.to_date
            )
    left join workers on allocations.worker_key = workers.worker_key
    group by
        report_dates.authority, report_dates.report_date, allocations.worker_key,
        workers.full_time_equivalent
),

-- each with what it adds to numerator and denominator
members as (
    select
        authority,
        as_at_date,
        worker_key,
        'cases per full-time equivalent' as measure,
        'all' as segment,
        true as is_member,
        true as is_counted,
        case_count as counted,
        full_time_equivalent as full_count,
        case
            when full_time_equivalent > 0 then null
            else 'full-time equivalent not recorded'
        end as left_out_reason
    from held
    union all
    select
        social_workers.authority,
        social_workers.as_at_date,
        social_workers.worker_key,
        measures.measure,
        'all' as segment,
        measures.is_member,
        measures.is_counted,
        case
            when measures.is_counted then social_workers.full_time_equivalent else 0
        end as counted,
        case
            when measures.is_divided then social_workers.full_time_equivalent else 0
        end as full_count,
        case
            when social_workers.full_time_equivalent is null
                then 'full-time equivalent not recorded'
        end as left_out_reason
    from social_workers
    cross join
        lateral (
            values
            (
                'social workers in post', is_in_post and not is_agency_worker,
                is_in_post and not is_agency_worker, null
            ),
            (
                'agency social workers', is_in_post and is_agency_worker,
                is_in_post and is_agency_worker, null
            ),
            ('agency share', is_in_post, is_in_post and is_agency_worker, is_in_post),
            ('starters', is_starter, is_starter, null),
            ('leavers', is_leaver, is_leaver, null),
            (
                'turnover', is_leaver or (is_in_post and not is_agency_worker),
                is_leaver, is_in_post and not is_agency_worker
            )
        ) as measures (measure, is_member, is_counted, is_divided)
    -- starters, leavers and turnover need a list that goes back for a year
    where
        measures.measure not in ('starters', 'leavers', 'turnover')
        or social_workers.is_leaver is not null
),

summed as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        coalesce(
            sum(counted) filter (where is_member and left_out_reason is null), 0
        ) as counted,
        sum(full_count) filter (where is_member and left_out_reason is null)
            as full_count,
        count(*) filter (where is_member and left_out_reason is null) as record_count,
        count(*) filter (where is_member and left_out_reason is not null)
            as left_out_count
    from members
    group by authority, as_at_date, measure, segment
)

select
    authority,
    as_at_date,
    measure,
    segment,
    case
        when
            measure in ('cases per full-time equivalent', 'agency share', 'turnover')
            then counted / nullif(full_count, 0)
        else counted
    end::numeric(16, 4) as value,
    case
        when measure = 'cases per full-time equivalent' then 'cases'
        when measure in ('agency share', 'turnover') then 'share'
        else 'full-time equivalents'
    end as unit,
    record_count::integer as record_count,
    left_out_count::integer as left_out_count,
    'full-time equivalent not recorded: ' || nullif(left_out_count, 0)
        as left_out_reason,
    null as assumption
from summed
