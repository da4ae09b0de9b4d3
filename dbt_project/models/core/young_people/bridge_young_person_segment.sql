-- grain: one row per young person and segment of cohorts that they belong to
with

memberships as (
    select * from {{ ref('fct_programme_membership') }}
),

segments as (
    select * from {{ ref('bridge_cohort_segment') }}
)

-- a young person in two cohorts of a segment belongs to it once, from the first cohort
-- on
select
    memberships.young_person_key,
    segments.segment,
    memberships.authority,
    min(memberships.start_date) as from_date
from memberships
inner join segments
    on
        memberships.authority = segments.authority
        and memberships.programme_code = segments.programme_code
        and memberships.cohort = segments.cohort
group by memberships.young_person_key, segments.segment, memberships.authority
