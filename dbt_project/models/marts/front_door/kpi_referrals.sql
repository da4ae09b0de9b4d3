-- grain: one row per authority, snapshot date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

referrals as (
    select * from {{ ref('fct_referrals') }}
),

-- those of the 12 months to each date; a date without any keeps one row without one
in_period as (
    select
        report_dates.authority,
        report_dates.report_date as snapshot_date,
        referrals.referral_key,
        referrals.is_rereferral_within_12_months,
        referrals.is_no_further_action
    from report_dates
    left join referrals
        on
            report_dates.authority = referrals.authority
            and report_dates.report_date >= referrals.referral_date
            and referrals.referral_date
            > report_dates.report_date - interval '12 months'
),

members as (
    select
        in_period.authority,
        in_period.snapshot_date,
        measures.measure,
        'all' as segment,
        in_period.referral_key is not null as is_member,
        measures.is_counted,
        measures.left_out_reason
    from in_period
    cross join lateral (
        values
        (
            're-referrals within 12 months',
            in_period.is_rereferral_within_12_months, null
        ),
        (
            'no further action',
            in_period.is_no_further_action,
            case
                when in_period.is_no_further_action is null
                    then 'outcome not recorded'
            end
        )
    ) as measures (measure, is_counted, left_out_reason)
),

{{ measured('members') }}
union all
select
    authority,
    snapshot_date,
    'referrals' as measure,
    'all' as segment,
    count(referral_key)::integer as numerator,
    null::integer as denominator,
    null::numeric as share,
    0 as left_out_count,
    null as left_out_reason
from in_period
group by authority, snapshot_date
