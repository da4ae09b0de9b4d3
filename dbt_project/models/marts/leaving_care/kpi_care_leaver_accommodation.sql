-- grain: one row per authority, report date, measure and segment
with

care_leavers as (
    select * from {{ ref('fct_care_leaver_birthdays') }}
    where age_years <= 21
),

accommodations as (
    {{ accommodation_measures() }}
),

members as (
    select
        care_leavers.authority,
        care_leavers.as_at_date,
        care_leavers.young_person_key,
        accommodations.measure,
        segments.segment,
        true as is_member,
        coalesce(care_leavers.accommodation_code, '')
        = coalesce(accommodations.accommodation_code, '') as is_counted,
        care_leavers.left_out_reason
    from care_leavers
    cross join accommodations
    cross join lateral (
        values ('all'), (care_leavers.age_band)
    ) as segments (segment)
),

{{ measured('members') }}
