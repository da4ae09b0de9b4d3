-- grain: one row per file, year, area, sex, ethnic group and ages
select
    file_id,
    population_year,
    area_code,
    sex,
    ethnic_group,
    age_from,
    age_to,
    population
from {{ source('ops', 'statistics_populations') }}
