-- grain: one row per authority, with the numbers of its census as a whole
with

children as (
    select
        authority,
        count(*) as child_count,
        count(*) filter (
            where expected_birth_date is null and coalesce(sex_code, 'U') = 'U'
        ) as without_sex_count
    from {{ ref('int_census_children') }}
    where is_in_census
    group by authority
),

children_in_census as (
    select distinct
        authority,
        person_id
    from {{ ref('int_census_cases') }}
    where is_in_census
),

disabilities_of_children as (
    select distinct
        disabilities.authority,
        disabilities.person_id,
        disabilities.disability_code
    from {{ ref('stg_disability') }} as disabilities
    inner join children_in_census
        on
            disabilities.authority = children_in_census.authority
            and disabilities.person_id = children_in_census.person_id
    where disabilities.disability_code <> 'NONE'
),

disabilities as (
    select
        authority,
        count(distinct disability_code) as disability_code_count,
        count(distinct person_id) as disabled_child_count,
        count(*) as disability_count
    from disabilities_of_children
    group by authority
),

cp_plans as (
    select
        authority,
        count(*) as cp_plan_count
    from {{ ref('int_census_cp_plans') }}
    where is_in_census and start_date between census_start and census_end
    group by authority
),

conferences as (
    select
        authority,
        count(*) as conference_count
    from {{ ref('int_census_conferences') }}
    where is_in_census and conference_date between census_start and census_end
    group by authority
)

select
    cutoffs.authority,
    'census' as record_key,
    null::text as person_id,
    coalesce(children.child_count, 0) as child_count,
    coalesce(children.without_sex_count, 0) as without_sex_count,
    coalesce(disabilities.disability_code_count, 0) as disability_code_count,
    coalesce(disabilities.disabled_child_count, 0) as disabled_child_count,
    coalesce(disabilities.disability_count, 0) as disability_count,
    coalesce(cp_plans.cp_plan_count, 0) as cp_plan_count,
    coalesce(conferences.conference_count, 0) as conference_count,
    cutoffs.night
from {{ source('ops', 'cutoffs') }} as cutoffs
left join children on cutoffs.authority = children.authority
left join disabilities on cutoffs.authority = disabilities.authority
left join cp_plans on cutoffs.authority = cp_plans.authority
left join conferences on cutoffs.authority = conferences.authority
