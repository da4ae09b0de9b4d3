-- grain: one row per published figure, year and area
with

figures as (
    select * from {{ ref('fct_published_figures') }}
)

select
    figure_code,
    year,
    area_code,
    title,
    official_codes,
    statistic,
    data_set,
    year_end_date,
    geographic_level,
    area_name,
    region_code,
    published_value,
    numerator,
    denominator,
    is_computed,
    symbol
from figures
