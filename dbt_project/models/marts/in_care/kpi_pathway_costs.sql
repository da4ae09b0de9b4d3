-- grain: one row per authority, report date, measure and segment
with

snapshot as (
    select * from {{ ref('fct_programme_cost_snapshot') }}
),

placements as (
    select * from {{ ref('fct_programme_placement_snapshot') }}
),

programme_costs as (
    select * from {{ ref('fct_programme_costs') }}
),

totals as (
    select
        *,
        day_count / 7.0 as week_count,
        fixed_gbp + placement_gbp as total_gbp,
        day_count / 7.0 * residential_week_gbp as avoided_gbp,
        placement_count - uncosted_placement_count as costed_count,
        uncosted_placement_count + unusable_cost_count as any_left_out_count,
        'placement without a cost on some day: ' || nullif(uncosted_placement_count, 0)
            as uncosted,
        nullif(
            concat_ws(
                '; ',
                'amount or period not readable: ' || nullif(unusable_cost_count, 0),
                'days without a fixed cost: '
                || nullif(days_without_fixed_cost_count, 0)
            ),
            ''
        ) as unpaid,
        residential_week_source || ' (' || {{ pounds('residential_week_gbp') }}
        || ' a week)' as residential_week
    from snapshot
),

whole as (
    select
        authority,
        as_at_date,
        measures.measure,
        programme as segment,
        measures.value,
        measures.unit,
        costed_count as record_count,
        measures.left_out_count,
        measures.left_out_reason,
        measures.missing,
        measures.assumption
    from totals
    cross join
        lateral (
            values
            (
                'fixed costs', fixed_gbp, 'GBP', unusable_cost_count,
                unpaid, 'no fixed costs recorded',
                'each amount is spent evenly over its period'
            ),
            (
                'placement costs', placement_gbp, 'GBP', uncosted_placement_count,
                uncosted, null,
                'days in placement / 7 x weekly cost; the report date is a day'
            ),
            (
                'total costs', total_gbp, 'GBP', any_left_out_count,
                nullif(concat_ws('; ', uncosted, unpaid), ''),
                'no fixed costs recorded', null
            ),
            (
                'weeks in placement', week_count, 'weeks', uncosted_placement_count,
                uncosted, null,
                'days / 7; the report date is a day'
            ),
            (
                'costs avoided', avoided_gbp, 'GBP', uncosted_placement_count,
                uncosted, 'no cost of residential care known',
                'every child would otherwise have been in residential care for the'
                || ' whole time: ' || residential_week
            ),
            (
                'net saving', avoided_gbp - total_gbp, 'GBP', any_left_out_count,
                nullif(concat_ws('; ', uncosted, unpaid), ''),
                'no fixed costs or no cost of residential care known',
                'as costs avoided; kpi_pathway_sensitivity shows other assumptions'
            )
        ) as measures (
            measure, value, unit, left_out_count, left_out_reason, missing, assumption
        )
),

items as (
    select
        snapshot.authority,
        snapshot.as_at_date,
        'fixed costs: ' || programme_costs.cost_item as measure,
        snapshot.programme as segment,
        sum(
            programme_costs.amount_gbp
            * (
                least(programme_costs.to_date, snapshot.as_at_date + 1)
                - programme_costs.from_date
            )
            / (programme_costs.to_date - programme_costs.from_date)
        ) as value,
        'GBP' as unit,
        count(*) as record_count,
        count(*) filter (
            where programme_costs.to_date is null or programme_costs.amount_gbp is null
        ) as left_out_count,
        'amount or period not readable: ' || nullif(
            count(*) filter (
                where
                programme_costs.to_date is null or programme_costs.amount_gbp is null
            ),
            0
        ) as left_out_reason,
        'no amount readable' as missing,
        'each amount is spent evenly over its period' as assumption
    from snapshot
    inner join programme_costs
        on
            snapshot.authority = programme_costs.authority
            and snapshot.programme_code = programme_costs.programme_code
            and snapshot.as_at_date >= programme_costs.from_date
    group by
        snapshot.authority, snapshot.as_at_date, snapshot.programme,
        programme_costs.cost_item
),

weekly as (
    select
        snapshot.authority,
        snapshot.as_at_date,
        'mean weekly cost of a placement' as measure,
        snapshot.programme || ', ' || states.state as segment,
        avg(placements.mean_weekly_cost_gbp) as value,
        'GBP' as unit,
        count(placements.mean_weekly_cost_gbp) as record_count,
        count(*) filter (where placements.uncosted_day_count > 0) as left_out_count,
        'placement without a cost on some day: '
        || nullif(count(*) filter (where placements.uncosted_day_count > 0), 0)
            as left_out_reason,
        'no such placement' as missing,
        'each placement counts once, at its own cost by weeks so far' as assumption
    from snapshot
    cross join
        lateral (
            values
            ('current placements', true),
            ('ended placements', false)
        ) as states (state, is_ongoing)
    left join placements
        on
            snapshot.authority = placements.authority
            and snapshot.programme_code = placements.programme_code
            and snapshot.as_at_date = placements.as_at_date
            and states.is_ongoing = placements.is_ongoing
    group by
        snapshot.authority, snapshot.as_at_date, snapshot.programme, states.state
),

measured as (
    select * from whole
    union all
    select * from items
    union all
    select * from weekly
)

select
    authority,
    as_at_date,
    measure,
    segment,
    round(value, 4)::numeric(16, 4) as value,
    unit,
    record_count::integer as record_count,
    left_out_count::integer as left_out_count,
    coalesce(left_out_reason, case when value is null then missing end)
        as left_out_reason,
    assumption
from measured
