-- grain: one row per authority, report date, measure and segment
with

care_leavers as (
    select * from {{ ref('fct_care_leaver_birthdays') }}
),

members as (
    select
        care_leavers.authority,
        care_leavers.as_at_date,
        care_leavers.young_person_key,
        ages.measure,
        'all' as segment,
        care_leavers.is_from_foster_care_at_18
        and care_leavers.age_years between ages.from_age and ages.to_age as is_member,
        care_leavers.is_staying_put as is_counted,
        coalesce(
            care_leavers.left_out_reason,
            case
                when care_leavers.is_staying_put_to_come
                    then 'three months after the birthday not over'
            end
        ) as left_out_reason
    from care_leavers
    cross join (
        values
        ('staying put at 18', 18, 18),
        ('staying put at 19', 19, 19),
        ('staying put at 20', 20, 20),
        ('staying put at 19 and 20', 19, 20)
    ) as ages (measure, from_age, to_age)
),

{{ measured('members') }}
