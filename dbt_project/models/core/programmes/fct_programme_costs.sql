-- grain: one row per programme, cost item and day from which an amount pays
with

costs as (
    select
        *,
        lower(cost_item) as item
    from {{ ref('stg_programme_costs') }}
    where
        programme_code is not null
        and cost_item is not null
        and period_start_date is not null
),

-- of several records with one key, the choice is the same every night
latest as (
    select distinct on (authority, programme_code, item, period_start_date) *
    from costs
    order by
        authority asc, programme_code asc, item asc, period_start_date asc,
        known_from desc, from_load desc, costs::text desc
)

select
    {{ surrogate_key([
        'authority', 'programme_code', 'item', 'period_start_date',
    ]) }} as programme_cost_key,
    authority,
    programme_code,
    item as cost_item,
    period_start_date as from_date,
    -- the source sends the last day; rule PROG-04 reports periods that end before they
    -- start
    case when period_end_date >= period_start_date then period_end_date + 1 end
        as to_date,
    coalesce(period_end_date < period_start_date, false) as has_reversed_dates,
    amount as amount_gbp
from latest
