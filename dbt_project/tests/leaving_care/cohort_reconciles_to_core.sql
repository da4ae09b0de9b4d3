{{ config(tags=['nightly']) }}
-- Every measure over the whole cohort must account for each care leaver of core,
-- measured or left out, and categories must add up to the cohort.
with

cohort as (
    select
        snapshots.authority,
        snapshots.snapshot_date as as_at_date,
        count(care_leavers.young_person_key) as care_leaver_count
    from {{ ref('dim_snapshot') }} as snapshots
    left join {{ ref('fct_leaving_care_snapshot') }} as care_leavers
        on
            snapshots.authority = care_leavers.authority
            and snapshots.snapshot_date = care_leavers.as_at_date
    group by snapshots.authority, snapshots.snapshot_date
),

accounted as (
    select
        authority,
        as_at_date,
        measure,
        numerator as care_leaver_count
    from {{ ref('kpi_care_leavers') }}
    where measure = 'care leavers' and segment = 'all'
    {% for mart in ['kpi_category_of_need', 'kpi_ethnicity'] %}
        union all
        select
            authority,
            as_at_date,
            '{{ mart }}' as measure,
            sum(numerator) as care_leaver_count
        from {{ ref(mart) }}
        group by authority, as_at_date
    {% endfor %}
    {% for mart in ['kpi_uasc', 'kpi_eet', 'kpi_pathway_plan', 'kpi_accommodation'] %}
        union all
        select
            authority,
            as_at_date,
            measure,
            denominator + left_out_count as care_leaver_count
        from {{ ref(mart) }}
        where segment in ('all', 'open cases')
    {% endfor %}
)

select
    coalesce(accounted.authority, cohort.authority) as authority,
    coalesce(accounted.as_at_date, cohort.as_at_date) as as_at_date,
    accounted.measure
from accounted
full join cohort
    on
        accounted.authority = cohort.authority
        and accounted.as_at_date = cohort.as_at_date
where accounted.care_leaver_count is distinct from cohort.care_leaver_count
