{{ config(tags=['nightly']) }}
-- kpi_left_out must split exactly what the KPI marts leave out.
{%- set marts = [
    'kpi_care_leavers', 'kpi_mothers', 'kpi_uasc', 'kpi_eet', 'kpi_pathway_plan',
    'kpi_accommodation', 'kpi_staying_put', 'kpi_category_of_need', 'kpi_ethnicity',
] %}
with

measured as (
    {%- for mart in marts %}
        select
            authority,
            as_at_date,
            measure,
            segment,
            left_out_count
        from {{ ref(mart) }}
        where left_out_count > 0
        {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

split as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        sum(left_out_count) as left_out_count
    from {{ ref('kpi_left_out') }}
    group by authority, as_at_date, measure, segment
)

select
    coalesce(measured.authority, split.authority) as authority,
    coalesce(measured.as_at_date, split.as_at_date) as as_at_date,
    coalesce(measured.measure, split.measure) as measure,
    coalesce(measured.segment, split.segment) as segment
from measured
full join split
    on
        measured.authority = split.authority
        and measured.as_at_date = split.as_at_date
        and measured.measure = split.measure
        and measured.segment = split.segment
where measured.left_out_count is distinct from split.left_out_count
