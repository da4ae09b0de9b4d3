-- grain: one row per young person and accommodation that they are known to have come to
with

care_leavers as (
    select * from {{ ref('stg_care_leavers_versions') }}
    where person_id is not null
),

loads as (
    select * from {{ ref('stg_loads') }}
    where state = 'loaded'
),

gate_runs as (
    select distinct on (authority, load_id) *
    from {{ ref('stg_gate_runs') }}
    where gate = 1
    order by authority asc, load_id asc, gate_run_id desc
),

cutoffs as (
    select * from {{ ref('stg_cutoffs') }}
),

-- what a held load showed is no move: it counts as the next accepted load shows it
accepted_loads as (
    select
        loads.authority,
        loads.load_id,
        loads.night,
        coalesce(gate_runs.decision <> 'hold', true)
        or coalesce(loads.load_id = cutoffs.load_id, false) as is_accepted
    from loads
    left join cutoffs on loads.authority = cutoffs.authority
    left join gate_runs
        on
            loads.authority = gate_runs.authority
            and loads.load_id = gate_runs.load_id
),

next_accepted as (
    select
        authority,
        load_id,
        min(load_id) filter (where is_accepted) over (
            partition by authority
            order by load_id
            rows between current row and unbounded following
        ) as accepted_load_id
    from accepted_loads
),

-- a record can only change with a load that opened or closed one of its versions
changes as (
    select
        authority,
        person_id,
        from_load as load_id
    from care_leavers
    union
    select
        authority,
        person_id,
        to_load as load_id
    from care_leavers
    where to_load is not null
),

moments as (
    select
        changes.authority,
        changes.person_id,
        next_accepted.accepted_load_id as load_id
    from changes
    inner join next_accepted
        on
            changes.authority = next_accepted.authority
            and changes.load_id = next_accepted.load_id
    where next_accepted.accepted_load_id is not null
    group by changes.authority, changes.person_id, next_accepted.accepted_load_id
),

-- of several current records the one that the snapshot takes; one that vanishes for
-- a while, or says not where somebody lives (0, R), is no move away and back
states as (
    select distinct on (moments.authority, moments.person_id, moments.load_id)
        moments.authority,
        moments.person_id,
        moments.load_id,
        nullif(nullif(care_leavers.accommodation_code, '0'), 'R') as accommodation_code
    from moments
    inner join care_leavers
        on
            moments.authority = care_leavers.authority
            and moments.person_id = care_leavers.person_id
            and {{ known_at_load('care_leavers', 'moments.load_id') }}
    order by
        moments.authority asc, moments.person_id asc, moments.load_id asc,
        care_leavers.known_from desc, care_leavers.from_load desc,
        care_leavers.latest_contact_date desc nulls last,
        care_leavers.pathway_plan_review_date desc nulls last,
        care_leavers::text desc
),

followed as (
    select
        *,
        lag(accommodation_code) over (
            partition by authority, person_id order by load_id
        ) as from_accommodation_code
    from states
    where accommodation_code is not null
)

select
    {{ surrogate_key([
        'followed.authority', 'followed.person_id', 'followed.load_id',
    ]) }} as accommodation_move_key,
    {{ surrogate_key(['followed.authority', 'followed.person_id']) }}
        as young_person_key,
    followed.authority,
    accepted_loads.night as known_from,
    followed.load_id,
    followed.from_accommodation_code,
    followed.accommodation_code as to_accommodation_code,
    followed.from_accommodation_code is null as is_first_known
from followed
inner join accepted_loads
    on
        followed.authority = accepted_loads.authority
        and followed.load_id = accepted_loads.load_id
where followed.from_accommodation_code is distinct from followed.accommodation_code
