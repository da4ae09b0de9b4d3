-- grain: one row per current record of local_placement_costs, with its placement's
-- person and its carer's time in the scheme
with

placement_costs as (
    select * from {{ ref('stg_placement_costs') }}
),

placement_records as (
    select * from {{ ref('stg_cla_placement') }}
),

-- one placement may have several records
placements as (
    select
        authority,
        placement_id,
        min(person_id) as person_id
    from placement_records
    where placement_id is not null
    group by authority, placement_id
),

-- a carer may be in several programmes
carers as (
    select
        authority,
        carer_id,
        min(recruited_date) as recruited_date,
        case when not bool_or(left_date is null) then max(left_date) end as left_date
    from {{ ref('stg_carers') }}
    where carer_id is not null
    group by authority, carer_id
)

select
    placement_costs.authority,
    placement_costs.record_key,
    placement_costs.placement_id,
    placement_costs.from_date,
    placement_costs.to_date,
    placement_costs.weekly_cost,
    placement_costs.programme_code,
    placement_costs.programme_sent,
    placement_costs.carer_id,
    placement_costs.period,
    placement_costs.known_from,
    placement_costs.from_load,
    placement_costs.sentinel_columns,
    placement_costs.unreadable_columns,
    placements.person_id,
    placements.placement_id is not null as is_known_placement,
    carers.recruited_date as carer_recruited_date,
    carers.left_date as carer_left_date
from placement_costs
left join placements
    on
        placement_costs.authority = placements.authority
        and placement_costs.placement_id = placements.placement_id
left join carers
    on
        placement_costs.authority = carers.authority
        and placement_costs.carer_id = carers.carer_id
