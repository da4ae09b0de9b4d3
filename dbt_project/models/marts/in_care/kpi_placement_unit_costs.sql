-- grain: one row per authority, report date, measure and segment
with

deliveries as (
    select distinct authority from {{ ref('fct_placement_costs') }}
),

-- the cost of a week rests on 12 months, and the spend begins again on 1 April
report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
        measures.measure,
        measures.first_date
    from {{ ref('dim_report_date') }} as report_dates
    inner join deliveries on report_dates.authority = deliveries.authority
    cross join
        lateral (
            values
            (
                'cost of a child''s week in 12 months',
                {{ first_day_of_period('report_dates.report_date', 12) }}
            ),
            (
                'spend in the financial year',
                (
                    date_trunc('year', report_dates.report_date - interval '3 months')
                    + interval '3 months'
                )::date
            )
        ) as measures (measure, first_date)
),

placements as (
    select * from {{ ref('fct_placements') }}
),

costs as (
    select * from {{ ref('fct_placement_costs') }}
    where weekly_cost_gbp is not null
),

placement_groups as (
    select 'all' as segment
    union all
    select placement_group as segment
    from {{ ref('dim_placement_type') }}
    group by placement_group
),

-- the date itself is a day in the placement
open_placements as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        report_dates.measure,
        report_dates.first_date,
        placements.placement_key,
        placements.young_person_key,
        placements.placement_group
    from report_dates
    left join placements
        on
            report_dates.authority = placements.authority
            and report_dates.report_date >= placements.start_date
            and (
                placements.end_date is null
                or report_dates.first_date < placements.end_date
            )
),

paid as (
    select
        open_placements.as_at_date,
        open_placements.measure,
        open_placements.placement_key,
        sum(
            least(costs.to_date, open_placements.as_at_date + 1)
            - greatest(costs.from_date, open_placements.first_date)
        ) as day_count,
        sum(
            (
                least(costs.to_date, open_placements.as_at_date + 1)
                - greatest(costs.from_date, open_placements.first_date)
            ) * costs.weekly_cost_gbp / 7
        ) as spend_gbp
    from open_placements
    inner join costs
        on
            open_placements.placement_key = costs.placement_key
            and open_placements.as_at_date >= costs.from_date
            and (
                costs.to_date is null or open_placements.first_date < costs.to_date
            )
    group by
        open_placements.as_at_date, open_placements.measure,
        open_placements.placement_key
),

members as (
    select
        open_placements.authority,
        open_placements.as_at_date,
        open_placements.measure,
        placement_groups.segment,
        open_placements.young_person_key,
        open_placements.placement_key is not null
        and placement_groups.segment in ('all', open_placements.placement_group)
            as is_member,
        paid.spend_gbp,
        paid.day_count / 7.0 as week_count,
        case when paid.placement_key is null then 'cost not recorded' end
            as left_out_reason
    from open_placements
    cross join placement_groups
    left join paid
        on
            open_placements.placement_key = paid.placement_key
            and open_placements.as_at_date = paid.as_at_date
            and open_placements.measure = paid.measure
),

{{ people_are('members') }}
summed as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        coalesce(sum(spend_gbp) filter (where is_member), 0) as spend_gbp,
        sum(week_count) filter (where is_member) as week_count,
        count(*) filter (where is_member and left_out_reason is null)
            as record_count,
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
    case
        when measure = 'spend in the financial year' then spend_gbp
        else spend_gbp / nullif(week_count, 0)
    end::numeric(16, 4) as value,
    'GBP' as unit,
    record_count::integer as record_count,
    left_out_count::integer as left_out_count,
    'cost not recorded: ' || nullif(left_out_count, 0) as left_out_reason,
    case
        when measure = 'spend in the financial year'
            then 'placements without a recorded cost count as nothing'
        else 'days without a recorded cost do not count'
    end as assumption
from summed
