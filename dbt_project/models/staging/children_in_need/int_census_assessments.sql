-- grain: one row per current record of ssd_cin_assessments, with its factors and its
-- referral
with

-- the factors are a list of codes, or an object of codes with Yes or No
factors as (
    select
        authority,
        assessment_id,
        case jsonb_typeof(assessment_factors_json)
            when 'array'
                then array(
                    select upper(btrim(factor))
                    from jsonb_array_elements_text(assessment_factors_json) as factor
                    where btrim(factor) <> ''
                )
            when 'object'
                then array(
                    select upper(btrim(key))
                    from jsonb_each_text(assessment_factors_json)
                    where lower(btrim(value)) in ('y', 'yes', 'true', '1')
                )
        end as factor_codes
    from {{ ref('stg_assessment_factors') }}
    where assessment_id is not null
),

-- an assessment has one list; of two records the longer list counts
lists as (
    select distinct on (authority, assessment_id)
        authority,
        assessment_id,
        factor_codes
    from factors
    order by
        authority asc, assessment_id asc,
        cardinality(factor_codes) desc nulls last, factor_codes asc
),

assessments as (
    select
        *,
        coalesce('R' || referral_id, 'P' || person_id, '|' || record_key) as of_case
    from {{ ref('stg_cin_assessments') }}
)

select
    assessments.authority,
    assessments.record_key,
    assessments.person_id,
    assessments.assessment_id,
    assessments.referral_id,
    assessments.start_date,
    assessments.authorised_date,
    lists.factor_codes,
    -- a code that the list names twice makes it longer than its different codes
    coalesce(
        cardinality(lists.factor_codes)
        > (
            select count(distinct code.factor_code)
            from unnest(lists.factor_codes) as code (factor_code)
        ),
        false
    ) as has_repeated_factor,
    cases.referral_date,
    cases.close_date,
    cases.close_reason_code,
    coalesce(cases.is_in_census, true)
    and coalesce(
        assessments.authorised_date >= {{ census_start('cutoffs.night') }}, true
    ) as is_in_census,
    count(*) over (partition by assessments.authority, assessments.of_case)
        as in_case_count,
    count(case when assessments.authorised_date is null then 1 end)
        over (partition by assessments.authority, assessments.of_case)
        as open_in_case_count,
    -- until when an assessment of the case that started no later lasts
    max(coalesce(assessments.authorised_date, date 'infinity')) over (
        partition by assessments.authority, assessments.of_case
        order by assessments.start_date
        range between unbounded preceding and current row
        exclude current row
    ) as other_until_date,
    cutoffs.night,
    {{ census_start('cutoffs.night') }} as census_start,
    {{ census_end('cutoffs.night') }} as census_end
from assessments
left join lists
    on
        assessments.authority = lists.authority
        and assessments.assessment_id = lists.assessment_id
left join {{ ref('int_census_cases') }} as cases
    on
        assessments.authority = cases.authority
        and assessments.referral_id = cases.referral_id
left join {{ source('ops', 'cutoffs') }} as cutoffs
    on assessments.authority = cutoffs.authority
