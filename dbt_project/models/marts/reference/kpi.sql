-- grain: one row per authority, as-at date, measure and segment
{%- set marts_of_counts = marts_of_counts() %}
{%- set marts_of_rates = marts_of_rates() %}
{%- set marts_of_values = marts_of_values() %}
with

measures as (
    select * from {{ ref('dim_measure') }}
),

segments as (
    select * from {{ ref('dim_segment') }}
),

figures as (
    {%- for mart in marts_of_counts %}
        select
            '{{ mart }}' as mart,
            authority,
            as_at_date,
            measure,
            segment,
            numerator::numeric as numerator,
            denominator::numeric as denominator,
            share::numeric as value,
            left_out_count,
            left_out_reason
        from {{ ref(mart) }}
        {% if not loop.last or marts_of_rates or marts_of_values %}union all{% endif %}
    {%- endfor %}
    {%- for mart in marts_of_rates %}
        select
            '{{ mart }}' as mart,
            authority,
            as_at_date,
            measure,
            segment,
            numerator::numeric as numerator,
            denominator::numeric as denominator,
            rate::numeric as value,
            0 as left_out_count,
            case when rate is null then population_note end as left_out_reason
        from {{ ref(mart) }}
        {% if not loop.last or marts_of_values %}union all{% endif %}
    {%- endfor %}
    {%- for mart in marts_of_values %}
        select
            '{{ mart }}' as mart,
            authority,
            as_at_date,
            measure,
            segment,
            null::numeric as numerator,
            record_count::numeric as denominator,
            value::numeric as value,
            left_out_count,
            left_out_reason
        from {{ ref(mart) }}
        {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select
    figures.authority,
    figures.as_at_date,
    case
        when measures.period_months is not null
            then
                greatest(
                    (
                        figures.as_at_date
                        - make_interval(months => measures.period_months)
                    )::date + 1,
                    (
                        figures.as_at_date + 1
                        - make_interval(months => measures.period_months)
                    )::date
                )
        when measures.period = 'financial year to the date'
            then {{ census_start('figures.as_at_date') }}
    end as from_date,
    measures.measure_code,
    coalesce(segments.segment_code, {{ code_of('figures.segment') }}) as segment_code,
    figures.segment,
    figures.numerator::integer as numerator,
    figures.denominator::integer as denominator,
    case
        when measures.statistic = 'count' and figures.numerator is not null
            then figures.numerator
        else figures.value
    end::numeric(18, 6) as value,
    figures.left_out_count,
    figures.left_out_reason,
    figures.segment = measures.default_segment as is_total
from figures
inner join measures
    on figures.mart = measures.mart and figures.measure = measures.measure
left join segments
    on figures.authority = segments.authority and figures.segment = segments.segment
