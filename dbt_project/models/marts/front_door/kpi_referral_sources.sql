-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        authority,
        report_date as as_at_date,
        {{ first_day_of_period('report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }}
),

referrals as (
    select * from {{ ref('fct_referrals') }}
),

assessed as (
    select
        authority,
        referral_key,
        min(authorised_date) as assessed_date
    from {{ ref('fct_assessments') }}
    where referral_key is not null and authorised_date is not null
    group by authority, referral_key
),

-- not in need: closed by the date with no further action, after an assessment
in_year as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        referrals.young_person_key,
        {{ referral_source_segment('referrals.source_code') }} as source_segment,
        coalesce(
            referrals.close_reason_code = 'RC8'
            and referrals.is_no_further_action is not true
            and referrals.close_date <= report_dates.as_at_date
            and assessed.assessed_date <= report_dates.as_at_date, false
        ) as is_not_in_need
    from report_dates
    inner join referrals
        on
            report_dates.authority = referrals.authority
            and report_dates.as_at_date >= referrals.referral_date
            and report_dates.first_date <= referrals.referral_date
    left join assessed
        on
            referrals.authority = assessed.authority
            and referrals.referral_key = assessed.referral_key
),

members as (
    select
        in_year.authority,
        in_year.as_at_date,
        cuts.measure,
        cuts.segment,
        in_year.young_person_key,
        true as is_member,
        cuts.is_counted,
        null as left_out_reason
    from in_year
    cross join
        lateral (
            values
            ('referrals by source', 'all', true),
            ('referrals by source', in_year.source_segment, true),
            ('assessed and found not in need', 'all', in_year.is_not_in_need)
        ) as cuts (measure, segment, is_counted)
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
            ('referrals by source'),
            ('assessed and found not in need')
        ) as measures (measure)
),

{{ measured('members', counts=['referrals by source']) }}
