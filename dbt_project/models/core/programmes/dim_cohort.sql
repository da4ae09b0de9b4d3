-- grain: one row per authority, programme and cohort
with

memberships as (
    select * from {{ ref('fct_programme_membership') }}
),

programmes as (
    select * from {{ ref('dim_programme') }}
),

cohorts as (
    select
        authority,
        programme_code,
        cohort,
        min(start_date) as first_start_date
    from memberships
    group by authority, programme_code, cohort
)

select
    {{ surrogate_key([
        'cohorts.authority', 'cohorts.programme_code', 'cohorts.cohort',
    ]) }} as cohort_key,
    cohorts.authority,
    cohorts.programme_code,
    programmes.programme,
    programmes.programme_kind,
    cohorts.cohort,
    cohorts.first_start_date
from cohorts
inner join programmes on cohorts.programme_code = programmes.programme_code
