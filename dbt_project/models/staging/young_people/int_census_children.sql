-- grain: one row per current record of ssd_person, with the child's referrals and
-- disabilities
with

cases as (
    select
        authority,
        person_id,
        bool_or(is_in_census) as is_in_census,
        bool_or(is_in_census and not is_no_further_action) as has_case_with_action,
        max(coalesce(close_date, date 'infinity')) as last_close_date
    from {{ ref('int_census_cases') }}
    where person_id is not null
    group by authority, person_id
),

disabilities as (
    select
        authority,
        person_id,
        count(*) as disability_count,
        count(*) filter (where disability_code is null) as unknown_disability_count,
        count(disability_code) > count(distinct disability_code)
            as has_repeated_disability,
        bool_or(disability_code = 'NONE') and bool_or(disability_code <> 'NONE')
            as has_none_and_others
    from {{ ref('stg_disability') }}
    where person_id is not null
    group by authority, person_id
),

-- what the census would return for the child, whether or not there is a referral
activity as (
    select
        authority,
        person_id
    from {{ ref('int_census_assessments') }}
    where is_in_census and person_id is not null
    union
    select
        authority,
        person_id
    from {{ ref('int_census_enquiries') }}
    where is_in_census and person_id is not null
    union
    select
        authority,
        person_id
    from {{ ref('int_census_plans') }}
    where is_in_census and person_id is not null
    union
    select
        authority,
        person_id
    from {{ ref('int_census_cp_plans') }}
    where is_in_census and person_id is not null
)

select
    people.authority,
    people.record_key,
    people.person_id,
    people.upn,
    people.upn_unknown_code,
    people.sex_code,
    people.ethnicity_code,
    people.birth_date,
    people.expected_birth_date,
    people.death_date,
    coalesce(cases.is_in_census, false) as is_in_census,
    cases.person_id is not null as has_case,
    activity.person_id is not null as has_activity,
    coalesce(cases.has_case_with_action, false) as has_case_with_action,
    cases.last_close_date,
    coalesce(disabilities.disability_count, 0) as disability_count,
    coalesce(disabilities.unknown_disability_count, 0) as unknown_disability_count,
    coalesce(disabilities.has_repeated_disability, false) as has_repeated_disability,
    coalesce(disabilities.has_none_and_others, false) as has_none_and_others,
    count(case when cases.is_in_census then 1 end)
        over (partition by people.authority, people.upn)
        as same_upn_count,
    cutoffs.night,
    {{ census_start('cutoffs.night') }} as census_start,
    {{ census_end('cutoffs.night') }} as census_end
from {{ ref('stg_person') }} as people
left join cases
    on
        people.authority = cases.authority
        and people.person_id = cases.person_id
left join disabilities
    on
        people.authority = disabilities.authority
        and people.person_id = disabilities.person_id
left join activity
    on
        people.authority = activity.authority
        and people.person_id = activity.person_id
left join {{ source('ops', 'cutoffs') }} as cutoffs
    on people.authority = cutoffs.authority
