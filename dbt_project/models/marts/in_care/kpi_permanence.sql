-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
        {{ first_day_of_period('report_dates.report_date', 12) }} as first_date,
        {{ first_day_of_period('report_dates.report_date', 24) }} as cohort_first_date
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_care_episodes
),

care_periods as (
    select
        *,
        {{ left_to_permanence('end_reason_code') }} as is_permanence,
        {{ left_to_family('end_reason_code') }} as is_to_family,
        lead(start_date) over (
            partition by young_person_key order by period_number
        ) as next_start_date,
        -- an episode that ceased because another begins does not say why care ceased
        case
            when end_date is not null and coalesce(end_reason_code, 'X1') = 'X1'
                then 'reason for ceasing not recorded'
        end as fault
    from {{ ref('fct_care_periods') }}
),

-- the 12 months before the last 12, so that each child can be followed for a year; of
-- several entries the first counts, and stays of less than 8 days do not
entrants as (
    select distinct on (
        report_dates.authority, report_dates.report_date, care_periods.young_person_key
    )
        report_dates.authority,
        report_dates.report_date as as_at_date,
        care_periods.young_person_key,
        coalesce(
            care_periods.is_permanence
            and care_periods.end_date
            <= care_periods.start_date + interval '12 months',
            false
        ) as is_counted,
        case
            when
                care_periods.end_date
                <= care_periods.start_date + interval '12 months'
                then care_periods.fault
        end as left_out_reason
    from report_dates
    inner join care_periods
        on
            report_dates.authority = care_periods.authority
            and report_dates.cohort_first_date <= care_periods.start_date
            and report_dates.first_date > care_periods.start_date
            and (care_periods.day_count is null or care_periods.day_count >= 8)
    order by
        report_dates.authority asc, report_dates.report_date asc,
        care_periods.young_person_key asc, care_periods.start_date asc
),

-- those in care on the first day of the last 12 months, followed to the date
in_care as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        care_periods.young_person_key,
        case
            when
                care_periods.start_date
                > report_dates.first_date - interval '24 months'
                then 'in care for 12 to 23 months'
            else 'in care for 24 months or more'
        end as segment,
        coalesce(
            care_periods.is_permanence
            and care_periods.end_date <= report_dates.report_date,
            false
        ) as is_counted,
        case
            when care_periods.end_date <= report_dates.report_date
                then care_periods.fault
        end as left_out_reason
    from report_dates
    inner join care_periods
        on
            report_dates.authority = care_periods.authority
            and report_dates.first_date - interval '12 months'
            >= care_periods.start_date
            and (
                care_periods.end_date is null
                or report_dates.first_date < care_periods.end_date
            )
),

-- each leaving of the 12 months before the last 12 counts, as a child may leave twice
returners as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        care_periods.young_person_key,
        coalesce(
            care_periods.next_start_date
            <= care_periods.end_date + interval '12 months',
            false
        ) as is_counted
    from report_dates
    inner join care_periods
        on
            report_dates.authority = care_periods.authority
            and report_dates.cohort_first_date <= care_periods.end_date
            and report_dates.first_date > care_periods.end_date
            and care_periods.is_to_family
),

followed as (
    select
        authority,
        as_at_date,
        'permanence within 12 months of entry' as measure,
        'all' as segment,
        young_person_key,
        is_counted,
        left_out_reason
    from entrants
    union all
    select
        in_care.authority,
        in_care.as_at_date,
        'permanence within 12 months of those in care' as measure,
        segments.segment,
        in_care.young_person_key,
        in_care.is_counted,
        in_care.left_out_reason
    from in_care
    cross join lateral (values ('all'), (in_care.segment)) as segments (segment)
    union all
    select
        authority,
        as_at_date,
        'back in care within 12 months of leaving' as measure,
        'all' as segment,
        young_person_key,
        is_counted,
        null as left_out_reason
    from returners
),

-- every measure has its row, also on a date without members
measures (measure, segment) as (
    values
    ('permanence within 12 months of entry', 'all'),
    ('permanence within 12 months of those in care', 'all'),
    ('permanence within 12 months of those in care', 'in care for 12 to 23 months'),
    ('permanence within 12 months of those in care', 'in care for 24 months or more'),
    ('back in care within 12 months of leaving', 'all')
),

members as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        measures.measure,
        measures.segment,
        followed.young_person_key,
        followed.young_person_key is not null as is_member,
        followed.is_counted,
        followed.left_out_reason
    from report_dates
    cross join measures
    left join followed
        on
            report_dates.authority = followed.authority
            and report_dates.report_date = followed.as_at_date
            and measures.measure = followed.measure
            and measures.segment = followed.segment
),

{{ measured('members') }}
