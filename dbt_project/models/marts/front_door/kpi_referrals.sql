-- grain: one row per authority, report date, measure and segment
with

{{ numbered_report_dates() }},

referrals as (
    select * from {{ ref('fct_referrals') }}
),

-- each referral counts at the dates in the 12 months from its day on; equal referrals
-- are grouped and counted together
alike as (
    select
        referrals.authority,
        referrals.is_rereferral_within_12_months,
        referrals.is_no_further_action,
        {{ first_date_number('referrals.referral_date') }} as first_number,
        {{ last_date_number(
            'referrals.referral_date', 'calendars.year_before_dates'
        ) }}
            as last_number,
        count(*) as referral_count
    from referrals
    inner join calendars on referrals.authority = calendars.authority
    where referrals.referral_date is not null
    group by
        referrals.authority, referrals.is_rereferral_within_12_months,
        referrals.is_no_further_action, first_number, last_number
),

-- a date without a referral keeps one row
in_period as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        alike.is_rereferral_within_12_months,
        alike.is_no_further_action,
        coalesce(alike.referral_count, 0) as referral_count
    from report_dates
    left join alike
        on
            report_dates.authority = alike.authority
            and report_dates.date_number
            between alike.first_number and alike.last_number
),

members as (
    select
        in_period.authority,
        in_period.as_at_date,
        measures.measure,
        'all' as segment,
        in_period.referral_count > 0 as is_member,
        measures.is_counted,
        measures.left_out_reason,
        in_period.referral_count
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

-- keep_members() reads it
people as ( -- noqa: ST03
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        measures.measure,
        'all' as segment,
        referrals.young_person_key,
        true as is_member,
        measures.is_counted,
        measures.left_out_reason
    from report_dates
    inner join referrals
        on
            report_dates.authority = referrals.authority
            and report_dates.report_date >= referrals.referral_date
            and report_dates.year_before_date < referrals.referral_date
    cross join
        lateral (
            values
            ('referrals', true, null),
            (
                're-referrals within 12 months',
                referrals.is_rereferral_within_12_months, null
            ),
            (
                'no further action',
                referrals.is_no_further_action,
                case
                    when referrals.is_no_further_action is null
                        then 'outcome not recorded'
                end
            )
        ) as measures (measure, is_counted, left_out_reason)
),

{{ measured('members', weight='referral_count', people='people') }}
union all
select
    authority,
    as_at_date,
    'referrals' as measure,
    'all' as segment,
    sum(referral_count)::integer as numerator,
    null::integer as denominator,
    null::numeric as share,
    0 as left_out_count,
    null as left_out_reason
from in_period
group by authority, as_at_date
