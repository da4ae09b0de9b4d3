{{ config(tags=['nightly']) }}
-- Every figure of a KPI mart is in kpi. A measure that the mart's YAML does not declare
-- (config.meta.measures) would be missing there.
{%- set marts = marts_of_counts() + marts_of_rates() + marts_of_values() %}
with

figures as (
    {%- for mart in marts %}
        select
            authority,
            '{{ mart }}' as mart,
            measure
        from {{ ref(mart) }}
        group by authority, measure
        {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select
    figures.authority,
    figures.mart,
    figures.measure
from figures
left join {{ ref('dim_measure') }} as measures
    on figures.mart = measures.mart and figures.measure = measures.measure
where measures.measure is null
