-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
        {{ first_day_of_period('report_dates.report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_care_episodes
),

care_periods as (
    select * from {{ ref('fct_care_periods') }}
),

-- the last time that each child ceased to be looked after in the 12 months
leavers as (
    select distinct on (
        report_dates.authority, report_dates.report_date, care_periods.young_person_key
    )
        report_dates.authority,
        report_dates.report_date as as_at_date,
        care_periods.young_person_key,
        care_periods.end_reason_code
    from report_dates
    left join care_periods
        on
            report_dates.authority = care_periods.authority
            and care_periods.end_date between report_dates.first_date
            and report_dates.report_date
    order by
        report_dates.authority asc, report_dates.report_date asc,
        care_periods.young_person_key asc, care_periods.end_date desc
),

segments (segment, end_reason_code) as (
    values
    ('all', null),
    ('former foster carers, relatives or friends', 'E45'),
    ('former foster carers, not relatives or friends', 'E46'),
    ('other carers, relatives or friends', 'E47'),
    ('other carers, not relatives or friends', 'E48')
),

members as (
    select
        leavers.authority,
        leavers.as_at_date,
        'special guardianship orders in 12 months' as measure,
        segments.segment,
        leavers.young_person_key,
        coalesce(
            leavers.end_reason_code in ('E43', 'E44', 'E45', 'E46', 'E47', 'E48'),
            false
        ) as is_member,
        segments.end_reason_code is null
        or leavers.end_reason_code = segments.end_reason_code as is_counted,
        -- the codes of before 2019 do not say if the carers are relatives or friends
        case
            when
                segments.end_reason_code is not null
                and leavers.end_reason_code in ('E43', 'E44')
                then 'recorded with a code from before 2019'
        end as left_out_reason
    from leavers
    cross join segments
),

{{ measured('members') }}
