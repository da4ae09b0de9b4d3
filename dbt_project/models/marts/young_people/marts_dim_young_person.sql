-- grain: one row per young person ever known
with

young_people as (
    select * from {{ ref('dim_young_person') }}
)

select
    young_person_key,
    authority,
    sex_code,
    gender_code,
    ethnicity_code,
    is_current,
    has_several_records
from young_people
