-- grain: one row per thing overdue, or due in 14 days, at the latest report date
with

report_dates as (
    select
        authority,
        report_date as as_at_date
    from {{ ref('dim_report_date') }}
    where is_latest
),

snapshots as (
    select * from {{ ref('dim_snapshot') }}
    where is_latest
),

dates as (
    select * from {{ ref('dim_date') }}
),

timescales as (
    select * from {{ ref('timescales') }}
    where topic = 'visit'
),

visiting as (
    select * from {{ ref('fct_visiting_snapshot') }}
),

reviews as (
    select * from {{ ref('fct_reviews') }}
    where review_date is null and plan_end_date is null and due_date is not null
),

assessments as (
    select * from {{ ref('fct_assessments') }}
    where authorised_date is null and referral_close_date is null
),

enquiries as (
    select * from {{ ref('fct_enquiries') }}
    where has_conference and conference_date is null
),

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
    where is_open_case and pathway_plan_review_date is not null
),

care_periods as (
    select * from {{ ref('fct_care_periods') }}
    where end_date is null
),

health_checks as (
    select * from {{ ref('stg_cla_health') }}
    where check_type = 'Health Assessment' and check_status_code = 'COMPLETED'
),

people as (
    select * from {{ ref('dim_young_person') }}
),

allocations as (
    select * from {{ ref('fct_allocations') }}
    where role_code = 'SW'
),

last_health_checks as (
    select
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
        max(check_date) as check_date
    from health_checks
    where person_id is not null and check_date is not null
    group by authority, person_id
),

-- a first health assessment within 20 working days of entry to care, then one every 12
-- months, and every 6 months below the age of 5 (Care Planning, Placement and Case
-- Review (England) Regulations 2010, regulation 7)
health_assessments as (
    select
        care_periods.authority,
        care_periods.young_person_key,
        care_periods.start_date,
        case
            when last_health_checks.check_date >= care_periods.start_date
                then last_health_checks.check_date
        end as check_date,
        case
            when
                last_health_checks.check_date
                < people.birth_month_date + interval '5 years'
                then 6
            else 12
        end as month_count
    from care_periods
    inner join people on care_periods.young_person_key = people.young_person_key
    left join last_health_checks
        on care_periods.young_person_key = last_health_checks.young_person_key
),

-- each with the day from which it is counted, and either its due day or the number of
-- days to it; `source_key` tells two of one kind and young person apart
counted as (
    select
        visiting.authority,
        visiting.young_person_key,
        visiting.young_person_key as source_key,
        case
            when visiting.last_visit_date is null then 'first '
            else ''
        end || case visiting.plan_type_code
            when 'CP' then 'child protection visit'
            when 'LAC' then 'looked after visit'
            else 'child in need visit'
        end as due_type,
        coalesce(visiting.last_visit_date, visiting.plan_from_date) as from_date,
        timescales.day_count,
        timescales.is_working_days,
        null::date as due_date,
        null::bigint as worker_key,
        null::bigint as team_key
    from visiting
    inner join report_dates
        on
            visiting.authority = report_dates.authority
            and visiting.as_at_date = report_dates.as_at_date
    inner join timescales on visiting.plan_type_code = timescales.plan_type_code
    union all
    select
        authority,
        young_person_key,
        review_key as source_key,
        case plan_type_code
            when 'CP' then 'child protection review'
            else 'looked after review'
        end as due_type,
        from_date,
        null as day_count,
        false as is_working_days,
        due_date,
        null as worker_key,
        null as team_key
    from reviews
    union all
    select
        authority,
        young_person_key,
        assessment_key as source_key,
        'assessment' as due_type,
        clock_start_date as from_date,
        45 as day_count,
        true as is_working_days,
        null as due_date,
        worker_key,
        team_key
    from assessments
    union all
    select
        authority,
        young_person_key,
        enquiry_key as source_key,
        'child protection conference' as due_type,
        start_date as from_date,
        15 as day_count,
        true as is_working_days,
        null as due_date,
        worker_key,
        team_key
    from enquiries
    union all
    select
        care_leavers.authority,
        care_leavers.young_person_key,
        care_leavers.young_person_key as source_key,
        'pathway plan review' as due_type,
        care_leavers.pathway_plan_review_date as from_date,
        null as day_count,
        false as is_working_days,
        (care_leavers.pathway_plan_review_date + interval '6 months')::date as due_date,
        coalesce(care_leavers.personal_adviser_key, care_leavers.worker_key)
            as worker_key,
        care_leavers.team_key
    from care_leavers
    inner join snapshots
        on
            care_leavers.authority = snapshots.authority
            and care_leavers.as_at_date = snapshots.snapshot_date
    union all
    select
        authority,
        young_person_key,
        young_person_key as source_key,
        case when check_date is null then 'first ' else '' end || 'health assessment'
            as due_type,
        coalesce(check_date, start_date) as from_date,
        20 as day_count,
        true as is_working_days,
        (check_date + month_count * interval '1 month')::date as due_date,
        null as worker_key,
        null as team_key
    from health_assessments
),

-- working days are counted from the day itself, or the last working day before it
due as (
    select
        counted.authority,
        counted.young_person_key,
        counted.source_key,
        counted.due_type,
        counted.from_date,
        report_dates.as_at_date,
        counted.worker_key,
        counted.team_key,
        coalesce(
            counted.due_date,
            case
                when counted.is_working_days then due_day.calendar_date
                else counted.from_date + counted.day_count
            end
        ) as due_date
    from counted
    inner join report_dates on counted.authority = report_dates.authority
    left join dates as from_day on counted.from_date = from_day.calendar_date
    left join dates as due_day
        on
            due_day.is_working_day
            and due_day.working_day_number
            = from_day.working_day_number + counted.day_count
),

-- the social worker allocated at the date; of several, the one allocated last
responsible as (
    select distinct on (allocations.young_person_key)
        allocations.young_person_key,
        allocations.worker_key,
        allocations.team_key
    from allocations
    inner join report_dates
        on
            allocations.authority = report_dates.authority
            and allocations.start_date <= report_dates.as_at_date
            and (
                allocations.end_date is null
                or allocations.end_date > report_dates.as_at_date
            )
    order by
        allocations.young_person_key asc, allocations.start_date desc,
        allocations.allocation_number desc
)

select
    {{ surrogate_key(['due.due_type', 'due.source_key']) }} as due_key,
    due.young_person_key,
    due.authority,
    due.as_at_date,
    due.due_type,
    due.from_date,
    due.due_date,
    due.due_date <= due.as_at_date as is_overdue,
    coalesce(due.worker_key, responsible.worker_key) as worker_key,
    case
        when due.worker_key is not null or due.team_key is not null then due.team_key
        else responsible.team_key
    end as team_key
from due
left join responsible on due.young_person_key = responsible.young_person_key
where due.due_date <= due.as_at_date + 14
