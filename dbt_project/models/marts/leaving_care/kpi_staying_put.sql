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
        'staying put with former foster carer' as measure,
        'aged 18 or over' as segment,
        coalesce(age_years >= 18, true) as is_member,
        is_staying_put as is_counted,
        case
            when age_years is null then 'age not recorded'
            else staying_put_left_out_reason
        end as left_out_reason
    from care_leavers
),

{{ measured('members') }}
