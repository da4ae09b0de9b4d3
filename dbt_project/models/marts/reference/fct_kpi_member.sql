-- grain: one row per authority, measure, segment, young person and number
-- Its date is the authority's latest snapshot date. If each row said so, each row
-- would change every night.
with

members as (
    select * from {{ all_members() }} as stored
),

measures as (
    select * from {{ ref('dim_measure') }}
),

segments as (
    select * from {{ ref('dim_segment') }}
),

young_people as (
    select * from {{ ref('dim_young_person') }}
),

allocations as (
    select * from {{ ref('fct_allocations') }}
),

latest as (
    select * from {{ ref('dim_snapshot') }}
    where is_latest
),

-- the team of a date is that of the allocation that began last
allocated as (
    select distinct on (allocations.young_person_key)
        allocations.young_person_key,
        allocations.team_key
    from allocations
    inner join latest
        on
            allocations.authority = latest.authority
            and allocations.start_date <= latest.snapshot_date
            and (
                allocations.end_date is null
                or allocations.end_date > latest.snapshot_date
            )
    order by
        allocations.young_person_key asc, allocations.start_date desc,
        allocations.allocation_number desc
),

described as (
    select
        young_people.young_person_key,
        young_people.sex_code,
        young_people.ethnicity_code,
        extract(
            year from age(latest.snapshot_date, young_people.birth_month_date)
        ) as age_years
    from young_people
    left join latest on young_people.authority = latest.authority
)

select
    members.authority,
    measures.measure_code,
    coalesce(segments.segment_code, {{ code_of('members.segment') }}) as segment_code,
    members.young_person_key,
    members.record_number,
    members.is_counted,
    members.is_in_denominator,
    members.left_out_reason,
    allocated.team_key,
    case
        when described.age_years < 1 then 'under 1'
        when described.age_years < 5 then '1 to 4'
        when described.age_years < 10 then '5 to 9'
        when described.age_years < 16 then '10 to 15'
        when described.age_years < 18 then '16 to 17'
        when described.age_years < 21 then '18 to 20'
        when described.age_years >= 21 then '21 and over'
    end as age_band,
    described.sex_code,
    described.ethnicity_code
from members
-- each measure has a code; PostgreSQL would expect too few rows of an inner join
left join measures
    on members.mart = measures.mart and members.measure = measures.measure
left join segments
    on members.authority = segments.authority and members.segment = segments.segment
left join described on members.young_person_key = described.young_person_key
left join allocated on members.young_person_key = allocated.young_person_key
