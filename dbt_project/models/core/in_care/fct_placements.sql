-- grain: one row per young person and placement within a period of care
{{ config(materialized='kept') }}
with

records as (
    select * from {{ touched(ref('fct_placement_records')) }}
    where left_out_reason is null
),

care_periods as (
    select * from {{ touched(ref('fct_care_periods')) }}
),

costs as (
    select * from {{ touched(ref('fct_placement_costs')) }}
),

placement_types as (
    select * from {{ ref('dim_placement_type') }}
),

ends as (
    select * from {{ ref('ends_of_placement') }}
),

spells as (
    select
        placement_key,
        care_period_key,
        young_person_key,
        authority,
        placement_number,
        min(start_date) as start_date,
        case when not bool_or(end_date is null) then max(end_date) end as end_date,
        min(placement_type_code) as placement_type_code,
        min(provider_urn) as provider_urn,
        (array_agg(provider_code order by start_date desc))[1] as provider_code,
        (
            array_agg(distance_miles order by start_date desc)
            filter (where distance_miles is not null)
        )[1] as distance_miles,
        (
            array_agg(is_in_area order by start_date desc)
            filter (where is_in_area is not null)
        )[1] as is_in_area,
        (array_agg(change_reason_code order by start_date desc))[1]
            as change_reason_code,
        count(*) as record_count,
        bool_or(is_cut_to_care) as is_cut_to_care,
        bool_or(is_overlap_clipped) as is_overlap_clipped,
        bool_or(is_open_end_closed) as is_open_end_closed
    from records
    group by
        placement_key, care_period_key, young_person_key, authority, placement_number
),

latest_costs as (
    select distinct on (placement_key) *
    from costs
    order by placement_key asc, from_date desc
),

compared as (
    select
        spells.*,
        coalesce(placement_types.placement_group, 'other') as placement_group,
        placement_types.destination as destination_of_type,
        coalesce(placement_types.is_temporary, false) as is_temporary,
        lag(spells.placement_number) over home_order as previous_number,
        lag(spells.placement_type_code) over home_order as previous_type_code,
        lag(spells.provider_urn) over home_order as previous_provider_urn
    from spells
    left join placement_types
        on spells.placement_type_code = placement_types.placement_type_code
    window home_order as (
        partition by
            spells.care_period_key, coalesce(placement_types.is_temporary, false)
        order by spells.placement_number
    )
),

-- a return from a temporary absence to the same home does not count as a new home
returns as (
    select
        *,
        not is_temporary
        and previous_number < placement_number - 1
        and placement_type_code = previous_type_code
        and provider_urn = previous_provider_urn as is_return
    from compared
),

homes as (
    select
        *,
        count(*) filter (where not is_temporary and is_return is not true) over (
            partition by care_period_key order by placement_number
        ) as home_number,
        lead(destination_of_type) over (
            partition by care_period_key order by placement_number
        ) as next_destination
    from returns
),

-- DfE counts a placement for adoption and the home before it as one
settled as (
    select
        *,
        min(start_date) over (partition by care_period_key, home_number)
            as home_start_date
    from homes
),

previous_homes as (
    select
        *,
        lag(home_start_date) over (
            partition by care_period_key order by placement_number
        ) as previous_home_start_date
    from settled
)

select
    previous_homes.placement_key,
    previous_homes.care_period_key,
    previous_homes.young_person_key,
    previous_homes.authority,
    previous_homes.placement_number::integer as placement_number,
    previous_homes.home_number::integer as home_number,
    previous_homes.start_date,
    previous_homes.end_date,
    previous_homes.end_date - previous_homes.start_date as day_count,
    case
        when previous_homes.placement_group = 'adoptive'
            then
                coalesce(
                    previous_homes.previous_home_start_date,
                    previous_homes.home_start_date
                )
        else previous_homes.home_start_date
    end as settled_from_date,
    previous_homes.placement_type_code,
    previous_homes.placement_group,
    previous_homes.is_temporary,
    not previous_homes.is_temporary
    and previous_homes.is_return is not true
    and previous_homes.home_number > 1 as is_move,
    previous_homes.provider_code,
    {{ provider_key(
        'previous_homes.authority', 'previous_homes.provider_urn',
        'previous_homes.provider_code',
    ) }} as provider_key,
    previous_homes.distance_miles,
    previous_homes.distance_miles > 20 as is_over_20_miles,
    previous_homes.is_in_area,
    previous_homes.change_reason_code,
    case
        when previous_homes.end_date is not null
            then
                coalesce(
                    reasons_of_change.is_planned,
                    case
                        when previous_homes.end_date = care_periods.end_date
                            then reasons_of_end.is_planned
                    end
                )
    end as is_planned_end,
    case
        when previous_homes.end_date = care_periods.end_date
            then reasons_of_end.destination
        else previous_homes.next_destination
    end as destination,
    coalesce(previous_homes.end_date = care_periods.end_date, false) as is_end_of_care,
    latest_costs.weekly_cost_gbp,
    latest_costs.programme_code,
    latest_costs.carer_key,
    previous_homes.record_count::integer as record_count,
    previous_homes.is_cut_to_care,
    previous_homes.is_overlap_clipped,
    previous_homes.is_open_end_closed
from previous_homes
inner join care_periods
    on previous_homes.care_period_key = care_periods.care_period_key
left join latest_costs on previous_homes.placement_key = latest_costs.placement_key
left join ends as reasons_of_change
    on
        previous_homes.change_reason_code = reasons_of_change.code
        and reasons_of_change.code_list = 'placement_change_reason'
left join ends as reasons_of_end
    on
        care_periods.end_reason_code = reasons_of_end.code
        and reasons_of_end.code_list = 'episode_end_reason'
