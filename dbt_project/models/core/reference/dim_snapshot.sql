-- grain: one row per authority and snapshot date
with

loads as (
    select * from {{ ref('dim_load') }}
),

cutoffs as (
    select * from {{ ref('stg_cutoffs') }}
),

-- a load whose figures gate 2 held makes no snapshot, or they would be published a
-- night late
held_figures as (
    select distinct on (authority, load_id) *
    from {{ ref('stg_gate_runs') }}
    where gate = 2
    order by authority asc, load_id asc, gate_run_id desc
),

-- what a rule falsifies is left out of past snapshots too
falsifying_rules as (
    select
        string_agg(
            rule_id || ' ' || array_to_string(falsifies, ' '), ', ' order by rule_id
        ) as said
    from {{ ref('stg_rules') }}
    where falsifies <> '{}'
),

published_dates as (
    select * from {{ ref('published_snapshot_dates') }}
),

-- The cut-off is the last load that gate 1 accepted. Earlier loads count if gate 1
-- accepted them and gate 2 did not hold their figures. A past state is shown as it was
-- known, whether the gates accepted the load or not.
accepted_loads as (
    select
        loads.authority,
        loads.night,
        max(loads.load_id) as load_id
    from loads
    left join cutoffs on loads.authority = cutoffs.authority
    left join held_figures
        on
            loads.authority = held_figures.authority
            and loads.load_id = held_figures.load_id
    where
        loads.night <= {{ past_day() }}
        or (
            {{ past_day() }} is null
            and loads.load_id <= cutoffs.load_id
            and (
                loads.load_id = cutoffs.load_id
                or (
                    loads.gate_run_id is not null
                    and loads.is_accepted
                    and held_figures.decision is distinct from 'hold'
                )
            )
        )
    group by loads.authority, loads.night
),

latest_nights as (
    select
        authority,
        max(night) as night
    from accepted_loads
    group by authority
),

candidates as (
    select
        authority,
        (date_trunc('month', night) + interval '1 month - 1 day')::date
            as snapshot_date,
        night,
        true as is_month_end,
        false as is_published_date
    from accepted_loads
    union all
    select
        authority,
        snapshot_date,
        null as night,
        false as is_month_end,
        true as is_published_date
    from published_dates
    union all
    select
        authority,
        night as snapshot_date,
        night,
        false as is_month_end,
        false as is_published_date
    from latest_nights
),

-- a month end counts when a load came in the seven days up to it
snapshot_dates as (
    select
        candidates.authority,
        candidates.snapshot_date,
        latest_nights.night as latest_night,
        bool_or(candidates.is_month_end) as is_month_end,
        bool_or(candidates.is_published_date) as is_published_date
    from candidates
    inner join latest_nights on candidates.authority = latest_nights.authority
    where
        candidates.snapshot_date <= latest_nights.night
        and (
            not candidates.is_month_end
            or candidates.snapshot_date - candidates.night < 7
        )
    group by candidates.authority, candidates.snapshot_date, latest_nights.night
)

select
    snapshot_dates.authority,
    snapshot_dates.snapshot_date,
    snapshot_dates.is_month_end,
    snapshot_dates.is_published_date,
    snapshot_dates.snapshot_date = snapshot_dates.latest_night as is_latest,
    known_load.load_id,
    known_load.night as known_night,
    loads.gate_run_id,
    hashtextextended(
        concat_ws(
            '|', known_load.load_id, known_load.night, loads.gate_run_id,
            falsifying_rules.said, loads_before.said
        ),
        0
    ) as basis_hash
from snapshot_dates
cross join falsifying_rules
cross join
    lateral (
        select
            accepted_loads.load_id,
            accepted_loads.night
        from accepted_loads
        where
            accepted_loads.authority = snapshot_dates.authority
            and accepted_loads.night <= snapshot_dates.snapshot_date
        order by accepted_loads.night desc
        limit 1
    ) as known_load
-- moves between loads also depend on the loads before
cross join
    lateral (
        select string_agg(earlier.load_id::text, ' ' order by earlier.load_id) as said
        from loads as earlier
        where
            earlier.authority = snapshot_dates.authority
            and earlier.load_id <= known_load.load_id
            and earlier.is_accepted
    ) as loads_before
inner join loads on known_load.load_id = loads.load_id
