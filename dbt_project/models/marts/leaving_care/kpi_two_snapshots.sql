-- grain: one row per authority, two snapshot dates, measure and segment
with

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
),

pairs as (
    select * from {{ ref('int_snapshot_pairs') }}
),

earlier_care_leavers as (
    select
        pairs.authority,
        pairs.earlier_snapshot_date,
        pairs.as_at_date,
        care_leavers.young_person_key,
        care_leavers.is_open_case
    from pairs
    inner join care_leavers
        on
            pairs.authority = care_leavers.authority
            and pairs.earlier_snapshot_date = care_leavers.as_at_date
),

matched as (
    select
        earlier.authority,
        earlier.earlier_snapshot_date,
        earlier.as_at_date,
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
            and earlier.as_at_date = later.as_at_date
            and earlier.young_person_key = later.young_person_key
    group by earlier.authority, earlier.earlier_snapshot_date, earlier.as_at_date
),

measured as (
    select
        authority,
        earlier_snapshot_date,
        as_at_date,
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
        as_at_date,
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
    as_at_date,
    measure,
    segment,
    numerator::integer as numerator,
    denominator::integer as denominator,
    round(numerator::numeric / nullif(denominator, 0), 6) as share,
    left_out_count::integer as left_out_count,
    left_out_reason,
    earlier_snapshot_date
from measured
