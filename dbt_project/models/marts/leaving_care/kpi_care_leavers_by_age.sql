-- grain: one row per authority, snapshot date, measure and segment
with

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
),

eligibilities as (
    select * from {{ ref('fct_care_leaver_eligibility') }}
),

-- care as recorded tonight says who is still looked after
leavers as (
    select
        care_leavers.*,
        case
            when care_leavers.age_years <= 18 then 'aged 17 to 18'
            when care_leavers.age_years <= 21 then 'aged 19 to 21'
            when care_leavers.age_years <= 25 then 'aged 22 to 25'
        end as age_band,
        case
            when care_leavers.age_years is null then 'age not recorded'
            when care_leavers.in_touch_code = 'DIED' then 'has died'
            when care_leavers.in_touch_code = 'RHOM'
                then 'returned home for 6 months or more'
            when not eligibilities.has_13_weeks_since_14
                then 'fewer than 13 weeks in care since 14'
        end as left_out_reason
    from care_leavers
    left join eligibilities
        on
            care_leavers.authority = eligibilities.authority
            and care_leavers.as_at_date = eligibilities.as_at_date
            and care_leavers.young_person_key = eligibilities.young_person_key
    where
        coalesce(care_leavers.age_years between 17 and 25, true)
        and care_leavers.eligibility_code is distinct from 'E'
        and eligibilities.is_looked_after is not true
),

members as (
    select
        leavers.authority,
        leavers.as_at_date,
        leavers.young_person_key,
        measures.measure,
        segments.segment,
        true as is_member,
        measures.is_counted,
        leavers.left_out_reason
    from leavers
    cross join
        lateral (
            values
            ('care leavers', true),
            ('in touch', leavers.in_touch_code = 'YES'),
            ('EET', leavers.activity_code ~ '^[FP]'),
            (
                'accommodation suitable',
                leavers.suitability_code = '1'
                and leavers.accommodation_code not in ('G', 'H', 'R', '0')
            ),
            ('with a personal adviser', leavers.personal_adviser_key is not null),
            ('in custody', leavers.accommodation_code = 'X'),
            ('homeless', leavers.accommodation_code = 'S'),
            ('in bed and breakfast', leavers.accommodation_code = 'W')
        ) as measures (measure, is_counted)
    cross join
        lateral (
            values ('all'), (leavers.age_band)
        ) as segments (segment)
    where segments.segment is not null
),

{{ measured('members') }}
