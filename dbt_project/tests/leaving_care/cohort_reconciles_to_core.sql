{{ config(tags=['nightly']) }}
-- Every measure over the whole cohort accounts for each care leaver of core, measured
-- or left out, and categories add up to it.
with

cohort as (
    select
        snapshots.authority,
        snapshots.snapshot_date,
        count(care_leavers.young_person_key) as care_leaver_count
    from {{ ref('dim_snapshot') }} as snapshots
    left join {{ ref('fct_leaving_care_snapshot') }} as care_leavers
        on
            snapshots.authority = care_leavers.authority
            and snapshots.snapshot_date = care_leavers.snapshot_date
    group by snapshots.authority, snapshots.snapshot_date
),

accounted as (
    select
        authority,
        snapshot_date,
        measure,
        numerator as care_leaver_count
    from {{ ref('kpi_care_leavers') }}
    where measure = 'care leavers' and segment = 'all'
    {% for mart in ['kpi_category_of_need', 'kpi_ethnicity'] %}
        union all
        select
            authority,
            snapshot_date,
            '{{ mart }}' as measure,
            sum(numerator) as care_leaver_count
        from {{ ref(mart) }}
        group by authority, snapshot_date
    {% endfor %}
    {% for mart in ['kpi_uasc', 'kpi_eet', 'kpi_pathway_plan', 'kpi_accommodation'] %}
        union all
        select
            authority,
            snapshot_date,
            measure,
            denominator + left_out_count as care_leaver_count
        from {{ ref(mart) }}
        where segment in ('all', 'open cases')
    {% endfor %}
)

select
    coalesce(accounted.authority, cohort.authority) as authority,
    coalesce(accounted.snapshot_date, cohort.snapshot_date) as snapshot_date,
    accounted.measure
from accounted
full join cohort
    on
        accounted.authority = cohort.authority
        and accounted.snapshot_date = cohort.snapshot_date
where accounted.care_leaver_count is distinct from cohort.care_leaver_count
