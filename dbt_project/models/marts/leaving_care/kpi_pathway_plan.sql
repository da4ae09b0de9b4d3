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
        'with a pathway plan' as measure,
        'all' as segment,
        true as is_member,
        has_pathway_plan as is_counted,
        pathway_plan_left_out_reason as left_out_reason
    from care_leavers
),

{{ measured('members') }}
