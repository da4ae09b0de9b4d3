-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        authority,
        report_date as as_at_date,
        {{ first_day_of_period('report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }}
),

contacts as (
    select * from {{ ref('fct_contacts') }}
),

in_year as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        contacts.young_person_key,
        contacts.is_new_referral,
        {{ referral_source_segment('contacts.source_code') }} as source_segment
    from report_dates
    inner join contacts
        on
            report_dates.authority = contacts.authority
            and report_dates.as_at_date >= contacts.contact_date
            and report_dates.first_date <= contacts.contact_date
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
        cuts.left_out_reason
    from in_year
    cross join
        lateral (
            values
            ('contacts', 'all', true, null),
            ('contacts', in_year.source_segment, true, null),
            (
                'contacts that led to a referral',
                'all',
                in_year.is_new_referral,
                case
                    when in_year.is_new_referral is null then 'outcome not recorded'
                end
            )
        ) as cuts (measure, segment, is_counted, left_out_reason)
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
            ('contacts'),
            ('contacts that led to a referral')
        ) as measures (measure)
),

{{ measured('members', counts=['contacts']) }}
