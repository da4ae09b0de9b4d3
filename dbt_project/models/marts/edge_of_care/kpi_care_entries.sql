-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

care_periods as (
    select * from {{ ref('fct_care_periods') }}
),

memberships as (
    select * from {{ ref('fct_programme_membership') }}
),

programmes as (
    select * from {{ ref('dim_programme') }}
    where programme_kind = 'edge of care'
),

-- a young person who joined twice is a member from the first day on
members as (
    select
        memberships.authority,
        memberships.young_person_key,
        programmes.programme,
        min(memberships.start_date) as start_date
    from memberships
    inner join programmes on memberships.programme_code = programmes.programme_code
    group by
        memberships.authority, memberships.young_person_key, programmes.programme
),

-- an authority without any period of care does not deliver care, so it has no entries
-- to count
segments as (
    select
        authority,
        'all' as segment,
        '-infinity'::date as segment_start_date
    from care_periods
    group by authority
    union all
    select
        members.authority,
        'members of ' || members.programme as segment,
        min(members.start_date) as segment_start_date
    from members
    where members.authority in (select care_periods.authority from care_periods)
    group by members.authority, members.programme
),

entries as (
    select
        authority,
        'all' as segment,
        young_person_key,
        start_date,
        is_reentry_within_12_months
    from care_periods
    union all
    select
        care_periods.authority,
        'members of ' || members.programme as segment,
        care_periods.young_person_key,
        care_periods.start_date,
        care_periods.is_reentry_within_12_months
    from care_periods
    inner join members
        on
            care_periods.young_person_key = members.young_person_key
            and care_periods.start_date > members.start_date
),

windows as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        segments.segment,
        windows.length,
        windows.from_date
    from report_dates
    inner join segments
        on
            report_dates.authority = segments.authority
            and report_dates.report_date >= segments.segment_start_date
    cross join
        lateral (
            values
            ('3 months', {{ first_day_of_period('report_dates.report_date', 3) }}),
            (
                '12 months', {{ first_day_of_period('report_dates.report_date', 12) }}
            )
        ) as windows (length, from_date)
),

counted as (
    select
        windows.authority,
        windows.as_at_date,
        windows.segment,
        windows.length,
        count(entries.start_date) as entry_count,
        count(entries.start_date) filter (where entries.is_reentry_within_12_months)
            as reentry_count
    from windows
    left join entries
        on
            windows.authority = entries.authority
            and windows.segment = entries.segment
            and entries.start_date between windows.from_date and windows.as_at_date
    group by
        windows.authority, windows.as_at_date, windows.segment, windows.length
),

-- keep_members() reads it
people as ( -- noqa: ST03
    select
        windows.authority,
        windows.as_at_date,
        measures.measure,
        windows.segment,
        entries.young_person_key,
        true as is_member,
        measures.is_counted,
        null::text as left_out_reason
    from windows
    inner join entries
        on
            windows.authority = entries.authority
            and windows.segment = entries.segment
            and entries.start_date between windows.from_date and windows.as_at_date
    cross join
        lateral (
            values
            ('entries to care in ' || windows.length, true),
            (
                're-entries within 12 months, in ' || windows.length,
                entries.is_reentry_within_12_months
            )
        ) as measures (measure, is_counted)
),

{{ people_are('people') }}
measured as (
    select * from counted
)

select
    authority,
    as_at_date,
    measures.measure,
    segment,
    measures.numerator::integer as numerator,
    measures.denominator::integer as denominator,
    round(measures.numerator::numeric / nullif(measures.denominator, 0), 6) as share,
    0 as left_out_count,
    null::text as left_out_reason
from measured
cross join
    lateral (
        values
        ('entries to care in ' || length, entry_count, null),
        ('re-entries within 12 months, in ' || length, reentry_count, entry_count)
    ) as measures (measure, numerator, denominator)
