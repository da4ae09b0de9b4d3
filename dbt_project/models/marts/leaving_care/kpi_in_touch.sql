-- grain: one row per authority, snapshot date, measure and segment
with

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
),

contacts as (
    select
        code as in_touch_code,
        case code
            when 'YES' then 'in touch'
            when 'NO' then 'not in touch'
            when 'DIED' then 'died after leaving care'
            when 'REFU' then 'refuses contact'
            when 'NREQ' then 'no longer requires services'
            when 'RHOM' then 'returned home for 6 months or more'
            else lower(description)
        end as measure
    from {{ ref('code_lists') }}
    where code_list = 'in_touch'
),

members as (
    select
        care_leavers.authority,
        care_leavers.as_at_date,
        care_leavers.young_person_key,
        contacts.measure,
        segments.segment,
        segments.is_member,
        care_leavers.in_touch_code = contacts.in_touch_code as is_counted,
        coalesce(
            segments.left_out_reason,
            case when care_leavers.in_touch_code is null then 'contact not recorded' end
        ) as left_out_reason
    from care_leavers
    cross join contacts
    cross join lateral (
        values
        ('all', true, null),
        (
            'open cases', true,
            case
                when not is_open_case then 'closed case'
                when is_open_case is null then 'case status not recorded'
            end
        ),
        (
            'aged 17 to 21', coalesce(age_years between 17 and 21, true),
            case when age_years is null then 'age not recorded' end
        )
    ) as segments (segment, is_member, left_out_reason)
),

{{ measured('members') }}
