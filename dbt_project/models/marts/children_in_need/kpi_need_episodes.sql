-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        authority,
        report_date as as_at_date,
        {{ first_day_of_period('report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }}
),

-- a referral without further action begins no episode of need
episodes as (
    select * from {{ ref('fct_referrals') }}
    where is_no_further_action is not true and referral_date is not null
),

close_reasons (close_reason_code, segment) as (
    values
    ('RC1', 'closed: adopted'),
    ('RC2', 'closed: the child died'),
    ('RC3', 'closed: child arrangements order'),
    ('RC4', 'closed: special guardianship order'),
    ('RC5', 'closed: moved to another authority'),
    ('RC6', 'closed: moved to adult services'),
    ('RC7', 'closed: services ceased'),
    ('RC8', 'closed: no further action after assessment'),
    ('RC9', 'closed: early help after assessment')
),

started as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        episodes.young_person_key
    from report_dates
    inner join episodes
        on
            report_dates.authority = episodes.authority
            and report_dates.as_at_date >= episodes.referral_date
            and report_dates.first_date <= episodes.referral_date
),

ended as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        episodes.young_person_key,
        coalesce(close_reasons.segment, 'closed: reason not recorded')
            as reason_segment,
        case
            when episodes.close_date < episodes.referral_date
                then 'duration not known'
            when
                episodes.close_date
                <= (episodes.referral_date + interval '3 months')::date
                then 'up to 3 months'
            when
                episodes.close_date
                <= (episodes.referral_date + interval '6 months')::date
                then 'over 3 months, up to 6 months'
            when
                episodes.close_date < (episodes.referral_date + interval '1 year')::date
                then 'over 6 months, under 1 year'
            when
                episodes.close_date
                < (episodes.referral_date + interval '2 years')::date
                then '1 year, under 2 years'
            else '2 years or more'
        end as duration_segment
    from report_dates
    inner join episodes
        on
            report_dates.authority = episodes.authority
            and report_dates.as_at_date >= episodes.close_date
            and report_dates.first_date <= episodes.close_date
    left join close_reasons
        on episodes.close_reason_code = close_reasons.close_reason_code
),

members as (
    select
        authority,
        as_at_date,
        'episodes of need started in 12 months' as measure,
        'all' as segment,
        young_person_key,
        true as is_member,
        true as is_counted,
        null as left_out_reason
    from started
    union all
    select
        ended.authority,
        ended.as_at_date,
        'episodes of need ended in 12 months' as measure,
        cuts.segment,
        ended.young_person_key,
        true as is_member,
        true as is_counted,
        null as left_out_reason
    from ended
    cross join
        lateral (
            values ('all'), (ended.reason_segment), (ended.duration_segment)
        ) as cuts (segment)
    union all
    -- a date without any keeps one row
    select
        report_dates.authority,
        report_dates.as_at_date,
        measures.measure,
        'all' as segment,
        null as young_person_key,
        false as is_member,
        null as is_counted,
        null as left_out_reason
    from report_dates
    cross join
        (
            values
            ('episodes of need started in 12 months'),
            ('episodes of need ended in 12 months')
        ) as measures (measure)
),

{{ measured('members', counts=[
    'episodes of need started in 12 months', 'episodes of need ended in 12 months',
]) }}
