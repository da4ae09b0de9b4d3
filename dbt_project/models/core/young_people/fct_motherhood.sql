-- grain: one row per young person who is known to be a mother
with

people as (
    select * from {{ ref('stg_person') }}
),

mothers as (
    select * from {{ ref('stg_mother') }}
),

-- a mother is recorded as one in their own record, or has a child recorded
evidence as (
    select
        authority,
        person_id,
        true as is_flagged,
        null as child_person_id,
        null::date as child_birth_date
    from people
    where is_mother and person_id is not null
    union all
    select
        authority,
        person_id,
        false as is_flagged,
        childs_person_id as child_person_id,
        childs_birth_date as child_birth_date
    from mothers
    where person_id is not null
)

select
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    bool_or(is_flagged) as is_flagged,
    count(*) filter (where not is_flagged) > 0 as has_child_recorded,
    (count(distinct coalesce(child_person_id, child_birth_date::text)))::integer
        as child_count,
    date_trunc('month', min(child_birth_date))::date as first_child_birth_month_date
from evidence
group by authority, person_id
