-- grain: one row per current record of ssd_missing, with the child's care at its start
-- and the missing episode before it, as the looked-after return has it
with

years as (
    select * from {{ ref('int_collection_year') }}
),

missing as (
    select
        *,
        coalesce(authority || '|' || person_id, record_key) as child,
        row_number() over (
            partition by authority
            order by record_key, start_date, end_date, from_load
        ) as record_number
    from {{ ref('stg_missing') }}
),

episodes as (
    select
        *,
        authority || '|' || person_id as child
    from {{ ref('int_return_episodes') }}
),

care as (
    select
        child,
        min(start_date) as first_start_date,
        max(birth_date) as birth_date,
        case when bool_and(end_date is not null) then max(end_date) end as care_end_date
    from episodes
    group by child
),

-- of the episodes of care on the day, the one that began last
at_start as (
    select distinct on (missing.authority, missing.record_number)
        missing.authority,
        missing.record_number,
        episodes.end_date as episode_end_date,
        episodes.period_end_date,
        episodes.period_end_reason_code
    from missing
    inner join episodes
        on
            missing.child = episodes.child
            and missing.start_date >= episodes.start_date
            and (
                episodes.end_date is null
                or missing.start_date <= episodes.end_date
            )
    order by
        missing.authority asc,
        missing.record_number asc,
        episodes.start_date desc,
        episodes.episode_number desc
)

select
    missing.authority,
    missing.record_key,
    missing.person_id,
    missing.start_date,
    missing.missing_type_code,
    missing.missing_type_sent,
    missing.end_date,
    missing.period,
    missing.known_from,
    missing.from_load,
    missing.sentinel_columns,
    missing.unreadable_columns,
    missing.period is not null as is_from_return,
    years.night,
    years.collection_year,
    years.year_start,
    years.year_end,
    coalesce(missing.period = years.collection_year::text, false) as is_new_in_return,
    coalesce(missing.end_date >= years.year_start, true) as is_in_year,
    care.child is not null as has_episode,
    care.first_start_date,
    care.care_end_date,
    care.birth_date,
    at_start.record_number is not null as is_in_care,
    at_start.episode_end_date,
    case
        when at_start.period_end_reason_code <> 'X1' then at_start.period_end_date
    end as period_end_date,
    at_start.period_end_reason_code,
    lag(missing.start_date) over by_day as previous_start_date,
    lag(missing.end_date) over by_day as previous_end_date
from missing
left join years on missing.authority = years.authority
left join care on missing.child = care.child
left join at_start
    on
        missing.authority = at_start.authority
        and missing.record_number = at_start.record_number
window by_day as (
    partition by missing.child
    order by
        missing.start_date asc, missing.end_date asc nulls last, missing.record_key asc
)
