-- grain: one row per placement, programme that provides it and report date
{{ config(materialized='kept') }}
with

costs as (
    select * from {{ ref('fct_placement_costs') }}
    where programme_code is not null
),

placements as (
    select * from {{ ref('fct_placements') }}
),

report_dates as (
    select
        authority,
        report_date
    from {{ ref('dim_report_date') }}
),

programmes as (
    select * from {{ ref('bridge_authority_programme') }}
),

-- a programme provides a placement from the first day to the last day that the
-- programme's cost is recorded
provided as (
    select
        authority,
        placement_key,
        young_person_key,
        programme_code,
        min(from_date) as start_date,
        case when bool_and(to_date is not null) then max(to_date) end as end_date
    from costs
    group by authority, placement_key, young_person_key, programme_code
),

-- the report date itself is a day in placement
to_date as (
    select
        provided.placement_key,
        provided.programme_code,
        report_dates.report_date as as_at_date,
        least(
            coalesce(provided.end_date, report_dates.report_date + 1),
            report_dates.report_date + 1
        ) - provided.start_date as day_count
    from provided
    inner join report_dates
        on
            provided.authority = report_dates.authority
            and provided.start_date <= report_dates.report_date
            and {{ is_due('report_dates', 'provided.young_person_key') }}
),

costed as (
    select
        to_date.placement_key,
        to_date.programme_code,
        to_date.as_at_date,
        sum(days.day_count) as costed_day_count,
        sum(days.day_count * costs.weekly_cost_gbp) / 7 as cost_gbp
    from to_date
    inner join costs
        on
            to_date.placement_key = costs.placement_key
            and to_date.programme_code = costs.programme_code
            and to_date.as_at_date >= costs.from_date
    cross join
        lateral (
            values (
                least(
                    coalesce(costs.to_date, to_date.as_at_date + 1),
                    to_date.as_at_date + 1
                ) - costs.from_date
            )
        ) as days (day_count)
    where costs.weekly_cost_gbp > 0
    group by to_date.placement_key, to_date.programme_code, to_date.as_at_date
)

select
    to_date.placement_key,
    to_date.programme_code,
    to_date.as_at_date,
    provided.authority,
    provided.young_person_key,
    provided.start_date,
    case when provided.end_date <= to_date.as_at_date then provided.end_date end
        as end_date,
    coalesce(provided.end_date > to_date.as_at_date, true) as is_ongoing,
    case
        when provided.end_date > to_date.as_at_date or provided.end_date is null
            then null
        when provided.end_date = placements.end_date then placements.destination
        else 'same placement without the programme'
    end as destination,
    case
        when
            provided.end_date <= to_date.as_at_date
            and provided.end_date = placements.end_date
            then placements.is_planned_end
    end as is_planned_end,
    programmes.programme_start_date,
    extract(
        year from age(provided.start_date, programmes.programme_start_date)
    )::integer + 1 as programme_year,
    provided.start_date + interval '1 year' <= to_date.as_at_date as is_over_a_year,
    to_date.day_count::integer as day_count,
    (to_date.day_count - coalesce(costed.costed_day_count, 0))::integer
        as uncosted_day_count,
    trim_scale(coalesce(costed.cost_gbp, 0)) as cost_gbp,
    case
        when to_date.day_count = costed.costed_day_count
            then trim_scale(costed.cost_gbp * 7 / nullif(to_date.day_count, 0))
    end as mean_weekly_cost_gbp
from to_date
inner join provided
    on
        to_date.placement_key = provided.placement_key
        and to_date.programme_code = provided.programme_code
inner join programmes
    on
        provided.authority = programmes.authority
        and provided.programme_code = programmes.programme_code
left join costed
    on
        to_date.placement_key = costed.placement_key
        and to_date.programme_code = costed.programme_code
        and to_date.as_at_date = costed.as_at_date
left join placements on provided.placement_key = placements.placement_key
