-- grain: one row per child looked after for 12 months or more per report date
with

looked_after as (
    select
        *,
        {{ first_day_of_period('as_at_date', 12) }} as first_date
    from {{ ref('fct_looked_after') }}
),

young_people as (
    select * from {{ ref('dim_young_person') }}
),

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

ehc_plan_flags as (
    select * from {{ ref('fct_ehc_plan_flags') }}
),

health_checks as (
    select * from {{ ref('fct_health_checks') }}
),

immunisation_records as (
    select * from {{ ref('fct_immunisations') }}
),

scores as (
    select * from {{ ref('fct_sdq_scores') }}
),

misuse as (
    select * from {{ ref('fct_substance_misuse') }}
),

offences as (
    select * from {{ ref('fct_convictions') }}
),

-- in care since the first day of the 12 months, without a break
children as (
    select
        looked_after.authority,
        looked_after.as_at_date,
        looked_after.first_date,
        looked_after.young_person_key,
        looked_after.care_period_key,
        looked_after.age_years,
        looked_after.age_band,
        young_people.sex_code
    from looked_after
    left join young_people
        on looked_after.young_person_key = young_people.young_person_key
    where looked_after.care_start_date <= looked_after.first_date
),

checks as (
    select
        children.as_at_date,
        children.young_person_key,
        count(*) filter (where checks.check_kind = 'health assessment')
            as health_assessment_count,
        count(*) filter (where checks.check_kind = 'dental check')
            as dental_check_count,
        count(*) filter (where checks.check_kind = 'development check')
            as development_check_count
    from children
    inner join health_checks as checks
        on
            children.young_person_key = checks.young_person_key
            and checks.check_date between children.first_date and children.as_at_date
    where checks.is_completed
    group by children.as_at_date, children.young_person_key
),

-- the last record up to the date counts
immunisations as (
    select distinct on (children.as_at_date, children.young_person_key)
        children.as_at_date,
        children.young_person_key,
        immunisations.is_up_to_date
    from children
    inner join immunisation_records as immunisations
        on
            children.young_person_key = immunisations.young_person_key
            and children.as_at_date >= immunisations.status_date
    order by
        children.as_at_date asc, children.young_person_key asc,
        immunisations.status_date desc, immunisations.is_up_to_date asc
),

-- the last score of the 12 months counts; a refusal after it does not remove it
sdq_scores as (
    select distinct on (children.as_at_date, children.young_person_key)
        children.as_at_date,
        children.young_person_key,
        scores.sdq_score
    from children
    inner join scores
        on
            children.young_person_key = scores.young_person_key
            and scores.completed_date between children.first_date
            and children.as_at_date
    where scores.sdq_score is not null
    order by
        children.as_at_date asc, children.young_person_key asc,
        scores.completed_date desc, scores.sdq_score desc
),

substance_misuse as (
    select
        children.as_at_date,
        children.young_person_key,
        bool_or(misuse.has_received_intervention) as has_received_intervention
    from children
    inner join misuse
        on
            children.young_person_key = misuse.young_person_key
            and misuse.misuse_date between children.first_date and children.as_at_date
    group by children.as_at_date, children.young_person_key
),

convictions as (
    select
        children.as_at_date,
        children.young_person_key
    from children
    inner join offences as convictions
        on
            children.young_person_key = convictions.young_person_key
            and convictions.offence_date between children.first_date
            and children.as_at_date
    group by children.as_at_date, children.young_person_key
)

select
    children.young_person_key,
    children.authority,
    children.as_at_date,
    children.care_period_key,
    children.age_years,
    children.age_band,
    children.sex_code,
    coalesce(checks.health_assessment_count, 0)::integer as health_assessment_count,
    coalesce(checks.dental_check_count, 0)::integer as dental_check_count,
    coalesce(checks.development_check_count, 0)::integer as development_check_count,
    -- every six months under 5, every year from 5
    coalesce(checks.health_assessment_count, 0)
    >= case when children.age_years < 5 then 2 else 1 end
        as is_health_assessment_up_to_date,
    immunisations.is_up_to_date as is_immunised,
    sdq_scores.sdq_score,
    substance_misuse.young_person_key is not null as has_misused_substances,
    substance_misuse.has_received_intervention,
    convictions.young_person_key is not null as is_convicted,
    -- the record has no date, so it only says what holds now
    case when report_dates.is_latest then ehc_plan_flags.has_ehc_plan end
        as has_ehc_plan
from children
left join report_dates
    on
        children.authority = report_dates.authority
        and children.as_at_date = report_dates.report_date
left join checks
    on
        children.young_person_key = checks.young_person_key
        and children.as_at_date = checks.as_at_date
left join immunisations
    on
        children.young_person_key = immunisations.young_person_key
        and children.as_at_date = immunisations.as_at_date
left join sdq_scores
    on
        children.young_person_key = sdq_scores.young_person_key
        and children.as_at_date = sdq_scores.as_at_date
left join substance_misuse
    on
        children.young_person_key = substance_misuse.young_person_key
        and children.as_at_date = substance_misuse.as_at_date
left join convictions
    on
        children.young_person_key = convictions.young_person_key
        and children.as_at_date = convictions.as_at_date
left join ehc_plan_flags
    on children.young_person_key = ehc_plan_flags.young_person_key
