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
        'females who are mothers' as measure,
        'female' as segment,
        coalesce(sex_code, 'U') in ('F', 'U') as is_member,
        is_mother as is_counted,
        case
            when coalesce(sex_code, 'U') = 'U' then 'sex not recorded'
            else mother_left_out_reason
        end as left_out_reason
    from care_leavers
),

{{ measured('members') }}
