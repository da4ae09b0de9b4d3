-- grain: one row per authority, report date, measure and segment
with

{{ numbered_report_dates() }},

contacts as (
    select
        *,
        {{ referral_source_segment('source_code') }} as source_segment
    from {{ ref('fct_contacts') }}
),

cuts as not materialized (
    select
        contacts.authority,
        contacts.young_person_key,
        contacts.contact_date as event_date,
        cuts.measure,
        cuts.segment,
        case when cuts.is_counted then contacts.contact_date end as counted_from_date,
        cuts.left_out_reason
    from contacts
    cross join
        lateral (
            values
            ('contacts', 'all', true, null),
            ('contacts', contacts.source_segment, true, null),
            (
                'contacts that led to a referral',
                'all',
                contacts.is_new_referral,
                case
                    when contacts.is_new_referral is null then 'outcome not recorded'
                end
            )
        ) as cuts (measure, segment, is_counted, left_out_reason)
),

{{ counted_in_year('cuts', ['contacts', 'contacts that led to a referral']) }}

{{ measured('members', weight='record_count', people='people', counts=['contacts']) }}
