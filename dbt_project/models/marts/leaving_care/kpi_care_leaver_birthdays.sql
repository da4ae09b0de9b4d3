-- grain: one row per authority, report date, measure and segment
with

care_leavers as (
    select * from {{ ref('fct_care_leaver_birthdays') }}
    where age_years <= 21
),

young_people as (
    select * from {{ ref('dim_young_person') }}
),

members as (
    select
        care_leavers.authority,
        care_leavers.as_at_date,
        care_leavers.young_person_key,
        outcomes.measure,
        segments.segment,
        true as is_member,
        outcomes.is_counted,
        care_leavers.left_out_reason
    from care_leavers
    left join young_people
        on care_leavers.young_person_key = young_people.young_person_key
    cross join
        lateral (
            values
            {{ care_leaver_outcomes('care_leavers') }},
            ('recorded around the birthday', care_leavers.is_recorded_around_birthday)
        ) as outcomes (measure, is_counted)
    cross join lateral (
        values
        ('all'),
        (care_leavers.age_band),
        (
            case young_people.sex_code
                when 'F' then 'female'
                when 'M' then 'male'
                else 'sex not recorded'
            end
        ),
        (
            coalesce(
                {{ ethnicity_group('young_people.ethnicity_code') }},
                'ethnicity not recorded'
            )
        )
    ) as segments (segment)
),

{{ measured('members') }}
