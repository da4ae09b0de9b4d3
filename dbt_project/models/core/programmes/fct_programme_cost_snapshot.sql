-- grain: one row per authority, programme that provides placements and report date
with

programmes as (
    select * from {{ ref('dim_programme') }}
),

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

programme_costs as (
    select * from {{ ref('fct_programme_costs') }}
),

placements as (
    select * from {{ ref('fct_programme_placement_snapshot') }}
),

placement_costs as (
    select * from {{ ref('fct_placement_costs') }}
),

all_placements as (
    select * from {{ ref('fct_placements') }}
),

unit_costs as (
    select * from {{ ref('dim_unit_cost') }}
),

-- an amount is spread evenly over the days of its period, including the report date
fixed as (
    select
        programme_costs.authority,
        programme_costs.programme_code,
        report_dates.report_date as as_at_date,
        sum(
            programme_costs.amount_gbp
            * (
                least(programme_costs.to_date, report_dates.report_date + 1)
                - programme_costs.from_date
            )
            / (programme_costs.to_date - programme_costs.from_date)
        ) as fixed_gbp,
        count(*) filter (
            where programme_costs.to_date is null or programme_costs.amount_gbp is null
        ) as unusable_cost_count
    from programme_costs
    inner join report_dates
        on
            programme_costs.authority = report_dates.authority
            and programme_costs.from_date <= report_dates.report_date
    group by
        programme_costs.authority, programme_costs.programme_code,
        report_dates.report_date
),

-- the days that a fixed cost pays for
paid as (
    select
        programme_costs.authority,
        programme_costs.programme_code,
        report_dates.report_date as as_at_date,
        range_agg(daterange(programme_costs.from_date, programme_costs.to_date))
            as paid_days
    from programme_costs
    inner join report_dates
        on
            programme_costs.authority = report_dates.authority
            and programme_costs.from_date <= report_dates.report_date
    where programme_costs.to_date is not null and programme_costs.amount_gbp is not null
    group by
        programme_costs.authority, programme_costs.programme_code,
        report_dates.report_date
),

-- a placement without a cost on some day is left out with all of its weeks
provided as (
    select
        authority,
        programme_code,
        as_at_date,
        count(*) as placement_count,
        count(*) filter (where uncosted_day_count > 0) as uncosted_placement_count,
        coalesce(sum(day_count) filter (where uncosted_day_count = 0), 0) as day_count,
        coalesce(sum(cost_gbp) filter (where uncosted_day_count = 0), 0)
            as placement_gbp,
        daterange(min(start_date), max(coalesce(end_date, as_at_date + 1)))
            as provided_days
    from placements
    group by authority, programme_code, as_at_date
),

-- what the authority itself pays on the report date for foster care outside programmes
own_foster as (
    select
        placement_costs.authority,
        report_dates.report_date as as_at_date,
        avg(placement_costs.weekly_cost_gbp) as foster_week_gbp,
        count(*) as foster_placement_count
    from placement_costs
    inner join all_placements
        on placement_costs.placement_key = all_placements.placement_key
    inner join report_dates
        on
            placement_costs.authority = report_dates.authority
            and placement_costs.from_date <= report_dates.report_date
            and report_dates.report_date < coalesce(placement_costs.to_date, 'infinity')
    where
        all_placements.placement_group = 'foster'
        and placement_costs.programme_code is null
        and placement_costs.weekly_cost_gbp > 0
    group by placement_costs.authority, report_dates.report_date
),

-- without any cost of a placement there is no row: the fixed costs alone would look
-- like a loss
costing as (
    select authority
    from placement_costs
    group by authority
),

programme_dates as (
    select
        report_dates.authority,
        programmes.programme_code,
        programmes.programme,
        report_dates.report_date as as_at_date,
        fixed.fixed_gbp,
        coalesce(fixed.unusable_cost_count, 0) as unusable_cost_count,
        provided.provided_days,
        paid.paid_days,
        coalesce(provided.placement_count, 0) as placement_count,
        coalesce(provided.uncosted_placement_count, 0) as uncosted_placement_count,
        coalesce(provided.day_count, 0) as day_count,
        coalesce(provided.placement_gbp, 0) as placement_gbp
    from report_dates
    cross join programmes
    left join fixed
        on
            report_dates.authority = fixed.authority
            and report_dates.report_date = fixed.as_at_date
            and programmes.programme_code = fixed.programme_code
    left join paid
        on
            report_dates.authority = paid.authority
            and report_dates.report_date = paid.as_at_date
            and programmes.programme_code = paid.programme_code
    left join provided
        on
            report_dates.authority = provided.authority
            and report_dates.report_date = provided.as_at_date
            and programmes.programme_code = provided.programme_code
    where
        provided.authority is not null
        or (
            programmes.programme_kind = 'placements'
            and fixed.authority in (select costing.authority from costing)
        )
)

select
    programme_dates.authority,
    programme_dates.programme_code,
    programme_dates.as_at_date,
    programme_dates.programme,
    trim_scale(programme_dates.fixed_gbp) as fixed_gbp,
    programme_dates.unusable_cost_count::integer as unusable_cost_count,
    case
        when programme_dates.fixed_gbp is not null
            then (
                select coalesce(sum(upper(days.gap) - lower(days.gap)), 0)
                from
                    unnest(
                        datemultirange(programme_dates.provided_days)
                        - programme_dates.paid_days
                    ) as days (gap)
            )
    end::integer as days_without_fixed_cost_count,
    programme_dates.placement_count::integer as placement_count,
    programme_dates.uncosted_placement_count::integer as uncosted_placement_count,
    programme_dates.day_count::integer as day_count,
    trim_scale(programme_dates.placement_gbp) as placement_gbp,
    residential.amount_gbp as residential_week_gbp,
    residential.source as residential_week_source,
    trim_scale(coalesce(own_foster.foster_week_gbp, foster.amount_gbp))
        as foster_week_gbp,
    case
        when own_foster.foster_week_gbp is null then foster.source
        else
            'mean of ' || own_foster.foster_placement_count
            || ' ordinary foster placements that day'
    end as foster_week_source
from programme_dates
left join unit_costs as residential
    on
        programme_dates.authority = residential.authority
        and programme_dates.as_at_date = residential.report_date
        and residential.unit_cost_code = 'RESIDENTIAL_WEEK'
left join unit_costs as foster
    on
        programme_dates.authority = foster.authority
        and programme_dates.as_at_date = foster.report_date
        and foster.unit_cost_code = 'FOSTER_WEEK'
left join own_foster
    on
        programme_dates.authority = own_foster.authority
        and programme_dates.as_at_date = own_foster.as_at_date
