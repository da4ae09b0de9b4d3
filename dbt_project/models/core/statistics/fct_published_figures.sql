-- grain: one row per published figure, year and area
with

measures as (
    select * from {{ ref('published_measures') }}
),

lines as (
    select * from {{ ref('stg_statistics_rows') }}
),

populations as (
    select
        population_year,
        area_code,
        population
    from {{ ref('fct_population') }}
    where sex = 'all' and ethnic_group = 'all' and age_from = 0 and age_to = 17
),

areas as (
    select * from {{ ref('dim_statistical_area') }}
),

found as (
    select
        measures.figure_code,
        measures.title,
        measures.official_codes,
        measures.statistic,
        measures.data_set,
        measures.value_column is null as is_computed,
        (
            make_date(lines.time_period, measures.year_end_month, 1)
            + interval '1 month' - interval '1 day'
        )::date as year_end_date,
        -- of the last 30 June in the year; null where the Department has divided itself
        case
            when measures.value_column is null
                then
                    lines.time_period
                    - case when measures.year_end_month < 6 then 1 else 0 end
        end as population_year,
        lines.time_period,
        lines.geographic_level,
        lines.area_code,
        lines.cells ->> measures.value_column as value_text,
        lines.cells ->> measures.numerator_column as numerator_text,
        lines.cells ->> measures.denominator_column as denominator_text
    from measures
    inner join lines
        on
            measures.data_set = lines.data_set
            and (
                measures.filter_1_column is null
                or lines.cells ->> measures.filter_1_column = measures.filter_1_value
            )
            and (
                measures.filter_2_column is null
                or lines.cells ->> measures.filter_2_column = measures.filter_2_value
            )
),

-- a symbol stands for no number
numbered as materialized (
    select
        *,
        case when value_text ~ '^-?[0-9.]*[0-9]$' then value_text::numeric end
            as published_value,
        case when numerator_text ~ '^-?[0-9.]*[0-9]$' then numerator_text::numeric end
            as numerator,
        case
            when denominator_text ~ '^-?[0-9.]*[0-9]$' then denominator_text::numeric
        end as published_denominator
    from found
),

-- the Department divides the figures of a year to 31 March by the children at the
-- 30 June before it
divided as (
    select
        numbered.*,
        case
            when numbered.is_computed then populations.population
            else numbered.published_denominator
        end as denominator
    from numbered
    left join populations
        on
            numbered.area_code = populations.area_code
            and numbered.population_year = populations.population_year
)

select
    divided.figure_code,
    divided.time_period as year,
    divided.area_code,
    divided.title,
    divided.official_codes,
    divided.statistic,
    divided.data_set,
    divided.year_end_date,
    divided.geographic_level,
    areas.area_name,
    areas.region_code,
    round(
        case
            when divided.is_computed
                then divided.numerator * 10000 / nullif(divided.denominator, 0)
            when divided.statistic = 'share' then divided.published_value / 100
            else divided.published_value
        end, 6
    ) as published_value,
    divided.numerator,
    divided.denominator,
    divided.is_computed,
    case
        when divided.is_computed and divided.numerator is null
            then coalesce(divided.numerator_text, 'blank')
        when divided.is_computed and divided.denominator is null then 'no population'
        when not divided.is_computed and divided.published_value is null
            then coalesce(nullif(divided.value_text, ''), 'blank')
    end as symbol
from divided
inner join areas on divided.area_code = areas.area_code
