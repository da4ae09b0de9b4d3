-- grain: one row per authority, report date, measure and segment
with

snapshot as (
    select
        *,
        day_count / 7.0 as week_count,
        fixed_gbp + placement_gbp as total_gbp,
        nullif(
            concat_ws(
                '; ',
                'placement without a cost on some day: '
                || nullif(uncosted_placement_count, 0),
                'amount or period not readable: ' || nullif(unusable_cost_count, 0),
                'days without a fixed cost: '
                || nullif(days_without_fixed_cost_count, 0)
            ),
            ''
        ) as left_out_reason
    from {{ ref('fct_programme_cost_snapshot') }}
),

sensitivity_values as (
    select * from {{ ref('sensitivity_values') }}
),

residential_shares as (
    select value as residential_share from sensitivity_values
    where assumption = 'residential share'
),

-- the seed's weekly costs, and the cost that applies to the authority
residential_weeks as (
    select
        snapshot.authority,
        snapshot.programme_code,
        snapshot.as_at_date,
        sensitivity_values.value as residential_week_gbp
    from snapshot
    inner join sensitivity_values
        on sensitivity_values.assumption = 'residential week'
    union
    select
        authority,
        programme_code,
        as_at_date,
        residential_week_gbp
    from snapshot
    where residential_week_gbp is not null
),

scenarios as (
    select
        snapshot.*,
        residential_weeks.residential_week_gbp as assumed_week_gbp,
        {{ pounds('residential_weeks.residential_week_gbp') }} as assumed_week,
        'ordinary foster care at ' || {{ pounds('snapshot.foster_week_gbp') }}
        || ' a week (' || snapshot.foster_week_source || ')' as foster_care
    from snapshot
    inner join residential_weeks
        on
            snapshot.authority = residential_weeks.authority
            and snapshot.programme_code = residential_weeks.programme_code
            and snapshot.as_at_date = residential_weeks.as_at_date
),

net_savings as (
    select
        scenarios.*,
        residential_shares.residential_share,
        'net saving' as measure,
        scenarios.programme || ': ' || round(100 * residential_shares.residential_share)
        || ' % residential at ' || scenarios.assumed_week as segment,
        -- without a cost of foster care, only full residential care can be valued
        scenarios.week_count * (
            residential_shares.residential_share * scenarios.assumed_week_gbp
            + case
                when residential_shares.residential_share < 1
                    then
                        (1 - residential_shares.residential_share)
                        * scenarios.foster_week_gbp
                else 0
            end
        ) - scenarios.total_gbp as value,
        'GBP' as unit,
        case
            when scenarios.total_gbp is null then 'no fixed costs recorded'
            else 'no cost of ordinary foster care known'
        end as missing,
        round(100 * residential_shares.residential_share)
        || ' % of the weeks would otherwise have been in residential care at '
        || scenarios.assumed_week || ' a week'
        || case
            when residential_shares.residential_share < 1
                then
                    ', the rest in '
                    || coalesce(
                        scenarios.foster_care, 'ordinary foster care of unknown cost'
                    )
            else ''
        end as assumption
    from scenarios
    cross join residential_shares
),

-- the share at which the programme avoids as much as it costs
break_even_shares as (
    select
        scenarios.*,
        null::numeric as residential_share,
        'break-even residential share' as measure,
        scenarios.programme || ': residential at ' || scenarios.assumed_week
            as segment,
        case
            when scenarios.assumed_week_gbp > scenarios.foster_week_gbp
                then
                    (
                        scenarios.total_gbp / nullif(scenarios.week_count, 0)
                        - scenarios.foster_week_gbp
                    )
                    / (scenarios.assumed_week_gbp - scenarios.foster_week_gbp)
        end as value,
        'share' as unit,
        case
            when scenarios.total_gbp is null then 'no fixed costs recorded'
            when scenarios.week_count = 0 then 'no weeks in placement'
            when scenarios.foster_week_gbp is null
                then 'no cost of ordinary foster care known'
            else 'residential care costs no more than ordinary foster care'
        end as missing,
        'residential care at ' || scenarios.assumed_week || ' a week, the rest in '
        || coalesce(scenarios.foster_care, 'ordinary foster care of unknown cost')
        || '; above 1 the programme costs more at any share, below 0 less'
            as assumption
    from scenarios
),

measured as (
    select * from net_savings
    union all
    select * from break_even_shares
)

select
    authority,
    as_at_date,
    measure,
    segment,
    round(value, 4)::numeric(16, 4) as value,
    unit,
    placement_count - uncosted_placement_count as record_count,
    uncosted_placement_count + unusable_cost_count as left_out_count,
    nullif(
        concat_ws('; ', case when value is null then missing end, left_out_reason), ''
    ) as left_out_reason,
    assumption,
    programme_code,
    residential_share,
    assumed_week_gbp as residential_week_gbp
from measured
