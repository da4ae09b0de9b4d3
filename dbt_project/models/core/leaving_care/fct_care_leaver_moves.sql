-- grain: one row per care leaver per snapshot date
{{ config(materialized='kept') }}
with

snapshots as (
    select
        *,
        {{ first_day_of_period('snapshot_date', 12) }} as first_date
    from {{ ref('dim_snapshot') }}
),

care_leavers as (
    select
        care_leavers.*,
        snapshots.load_id as snapshot_load_id,
        snapshots.first_date
    from {{ ref('fct_leaving_care_snapshot') }} as care_leavers
    inner join snapshots
        on
            care_leavers.authority = snapshots.authority
            and care_leavers.as_at_date = snapshots.snapshot_date
            and {{ is_due('snapshots', 'care_leavers.young_person_key') }}
),

accommodation_moves as (
    select * from {{ ref('fct_accommodation_moves') }}
),

allocations as (
    select * from {{ ref('fct_allocations') }}
),

nights as (
    select
        authority,
        load_id,
        night,
        lag(night) over (partition by authority order by load_id) as previous_night
    from {{ ref('dim_load') }}
    where is_accepted
),

-- a move between two loads that are months apart has no date, so this finds who was
-- covered by loads, month by month, throughout the twelve months
watched as (
    select
        snapshots.authority,
        snapshots.snapshot_date as as_at_date,
        bool_and(
            coalesce(nights.night - nights.previous_night <= 31, false)
            and snapshots.snapshot_date - snapshots.known_night <= 31
        ) as is_watched
    from snapshots
    inner join nights
        on
            snapshots.authority = nights.authority
            and snapshots.load_id >= nights.load_id
            and snapshots.first_date <= nights.night
    group by snapshots.authority, snapshots.snapshot_date
),

moves as (
    select
        care_leavers.authority,
        care_leavers.as_at_date,
        care_leavers.young_person_key,
        min(accommodation_moves.known_from) as first_known_date,
        count(*) filter (
            where
            not accommodation_moves.is_first_known
            and accommodation_moves.known_from >= care_leavers.first_date
        ) as move_count
    from care_leavers
    inner join accommodation_moves
        on
            care_leavers.authority = accommodation_moves.authority
            and care_leavers.young_person_key = accommodation_moves.young_person_key
            and care_leavers.snapshot_load_id >= accommodation_moves.load_id
    group by
        care_leavers.authority, care_leavers.as_at_date,
        care_leavers.young_person_key
),

-- one worker after another in the same role; going on in another team is no change
followed as (
    select
        allocations.*,
        lag(allocations.worker_key) over (
            partition by
                allocations.authority, allocations.young_person_key,
                allocations.role_code
            order by
                allocations.start_date, allocations.end_date nulls last,
                allocations.allocation_number
        ) as previous_worker_key
    from allocations
    left join allocations as before
        on
            allocations.young_person_key = before.young_person_key
            and allocations.worker_key = before.worker_key
            and allocations.role_code = before.role_code
            and allocations.start_date = before.end_date
    where
        allocations.worker_key is not null
        and allocations.start_date is not null
        and before.young_person_key is null
        and allocations.young_person_key in (
            select care_leavers.young_person_key from care_leavers
        )
),

workers as (
    select
        care_leavers.authority,
        care_leavers.as_at_date,
        care_leavers.young_person_key,
        count(*) filter (
            where
            followed.previous_worker_key <> followed.worker_key
            and followed.start_date >= care_leavers.first_date
        ) as change_count
    from care_leavers
    inner join followed
        on
            care_leavers.authority = followed.authority
            and care_leavers.young_person_key = followed.young_person_key
            and care_leavers.as_at_date >= followed.start_date
    group by
        care_leavers.authority, care_leavers.as_at_date,
        care_leavers.young_person_key
),

allocating as (
    select authority
    from {{ ref('dim_care_delivery') }}
    where has_involvements
),

-- the order matters: each record left out of a measure has one reason
reasons as (
    select
        care_leavers.young_person_key,
        care_leavers.authority,
        care_leavers.as_at_date,
        care_leavers.basis_hash,
        coalesce(moves.move_count, 0)::integer as accommodation_move_count,
        coalesce(workers.change_count, 0)::integer as worker_change_count,
        case
            when not care_leavers.is_open_case then 'closed case'
            when care_leavers.is_open_case is null then 'case status not recorded'
            when care_leavers.staying_put_left_out_reason is not null
                then care_leavers.staying_put_left_out_reason
            when not coalesce(watched.is_watched, false)
                then 'no load for more than 31 days of the 12 months'
            when moves.first_known_date is null then 'accommodation not recorded'
            when moves.first_known_date >= care_leavers.first_date
                then 'known for less than 12 months'
        end as accommodation_left_out_reason,
        case
            when not care_leavers.is_open_case then 'closed case'
            when care_leavers.is_open_case is null then 'case status not recorded'
            when allocating.authority is null then 'not delivered'
            when workers.young_person_key is null then 'worker not recorded'
        end as worker_left_out_reason
    from care_leavers
    left join watched
        on
            care_leavers.authority = watched.authority
            and care_leavers.as_at_date = watched.as_at_date
    left join moves
        on
            care_leavers.authority = moves.authority
            and care_leavers.as_at_date = moves.as_at_date
            and care_leavers.young_person_key = moves.young_person_key
    left join workers
        on
            care_leavers.authority = workers.authority
            and care_leavers.as_at_date = workers.as_at_date
            and care_leavers.young_person_key = workers.young_person_key
    left join allocating on care_leavers.authority = allocating.authority
)

select
    young_person_key,
    authority,
    as_at_date,
    case when accommodation_left_out_reason is null then accommodation_move_count end
        as accommodation_move_count,
    accommodation_left_out_reason,
    case when worker_left_out_reason is null then worker_change_count end
        as worker_change_count,
    worker_left_out_reason,
    basis_hash
from reasons
