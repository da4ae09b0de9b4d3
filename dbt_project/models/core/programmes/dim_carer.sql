-- grain: one row per carer and programme to which the carer was recruited
with

carers as (
    select * from {{ ref('stg_carers') }}
    where carer_id is not null and programme_code is not null
),

-- of several records with one key, the choice is the same every night
latest as (
    select distinct on (authority, carer_id, programme_code) *
    from carers
    order by
        authority asc, carer_id asc, programme_code asc,
        known_from desc, from_load desc, carers::text desc
)

select
    {{ surrogate_key(['authority', 'carer_id']) }} as carer_key,
    programme_code,
    authority,
    recruited_date,
    -- rule PROG-05 reports carers who leave before they join; when they left is not
    -- known
    case
        when left_date >= recruited_date or recruited_date is null then left_date
    end as left_date,
    coalesce(left_date < recruited_date, false) as has_reversed_dates,
    training_status_code
from latest
