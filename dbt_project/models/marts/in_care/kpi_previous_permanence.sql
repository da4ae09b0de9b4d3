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
    where deliveries.has_care_episodes and deliveries.has_previous_permanence
),

care_periods as (
    select * from {{ ref('fct_care_periods') }}
),

previous_permanence as (
    select * from {{ ref('fct_previous_permanence') }}
),

-- the first time that each child started to be looked after in the 12 months
starters as (
    select distinct on (
        report_dates.authority, report_dates.report_date, care_periods.young_person_key
    )
        report_dates.authority,
        report_dates.report_date as as_at_date,
        care_periods.young_person_key,
        care_periods.start_date
    from report_dates
    left join care_periods
        on
            report_dates.authority = care_periods.authority
            and care_periods.start_date between report_dates.first_date
            and report_dates.report_date
    order by
        report_dates.authority asc, report_dates.report_date asc,
        care_periods.young_person_key asc, care_periods.start_date asc
),

-- the last order before the child started counts; an option without a date can be any
options as (
    select distinct on (starters.as_at_date, starters.young_person_key)
        starters.as_at_date,
        starters.young_person_key,
        previous_permanence.permanence_option_code
    from starters
    inner join previous_permanence
        on starters.young_person_key = previous_permanence.young_person_key
    where coalesce(previous_permanence.order_date <= starters.start_date, true)
    order by
        starters.as_at_date asc, starters.young_person_key asc,
        previous_permanence.permanence_option_code = 'Z1' asc,
        previous_permanence.order_date desc nulls last,
        previous_permanence.permanence_option_code asc
),

segments (segment, permanence_option_code) as (
    values
    ('all', null),
    ('adopted before', 'P1'),
    ('special guardianship before', 'P2'),
    ('residence or child arrangements order before', 'P3'),
    ('unknown order before', 'P4'),
    ('no permanence option before', 'Z1')
),

members as (
    select
        starters.authority,
        starters.as_at_date,
        'previous permanence of children who started' as measure,
        segments.segment,
        starters.young_person_key,
        starters.young_person_key is not null as is_member,
        segments.permanence_option_code is null
        or options.permanence_option_code = segments.permanence_option_code
            as is_counted,
        case
            when
                starters.young_person_key is not null
                and segments.permanence_option_code is not null
                and options.permanence_option_code is null
                then 'previous permanence not recorded'
        end as left_out_reason
    from starters
    cross join segments
    left join options
        on
            starters.as_at_date = options.as_at_date
            and starters.young_person_key = options.young_person_key
),

{{ measured('members') }}
