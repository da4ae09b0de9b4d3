-- grain: one row per authority, report date, measure and segment
with

{{ numbered_report_dates() }},

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

ended as (
    select
        episodes.authority,
        episodes.young_person_key,
        episodes.close_date,
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
    from episodes
    left join close_reasons
        on episodes.close_reason_code = close_reasons.close_reason_code
    where episodes.close_date is not null
),

cuts as not materialized (
    select
        authority,
        young_person_key,
        'episodes of need started in 12 months' as measure,
        'all' as segment,
        referral_date as event_date,
        referral_date as counted_from_date,
        null as left_out_reason
    from episodes
    union all
    select
        ended.authority,
        ended.young_person_key,
        'episodes of need ended in 12 months' as measure,
        segments.segment,
        ended.close_date as event_date,
        ended.close_date as counted_from_date,
        null as left_out_reason
    from ended
    cross join
        lateral (
            values ('all'), (ended.reason_segment), (ended.duration_segment)
        ) as segments (segment)
),

{% set measures = [
    'episodes of need started in 12 months', 'episodes of need ended in 12 months',
] -%}
{{ counted_in_year('cuts', measures) }}

{{ measured('members', weight='record_count', people='people', counts=measures) }}
