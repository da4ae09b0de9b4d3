-- grain: one row per authority, snapshot date, measure and segment
with

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
),

members as (
    select
        care_leavers.authority,
        care_leavers.snapshot_date,
        measures.measure,
        measures.segment,
        measures.is_member,
        measures.is_counted,
        care_leavers.eet_left_out_reason as left_out_reason
    from care_leavers
    cross join lateral (
        values
        ('EET', 'open cases', true, eet_status_code = 'EET'),
        ('NEET', 'open cases', true, eet_status_code = 'NEET'),
        ('EET', 'open UASC cases', is_uasc, eet_status_code = 'EET'),
        ('NEET', 'open UASC cases', is_uasc, eet_status_code = 'NEET')
    ) as measures (measure, segment, is_member, is_counted)
),

{{ measured('members') }}
