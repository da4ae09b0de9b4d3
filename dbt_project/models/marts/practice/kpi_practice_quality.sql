-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

scores as (
    select * from {{ ref('fct_practice_observations') }}
),

skills as (
    select
        code as skill_code,
        lower(description) as measure
    from {{ ref('code_lists') }}
    where code_list = 'practice_skill'
),

-- an observation whose skills name two phases belongs to neither
observations as (
    select
        authority,
        observation_key,
        min(observed_date) as observed_date,
        case when min(phase_code) = max(phase_code) then min(phase_code) end
            as phase_code
    from scores
    group by authority, observation_key
),

skill_scores as (
    select
        observations.authority,
        observations.observation_key,
        observations.observed_date,
        observations.phase_code,
        skills.measure,
        scores.score::numeric as value,
        case
            when scores.observation_key is null then 'not coded'
            when scores.score is null then 'no score from 1 to 5'
        end as left_out_reason
    from observations
    cross join skills
    left join scores
        on
            observations.authority = scores.authority
            and observations.observation_key = scores.observation_key
            and skills.skill_code = scores.skill_code
),

-- skills differ in level, so a mean without one of them would depend on which skills
-- were coded
totals as (
    select
        authority,
        observation_key,
        observed_date,
        phase_code,
        'total practice quality' as measure,
        avg(value) as value,
        case when count(value) < count(*) then 'not coded on every skill' end
            as left_out_reason
    from skill_scores
    group by authority, observation_key, observed_date, phase_code
),

measured_scores as (
    select * from skill_scores
    union all
    select * from totals
),

members as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        measured_scores.measure,
        segments.segment,
        segments.is_member,
        measured_scores.value,
        measured_scores.left_out_reason
    from report_dates
    inner join measured_scores
        on
            report_dates.authority = measured_scores.authority
            and report_dates.report_date >= measured_scores.observed_date
    cross join lateral (
        values
        ('all', true),
        ('early', measured_scores.phase_code is not distinct from 'EARLY'),
        ('post', measured_scores.phase_code is not distinct from 'POST')
    ) as segments (segment, is_member)
),

{{ averaged('members', "'score 1 to 5'") }}
