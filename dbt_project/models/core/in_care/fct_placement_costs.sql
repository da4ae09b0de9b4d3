-- grain: one row per placement and time at one weekly cost
{{ config(materialized='kept') }}
with

costs as (
    select
        authority,
        {{ surrogate_key(['authority', 'placement_id']) }} as source_placement_key,
        from_date,
        to_date,
        weekly_cost as weekly_cost_gbp,
        programme_code,
        carer_id
    from {{ ref('stg_placement_costs') }}
    where
        placement_id is not null
        and from_date is not null
        and (to_date is null or to_date > from_date)
),

placements as (
    select * from {{ touched(ref('fct_placement_records')) }}
    where left_out_reason is null
),

preferred as (
    select
        *,
        row_number() over (
            partition by source_placement_key, from_date
            order by
                to_date desc nulls last, weekly_cost_gbp desc nulls last,
                programme_code asc, carer_id asc
        ) as preference
    from costs
    where
        source_placement_key in (select placements.source_placement_key from placements)
),

-- a new cost ends the one before
in_order as (
    select
        *,
        lead(from_date) over (
            partition by source_placement_key order by from_date
        ) as next_from_date
    from preferred
    where preference = 1
),

clipped as (
    select
        placements.placement_key,
        placements.young_person_key,
        placements.authority,
        greatest(in_order.from_date, placements.start_date) as from_date,
        least(in_order.to_date, in_order.next_from_date, placements.end_date)
            as to_date,
        in_order.weekly_cost_gbp,
        in_order.programme_code,
        in_order.carer_id
    from in_order
    inner join placements
        on in_order.source_placement_key = placements.source_placement_key
)

select
    {{ surrogate_key(['placement_key::text', 'from_date']) }} as placement_cost_key,
    placement_key,
    young_person_key,
    authority,
    from_date,
    to_date,
    weekly_cost_gbp,
    programme_code,
    {{ surrogate_key(['authority', 'carer_id']) }} as carer_key
from clipped
where to_date is null or to_date > from_date
