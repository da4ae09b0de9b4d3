-- grain: one row per authority, date and rate
with

populations as (
    select
        area_code,
        population_year,
        make_date(population_year, 6, 30) as population_date,
        population
    from {{ ref('fct_population') }}
    where sex = 'all' and ethnic_group = 'all' and age_from = 0 and age_to = 17
),

-- carepath/statistics/rates.csv says which count each rate divides; a segment that has no
-- row at a date of its count has a count of 0
counts as (
{% for pair in rates_of_counts() %}
    {%- set segment = dbt.string_literal(dbt.escape_single_quotes(pair.segment)) %}
    select
        authority,
        as_at_date,
        {{ dbt.string_literal(dbt.escape_single_quotes(pair.rate)) }} as measure,
        {{ dbt.string_literal(pair.code) }} as count_code,
        case when bool_or(segment = {{ segment }})
            then sum(numerator) filter (where segment = {{ segment }})
            else 0
        end::integer as numerator
    from {{ ref(pair.mart) }}
    where measure = {{ dbt.string_literal(dbt.escape_single_quotes(pair.measure)) }}
    group by authority, as_at_date
    {% if not loop.last %}union all{% endif %}
{% else %}
    select
        null::text as authority,
        null::date as as_at_date,
        null::text as measure,
        null::text as count_code,
        null::integer as numerator
    where false
{% endfor %}
),

-- the children at the last 30 June up to the date, as the Department divides. If that year
-- is not there, the latest of the three years before it
dated as (
    select
        counts.authority,
        counts.as_at_date,
        counts.measure,
        counts.count_code,
        counts.numerator,
        populations.population,
        populations.population_year,
        extract(year from counts.as_at_date)::integer
        - case when to_char(counts.as_at_date, 'MMDD') < '0630' then 1 else 0 end
            as wanted_year
    from counts
    left join lateral (
        select
            population,
            population_year
        from populations
        where
            populations.area_code = counts.authority
            and populations.population_date <= counts.as_at_date
            and populations.population_date > counts.as_at_date - interval '4 years'
        order by populations.population_date desc
        limit 1
    ) as populations on true
)

select
    authority,
    as_at_date,
    measure,
    'all' as segment,
    count_code,
    numerator,
    population::integer as denominator,
    population_year,
    round(numerator * 10000.0 / nullif(population, 0), 6) as rate,
    case
        when population is null then 'no population of mid-' || wanted_year || ' is loaded'
        when population = 0 then 'the population is 0'
        when population_year <> wanted_year
            then
                'population of mid-' || population_year || ', because that of mid-'
                || wanted_year || ' is not loaded'
    end as population_note
from dated
