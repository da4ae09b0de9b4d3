-- grain: one row per carer and programme to which the carer was recruited
with

carers as (
    select * from {{ ref('dim_carer') }}
)

select
    carer_key,
    programme_code,
    authority,
    recruited_date,
    left_date,
    has_reversed_dates,
    training_status_code
from carers
