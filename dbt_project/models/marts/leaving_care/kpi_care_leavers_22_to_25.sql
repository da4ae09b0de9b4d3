-- grain: one row per authority, report date, measure and segment
with

care_leavers as (
    select * from {{ ref('fct_care_leaver_birthdays') }}
    where age_years >= 22
),

accommodations as (
    {{ accommodation_measures() }}
),

outcomes as (
    select
        care_leavers.authority,
        care_leavers.as_at_date,
        care_leavers.young_person_key,
        care_leavers.age_years,
        care_leavers.left_out_reason,
        answers.measure,
        answers.is_counted
    from care_leavers
    cross join
        lateral (
            values
            {{ care_leaver_outcomes('care_leavers') }}
        ) as answers (measure, is_counted)
    union all
    select
        care_leavers.authority,
        care_leavers.as_at_date,
        care_leavers.young_person_key,
        care_leavers.age_years,
        care_leavers.left_out_reason,
        accommodations.measure,
        coalesce(care_leavers.accommodation_code, '')
        = coalesce(accommodations.accommodation_code, '') as is_counted
    from care_leavers
    cross join accommodations
),

members as (
    select
        outcomes.authority,
        outcomes.as_at_date,
        outcomes.young_person_key,
        outcomes.measure,
        segments.segment,
        true as is_member,
        outcomes.is_counted,
        outcomes.left_out_reason
    from outcomes
    cross join lateral (
        values ('all'), ('aged ' || outcomes.age_years)
    ) as segments (segment)
),

{{ measured('members') }}
