-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
        report_dates.is_latest,
        deliveries.has_health_checks,
        deliveries.has_immunisations,
        deliveries.has_sdq_scores,
        deliveries.has_substance_misuse,
        deliveries.has_convictions,
        deliveries.has_ehc_plan_flags
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_care_episodes
),

children as (
    select * from {{ ref('fct_continuously_looked_after') }}
),

health_checks as (
    select * from {{ ref('fct_health_checks') }}
),

-- without a single development check, none of this kind is recorded at all
development_checks as (
    select authority
    from health_checks
    where check_kind = 'development check'
    group by authority
),

judged as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        children.young_person_key,
        children.age_years,
        measures.measure,
        measures.from_age,
        measures.to_age,
        children.young_person_key is not null and measures.is_asked as is_asked,
        measures.is_counted,
        measures.left_out_reason
    from report_dates
    left join children
        on
            report_dates.authority = children.authority
            and report_dates.report_date = children.as_at_date
    left join development_checks
        on report_dates.authority = development_checks.authority
    cross join
        lateral (
            values
            (
                'health assessment up to date', 0, 99, has_health_checks, true,
                is_health_assessment_up_to_date,
                case when age_years is null then 'date of birth not recorded' end
            ),
            (
                'dental check in 12 months', 0, 99, has_health_checks, true,
                dental_check_count > 0, null
            ),
            (
                'development check in 12 months', 0, 4, has_health_checks, true,
                development_check_count > 0,
                case
                    when development_checks.authority is null
                        then 'development checks not recorded'
                end
            ),
            (
                -- the record is written over, so it says nothing about an earlier date
                'immunisations up to date', 0, 99, has_immunisations and is_latest,
                true, coalesce(is_immunised, false), null
            ),
            (
                'SDQ completed in 12 months', 5, 16, has_sdq_scores, true,
                sdq_score is not null, null
            ),
            (
                'SDQ score normal', 5, 16, has_sdq_scores, sdq_score is not null,
                sdq_score <= 13, null
            ),
            (
                'SDQ score borderline', 5, 16, has_sdq_scores, sdq_score is not null,
                sdq_score between 14 and 16, null
            ),
            (
                'SDQ score of concern', 5, 16, has_sdq_scores, sdq_score is not null,
                sdq_score >= 17, null
            ),
            (
                'substance misuse identified in 12 months', 0, 99,
                has_substance_misuse, true, has_misused_substances, null
            ),
            (
                'intervention received for substance misuse', 0, 99,
                has_substance_misuse, has_misused_substances,
                has_received_intervention,
                case
                    when has_received_intervention is null
                        then 'intervention not recorded'
                end
            ),
            (
                'convicted or cautioned in 12 months', 10, 99, has_convictions, true,
                is_convicted, null
            ),
            (
                'has an EHC plan', 0, 99, has_ehc_plan_flags and is_latest, true,
                has_ehc_plan,
                case when has_ehc_plan is null then 'EHC plan not recorded' end
            )
        ) as measures (
            measure, from_age, to_age, is_delivered, is_asked, is_counted,
            left_out_reason
        )
    where measures.is_delivered
),

members as (
    select
        authority,
        as_at_date,
        measure,
        'all' as segment,
        young_person_key,
        -- a child without an age stays in the measure, and is left out of it
        coalesce(
            is_asked and coalesce(age_years between from_age and to_age, true), false
        ) as is_member,
        is_counted,
        case
            when young_person_key is null then null
            when age_years is null and (from_age > 0 or to_age < 99)
                then 'date of birth not recorded'
            else left_out_reason
        end as left_out_reason
    from judged
),

{{ measured('members') }}
