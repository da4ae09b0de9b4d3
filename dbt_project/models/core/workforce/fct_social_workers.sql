-- grain: one row per social worker per report date
with

professionals as (
    select
        *,
        {{ surrogate_key(['authority', 'professional_id']) }} as worker_key
    from {{ ref('stg_professionals_versions') }}
    where professional_id is not null
),

worker_roles as (
    select * from {{ ref('worker_roles') }}
),

report_dates as (
    select
        authority,
        report_date,
        {{ first_day_of_period('report_date', 12) }} - 1 as year_before_date
    from {{ ref('dim_report_date') }}
),

job_titles as (
    select lower(btrim(job_title)) as job_title
    from professionals
    group by lower(btrim(job_title))
),

-- who is a social worker follows from the job title, as roles in a case are spelled
social_work_titles as (
    select job_titles.job_title
    from job_titles
    cross join
        lateral (
            select worker_roles.role_code
            from worker_roles
            where job_titles.job_title like worker_roles.role_pattern
            order by worker_roles.precedence
            limit 1
        ) as roles
    where roles.role_code = 'SW'
),

social_workers as (
    select
        professionals.*,
        min(professionals.known_from) over (partition by professionals.authority)
            as first_known_date
    from professionals
    where
        lower(btrim(professionals.job_title)) in (
            select social_work_titles.job_title from social_work_titles
        )
),

-- the versions that were known at some time from a year before the date up to it, and
-- the last of each worker
known as (
    select distinct on (report_dates.report_date, social_workers.worker_key)
        report_dates.authority,
        report_dates.report_date as as_at_date,
        social_workers.worker_key,
        social_workers.is_agency_worker,
        social_workers.full_time_equivalency as full_time_equivalent,
        coalesce(social_workers.known_to > report_dates.report_date, true)
            as is_in_post,
        social_workers.first_known_date <= report_dates.year_before_date
            as is_year_known,
        bool_or(
            social_workers.known_from <= report_dates.year_before_date
            and social_workers.is_agency_worker is not true
        ) over (
            partition by report_dates.report_date, social_workers.worker_key
        ) as was_employed_a_year_before
    from report_dates
    inner join social_workers
        on
            report_dates.authority = social_workers.authority
            and report_dates.report_date >= social_workers.known_from
            and coalesce(
                report_dates.year_before_date < social_workers.known_to, true
            )
    order by
        report_dates.report_date asc, social_workers.worker_key asc,
        social_workers.known_to desc nulls first, social_workers.known_from desc,
        social_workers.from_load desc, {{ as_sent('social_workers') }} desc
)

select
    worker_key,
    authority,
    as_at_date,
    is_in_post,
    coalesce(is_agency_worker, false) as is_agency_worker,
    full_time_equivalent,
    case
        when is_year_known
            then
                is_in_post and is_agency_worker is not true
                and not was_employed_a_year_before
    end as is_starter,
    case
        when is_year_known then not is_in_post and is_agency_worker is not true
    end as is_leaver
from known
