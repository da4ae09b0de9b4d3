-- grain: one row per authorised assessment and factor found by it
{{ config(materialized='kept') }}
with

assessments as (
    select * from {{ touched(ref('fct_assessments')) }}
    where authorised_date is not null
),

lists as (
    select
        authority,
        {{ surrogate_key(['authority', 'assessment_id']) }} as assessment_key,
        assessment_factors_json as factors
    from {{ ref('stg_assessment_factors') }}
    where assessment_id is not null
),

-- a list has the codes themselves, or says yes or no for each of them
found as (
    select
        assessments.assessment_key,
        assessments.young_person_key,
        assessments.authority,
        -- an assessment without a referral is an episode of its own
        coalesce(assessments.referral_key, assessments.assessment_key) as episode_key,
        assessments.assessment_number,
        assessments.authorised_date,
        codes.factor_code
    from assessments
    inner join lists
        on
            assessments.authority = lists.authority
            and assessments.assessment_key = lists.assessment_key
    cross join
        lateral (
            select upper(btrim(code)) as factor_code
            from
                jsonb_array_elements_text(
                    case
                        when jsonb_typeof(lists.factors) = 'array' then lists.factors
                    end
                ) as code
            union
            select upper(btrim(answer.key)) as factor_code
            from
                jsonb_each_text(
                    case
                        when jsonb_typeof(lists.factors) = 'object' then lists.factors
                    end
                ) as answer
            where lower(btrim(answer.value)) in ('y', 'yes', 'true', 't', '1')
        ) as codes
    where codes.factor_code <> ''
)

-- the days before let a count of a period take each factor, and each episode, once
select
    assessment_key,
    young_person_key,
    authority,
    episode_key,
    authorised_date,
    factor_code,
    lag(authorised_date) over (
        partition by young_person_key, episode_key, factor_code
        order by authorised_date, assessment_number
    ) as previous_same_factor_date,
    lag(authorised_date) over (
        partition by young_person_key, episode_key
        order by authorised_date, assessment_number, factor_code
    ) as previous_any_factor_date
from found
