-- grain: one row per worker whom the source lists
with

professionals as (
    select * from {{ ref('stg_professionals') }}
),

latest as (
    select distinct on (authority, professional_id) *
    from professionals
    where professional_id is not null
    order by
        authority asc, professional_id asc, known_from desc, from_load desc,
        professionals::text desc
)

select
    {{ surrogate_key(['authority', 'professional_id']) }} as worker_key,
    authority,
    professional_id as worker_id,
    staff_id,
    professional_name as worker_name,
    registration_number
from latest
