-- grain: one row per young person and missing episode
{{ config(materialized='kept') }}
with

-- the rules PER-02, REC-02 and DATE-12 report what is left out here
missing as (
    select
        authority,
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
        missing_type_code,
        start_date,
        end_date,
        {{ staging_flag('return_interview_offered') }} as is_return_interview_offered,
        {{ staging_flag('return_interview_accepted') }} as is_return_interview_accepted
    from {{ touched(ref('stg_missing')) }}
    where
        person_id is not null
        and start_date is not null
        and (end_date is null or end_date >= start_date)
),

care_periods as (
    select * from {{ touched(ref('fct_care_periods')) }}
),

placements as (
    select * from {{ touched(ref('fct_placements')) }}
),

preferred as (
    select
        *,
        row_number() over (
            partition by young_person_key, start_date
            order by
                end_date desc nulls last, missing_type_code desc,
                is_return_interview_offered desc nulls last,
                is_return_interview_accepted desc nulls last
        ) as preference
    from missing
)

select
    {{ surrogate_key(['preferred.young_person_key::text', 'preferred.start_date']) }}
        as missing_episode_key,
    preferred.young_person_key,
    preferred.authority,
    care_periods.care_period_key,
    placements.placement_key,
    preferred.missing_type_code,
    preferred.start_date,
    preferred.end_date,
    preferred.end_date - preferred.start_date as day_count,
    preferred.is_return_interview_offered,
    preferred.is_return_interview_accepted
from preferred
left join care_periods
    on
        preferred.young_person_key = care_periods.young_person_key
        and preferred.start_date >= care_periods.start_date
        and (
            care_periods.end_date is null
            or preferred.start_date < care_periods.end_date
        )
left join placements
    on
        care_periods.care_period_key = placements.care_period_key
        and preferred.start_date >= placements.start_date
        and (placements.end_date is null or preferred.start_date < placements.end_date)
where preferred.preference = 1
