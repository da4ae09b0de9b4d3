-- grain: one row per authority, snapshot date, measure and segment
with

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
),

members as (
    select
        care_leavers.authority,
        care_leavers.as_at_date,
        care_leavers.young_person_key,
        measures.measure,
        measures.segment,
        measures.is_member,
        measures.is_counted,
        measures.left_out_reason
    from care_leavers
    cross join lateral (
        values
        ('EET', 'open cases', true, eet_status_code = 'EET', eet_left_out_reason),
        ('NEET', 'open cases', true, eet_status_code = 'NEET', eet_left_out_reason),
        (
            'EET', 'open UASC cases', is_uasc or uasc_left_out_reason is not null,
            eet_status_code = 'EET',
            coalesce(eet_left_out_reason, uasc_left_out_reason)
        ),
        (
            'NEET', 'open UASC cases', is_uasc or uasc_left_out_reason is not null,
            eet_status_code = 'NEET',
            coalesce(eet_left_out_reason, uasc_left_out_reason)
        )
    ) as measures (measure, segment, is_member, is_counted, left_out_reason)
),

{{ measured('members') }}
