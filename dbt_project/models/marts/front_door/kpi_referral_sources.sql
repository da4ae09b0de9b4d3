-- grain: one row per authority, report date, measure and segment
with

{{ numbered_report_dates() }},

assessed as (
    select
        authority,
        referral_key,
        min(authorised_date) as assessed_date
    from {{ ref('fct_assessments') }}
    where referral_key is not null and authorised_date is not null
    group by authority, referral_key
),

-- not in need: closed with no further action, after an assessment
referrals as (
    select
        referrals.authority,
        referrals.young_person_key,
        referrals.referral_date,
        {{ referral_source_segment('referrals.source_code') }} as source_segment,
        case
            when
                referrals.close_reason_code = 'RC8'
                and referrals.is_no_further_action is not true
                and referrals.close_date is not null
                and assessed.assessed_date is not null
                then greatest(referrals.close_date, assessed.assessed_date)
        end as not_in_need_date
    from {{ ref('fct_referrals') }} as referrals
    left join assessed
        on
            referrals.authority = assessed.authority
            and referrals.referral_key = assessed.referral_key
),

cuts as not materialized (
    select
        referrals.authority,
        referrals.young_person_key,
        referrals.referral_date as event_date,
        cuts.measure,
        cuts.segment,
        cuts.counted_from_date,
        null as left_out_reason
    from referrals
    cross join
        lateral (
            values
            ('referrals by source', 'all', referrals.referral_date),
            ('referrals by source', referrals.source_segment, referrals.referral_date),
            ('assessed and found not in need', 'all', referrals.not_in_need_date)
        ) as cuts (measure, segment, counted_from_date)
),

{{ counted_in_year('cuts', ['referrals by source', 'assessed and found not in need']) }}

{{ measured(
    'members', weight='record_count', people='people', counts=['referrals by source']
) }}
