-- grain: one row per load that is whole
with

loads as (
    select * from {{ ref('stg_loads') }}
    where state = 'loaded'
),

cutoffs as (
    select * from {{ ref('stg_cutoffs') }}
),

gate_runs as (
    select distinct on (authority, load_id) *
    from {{ ref('stg_gate_runs') }}
    where gate = 1
    order by authority asc, load_id asc, gate_run_id desc
),

-- the cut-off was accepted, by the gate or by a person
judged as (
    select
        loads.authority,
        loads.load_id,
        loads.night,
        gate_runs.gate_run_id,
        coalesce(gate_runs.decision <> 'hold', true)
        or coalesce(loads.load_id = cutoffs.load_id, false) as is_accepted
    from loads
    left join cutoffs on loads.authority = cutoffs.authority
    left join gate_runs
        on
            loads.authority = gate_runs.authority
            and loads.load_id = gate_runs.load_id
)

select
    authority,
    load_id,
    night,
    gate_run_id,
    is_accepted,
    min(load_id) filter (where is_accepted) over (
        partition by authority
        order by load_id
        rows between current row and unbounded following
    ) as accepted_load_id
from judged
