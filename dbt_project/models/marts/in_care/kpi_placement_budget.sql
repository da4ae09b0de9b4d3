-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

placements as (
    select * from {{ ref('fct_placements') }}
),

placement_costs as (
    select * from {{ ref('fct_placement_costs') }}
),

-- an authority that delivers no costs has no figure, rather than 0 pounds
costing as (
    select authority
    from placement_costs
    group by authority
),

open_placements as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        placements.placement_key,
        placements.young_person_key,
        placements.placement_group,
        placement_costs.weekly_cost_gbp
    from report_dates
    inner join costing on report_dates.authority = costing.authority
    left join placements
        on
            report_dates.authority = placements.authority
            and report_dates.report_date >= placements.start_date
            and report_dates.report_date < coalesce(placements.end_date, 'infinity')
    left join placement_costs
        on
            placements.placement_key = placement_costs.placement_key
            and report_dates.report_date >= placement_costs.from_date
            and report_dates.report_date < coalesce(placement_costs.to_date, 'infinity')
),

placement_groups as (
    select 'all' as segment
    union all
    select placement_group as segment
    from placements
    where placement_group is not null
    group by placement_group
),

-- each open placement counts in its group and in the total
members as (
    select
        open_placements.authority,
        open_placements.as_at_date,
        'weekly cost of open placements' as measure,
        placement_groups.segment,
        open_placements.young_person_key,
        open_placements.weekly_cost_gbp,
        open_placements.placement_key is not null
        and placement_groups.segment in ('all', open_placements.placement_group)
            as is_member,
        case when open_placements.weekly_cost_gbp is null then 'cost not recorded' end
            as left_out_reason
    from open_placements
    cross join placement_groups
),

{{ people_are('members') }}
summed as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        coalesce(sum(weekly_cost_gbp) filter (where is_member), 0) as value,
        count(weekly_cost_gbp) filter (where is_member) as record_count,
        count(*) filter (where is_member and left_out_reason is not null)
            as left_out_count
    from members
    group by authority, as_at_date, measure, segment
)

select
    authority,
    as_at_date,
    measure,
    segment,
    value::numeric(16, 4) as value,
    'GBP' as unit,
    record_count::integer as record_count,
    left_out_count::integer as left_out_count,
    'cost not recorded: ' || nullif(left_out_count, 0) as left_out_reason,
    'placements without a recorded cost count as nothing' as assumption
from summed
