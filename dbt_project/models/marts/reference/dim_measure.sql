-- grain: one row per measure of the KPI marts
{%- set marts = marts_with_open_names() %}
with

measures as (
    select * from {{ ref('measures') }}
),

-- the names that a council words itself
names as (
    {%- for mart in marts %}
        select distinct
            '{{ mart }}' as mart,
            measure
        from {{ ref(mart) }}
        {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

open_names as (
    select
        measures.*,
        names.measure as full_name,
        substr(names.measure, length(measures.measure)) as own_part
    from measures
    inner join names
        on
            measures.mart = names.mart
            and starts_with(names.measure, rtrim(measures.measure, '*'))
    where right(measures.measure, 1) = '*'
),

named as (
    select
        measure_code,
        measure,
        title,
        mart
    from measures
    where right(measure, 1) <> '*'
    union all
    select
        rtrim(measure_code, '*') || {{ code_of('own_part') }} as measure_code,
        full_name as measure,
        replace(title, '*', own_part) as title,
        mart
    from open_names
)

select
    named.measure_code,
    named.mart,
    named.measure,
    named.title,
    measures.service,
    measures.topic,
    measures.statistic,
    measures.unit,
    measures.number_format,
    measures.direction,
    measures.standard,
    measures.official_code,
    measures.period,
    measures.period_months,
    measures.date_basis,
    measures.default_segment,
    measures.owner,
    measures.numerator,
    measures.denominator,
    measures.left_out,
    measures.differs
from named
inner join measures
    on
        named.mart = measures.mart
        and (
            named.measure = measures.measure
            or (
                right(measures.measure, 1) = '*'
                and starts_with(named.measure, rtrim(measures.measure, '*'))
            )
        )
