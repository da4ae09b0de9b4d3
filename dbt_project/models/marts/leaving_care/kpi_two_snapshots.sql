-- grain: one row per authority, two snapshot dates, measure and segment
with

snapshots as (
    select
        *,
        lag(snapshot_date) over (partition by authority order by snapshot_date)
            as previous_date
    from {{ ref('dim_snapshot') }}
),

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
),

-- each snapshot with the one before it and with every published one before it
pairs as (
    select
        later.authority,
        earlier.snapshot_date as earlier_snapshot_date,
        later.snapshot_date
    from snapshots as later
    inner join snapshots as earlier
        on
            later.authority = earlier.authority
            and later.snapshot_date > earlier.snapshot_date
            and (
                later.previous_date = earlier.snapshot_date
                or earlier.is_published_date
            )
),

earlier_care_leavers as (
    select
        pairs.authority,
        pairs.earlier_snapshot_date,
        pairs.snapshot_date,
        care_leavers.young_person_key,
        care_leavers.is_open_case
    from pairs
    inner join care_leavers
        on
            pairs.authority = care_leavers.authority
            and pairs.earlier_snapshot_date = care_leavers.snapshot_date
),

matched as (
    select
        earlier.authority,
        earlier.earlier_snapshot_date,
        earlier.snapshot_date,
        count(*) as earlier_count,
        count(later.young_person_key) as both_count,
        count(*) filter (where earlier.is_open_case and later.is_open_case is not null)
            as open_then_count,
        count(*) filter (where earlier.is_open_case and not later.is_open_case)
            as closed_since_count,
        count(later.young_person_key)
        filter (where earlier.is_open_case and later.is_open_case is null)
            as unknown_count
    from earlier_care_leavers as earlier
    left join care_leavers as later
        on
            earlier.authority = later.authority
            and earlier.snapshot_date = later.snapshot_date
            and earlier.young_person_key = later.young_person_key
    group by earlier.authority, earlier.earlier_snapshot_date, earlier.snapshot_date
),

measured as (
    select
        authority,
        earlier_snapshot_date,
        snapshot_date,
        'in both snapshots' as measure,
        'all' as segment,
        both_count as numerator,
        earlier_count as denominator,
        0 as left_out_count,
        null as left_out_reason
    from matched
    union all
    select
        authority,
        earlier_snapshot_date,
        snapshot_date,
        'closed between the two' as measure,
        'in both snapshots, open at the earlier' as segment,
        closed_since_count as numerator,
        open_then_count as denominator,
        unknown_count as left_out_count,
        'case status not recorded: ' || nullif(unknown_count, 0) as left_out_reason
    from matched
)

select
    authority,
    snapshot_date,
    measure,
    segment,
    numerator::integer as numerator,
    denominator::integer as denominator,
    round(numerator::numeric / nullif(denominator, 0), 6) as share,
    left_out_count::integer as left_out_count,
    left_out_reason,
    earlier_snapshot_date
from measured
