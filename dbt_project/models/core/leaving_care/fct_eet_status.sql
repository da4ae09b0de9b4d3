-- grain: one row per young person, EET status and date on which it was recorded
with

eet_statuses as (
    select * from {{ ref('stg_eet_status_versions') }}
),

care_leavers as (
    select * from {{ ref('stg_care_leavers_versions') }}
),

snapshots as (
    select * from {{ ref('dim_snapshot') }}
    where is_latest
),

failing_keys as (
    select * from {{ ref('stg_failing_keys') }}
),

rules as (
    select * from {{ ref('stg_rules') }}
),

statuses as (
    select
        authority,
        person_id,
        status_code,
        recorded_date,
        min(known_from) as first_known_date
    from eet_statuses
    where person_id is not null and status_code is not null
    group by authority, person_id, status_code, recorded_date
),

-- the status that counts in the latest snapshot, and that gate 1 judged
latest as (
    select distinct on (eet_statuses.authority, eet_statuses.person_id)
        eet_statuses.authority,
        eet_statuses.person_id,
        eet_statuses.status_code,
        eet_statuses.recorded_date
    from eet_statuses
    inner join snapshots on eet_statuses.authority = snapshots.authority
    where
        eet_statuses.to_load is null
        and coalesce(eet_statuses.recorded_date <= snapshots.known_night, true)
    order by
        eet_statuses.authority asc, eet_statuses.person_id asc,
        {{ latest_eet_status_first('eet_statuses') }}
),

ranked as (
    select
        statuses.*,
        latest.person_id is not null as is_latest
    from statuses
    left join latest
        on
            statuses.authority = latest.authority
            and statuses.person_id = latest.person_id
            and statuses.status_code = latest.status_code
            and statuses.recorded_date is not distinct from latest.recorded_date
),

activities as (
    select distinct on (authority, person_id)
        authority,
        person_id,
        activity_code
    from care_leavers
    where to_load is null
    order by
        authority asc, person_id asc, known_from desc, from_load desc,
        care_leavers::text desc
),

contradictions as (
    select
        snapshots.authority,
        failing_keys.person_id,
        string_agg(distinct failing_keys.rule_id, ', ') as rule_ids
    from snapshots
    inner join failing_keys on snapshots.gate_run_id = failing_keys.gate_run_id
    inner join rules on failing_keys.rule_id = rules.rule_id
    where 'eet' = any(rules.falsifies)
    group by snapshots.authority, failing_keys.person_id
)

select
    {{ surrogate_key([
        'ranked.authority', 'ranked.person_id', 'ranked.status_code',
        "coalesce(ranked.recorded_date::text, '')",
    ]) }} as eet_status_key,
    {{ surrogate_key(['ranked.authority', 'ranked.person_id']) }} as young_person_key,
    ranked.authority,
    ranked.status_code as eet_status_code,
    ranked.recorded_date,
    ranked.first_known_date,
    ranked.is_latest,
    activities.activity_code,
    contradictions.rule_ids is not null as is_contradictory,
    contradictions.rule_ids as contradictory_rule_ids
from ranked
left join activities
    on
        ranked.authority = activities.authority
        and ranked.person_id = activities.person_id
        and ranked.is_latest
left join contradictions
    on
        ranked.authority = contradictions.authority
        and ranked.person_id = contradictions.person_id
        and ranked.is_latest
