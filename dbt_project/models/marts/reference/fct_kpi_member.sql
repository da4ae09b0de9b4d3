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

people as (
    select distinct
        members.authority,
        members.young_person_key,
        latest.snapshot_date as as_at_date
    from members
    inner join latest on members.authority = latest.authority
),

-- the team of a date is that of the allocation that began last
allocated as (
    select distinct on (people.young_person_key)
        people.young_person_key,
        allocations.team_key
    from people
    inner join allocations
        on
            people.young_person_key = allocations.young_person_key
            and people.as_at_date >= allocations.start_date
            and (
                allocations.end_date is null
                or people.as_at_date < allocations.end_date
            )
    order by
        people.young_person_key asc, allocations.start_date desc,
        allocations.allocation_number desc
),

described as (
    select
        people.young_person_key,
        young_people.sex_code,
        young_people.ethnicity_code,
        allocated.team_key,
        extract(year from age(people.as_at_date, young_people.birth_month_date))
            as age_years
    from people
    left join young_people on people.young_person_key = young_people.young_person_key
    left join allocated on people.young_person_key = allocated.young_person_key
)

select
    members.authority,
    measures.measure_code,
    coalesce(segments.segment_code, {{ code_of('members.segment') }}) as segment_code,
    members.young_person_key,
    (
        row_number() over (
            partition by
                measures.measure_code, members.segment, members.young_person_key
            order by members.is_counted desc nulls last, members.left_out_reason asc
        )
    )::integer as record_number,
    members.is_counted,
    members.is_in_denominator,
    members.left_out_reason,
    described.team_key,
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
inner join measures
    on members.mart = measures.mart and members.measure = measures.measure
left join segments
    on members.authority = segments.authority and members.segment = segments.segment
left join described on members.young_person_key = described.young_person_key
