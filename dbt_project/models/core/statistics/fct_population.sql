-- grain: one row per year, area, sex, ethnic group and ages
with

populations as (
    select * from {{ ref('stg_statistics_populations') }}
)

-- two files can have the same number; the one that was added last counts
select distinct on (population_year, area_code, sex, ethnic_group, age_from, age_to)
    population_year,
    area_code,
    sex,
    ethnic_group,
    age_from,
    age_to,
    population
from populations
order by
    population_year asc, area_code asc, sex asc, ethnic_group asc, age_from asc,
    age_to asc, file_id desc
