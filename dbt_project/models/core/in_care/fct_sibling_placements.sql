-- grain: one row per looked-after child with a sibling looked after and report date
with

looked_after as (
    select * from {{ ref('fct_looked_after') }}
),

families as (
    select
        {{ surrogate_key(['authority', 'family_id']) }} as family_key,
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key
    from {{ ref('stg_family') }}
    where family_id is not null and person_id is not null
    group by authority, family_id, person_id
),

records as (
    select * from {{ ref('fct_placement_records') }}
    where left_out_reason is null
),

-- the postcode stays in this model; the rest of core knows who lives together
homes as (
    select
        {{ surrogate_key(['authority', 'record_key']) }} as source_placement_key,
        min({{ postcode('postcode') }}) as postcode
    from {{ ref('stg_cla_placement') }}
    group by authority, record_key
),

in_families as (
    select
        looked_after.authority,
        looked_after.as_at_date,
        looked_after.young_person_key,
        families.family_key,
        looked_after.placement_key
    from looked_after
    inner join families
        on looked_after.young_person_key = families.young_person_key
),

siblings as (
    select
        child.authority,
        child.as_at_date,
        child.young_person_key,
        child.placement_key,
        sibling.young_person_key as sibling_key,
        sibling.placement_key as sibling_placement_key
    from in_families as child
    inner join in_families as sibling
        on
            child.family_key = sibling.family_key
            and child.as_at_date = sibling.as_at_date
            and child.young_person_key <> sibling.young_person_key
    group by
        child.authority, child.as_at_date, child.young_person_key, child.placement_key,
        sibling.young_person_key, sibling.placement_key
),

-- a placement of several records has the postcode of the one in force on the date
located as (
    select
        children.as_at_date,
        children.young_person_key,
        homes.postcode
    from (
        select
            siblings.as_at_date,
            siblings.young_person_key,
            siblings.placement_key
        from siblings
        group by
            siblings.as_at_date, siblings.young_person_key, siblings.placement_key
    ) as children
    inner join records
        on
            children.placement_key = records.placement_key
            and children.as_at_date >= records.start_date
            and (records.end_date is null or children.as_at_date < records.end_date)
    inner join homes on records.source_placement_key = homes.source_placement_key
),

compared as (
    select
        siblings.authority,
        siblings.as_at_date,
        siblings.young_person_key,
        siblings.sibling_key,
        own.postcode = other.postcode as is_together
    from siblings
    left join located as own
        on
            siblings.young_person_key = own.young_person_key
            and siblings.as_at_date = own.as_at_date
    left join located as other
        on
            siblings.sibling_key = other.young_person_key
            and siblings.as_at_date = other.as_at_date
)

select
    young_person_key,
    authority,
    as_at_date,
    count(*)::integer as sibling_count,
    (count(*) filter (where is_together))::integer as together_count,
    (count(*) filter (where is_together is null))::integer as unknown_count
from compared
group by young_person_key, authority, as_at_date
