-- grain: one row per authority, snapshot date, measure and segment
with

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
),

members as (
    select
        authority,
        as_at_date,
        young_person_key,
        'unaccompanied asylum-seeking (UASC)' as measure,
        'all' as segment,
        true as is_member,
        is_uasc as is_counted,
        uasc_left_out_reason as left_out_reason
    from care_leavers
),

{{ measured('members') }}
