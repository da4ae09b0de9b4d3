-- grain: one row per young person and period of care
{{ config(materialized='kept') }}
with

episodes as (
    select * from {{ touched(ref('fct_care_episodes')) }}
    where left_out_reason is null
),

periods as (
    select
        care_period_key,
        young_person_key,
        authority,
        period_number,
        min(start_date) as start_date,
        case when not bool_or(end_date is null) then max(end_date) end as end_date,
        (
            array_agg(need_code order by start_date desc)
            filter (where need_code is not null)
        )[1] as need_code,
        (
            array_agg(need_code order by start_date asc)
            filter (where need_code is not null)
        )[1] as first_need_code,
        (
            array_agg(legal_status_code order by start_date asc)
            filter (where legal_status_code is not null)
        )[1] as first_legal_status_code,
        (array_agg(start_reason_code order by start_date asc))[1]
            as first_start_reason_code,
        case
            when not bool_or(end_date is null)
                then (
                    array_agg(end_reason_code order by end_date desc, start_date desc)
                )[1]
        end as end_reason_code,
        count(*) as episode_count,
        count(*) filter (where is_overlapping) as overlap_count,
        count(*) filter (where is_open_end_closed) as closed_open_end_count
    from episodes
    group by care_period_key, young_person_key, authority, period_number
),

in_order as (
    select
        *,
        lag(end_date) over (
            partition by young_person_key order by period_number
        ) as previous_end_date,
        lag(end_reason_code) over (
            partition by young_person_key order by period_number
        ) as previous_end_reason_code
    from periods
)

select
    care_period_key,
    young_person_key,
    authority,
    period_number,
    start_date,
    end_date,
    end_date - start_date as day_count,
    need_code,
    first_need_code,
    first_legal_status_code,
    end_reason_code,
    coalesce(end_reason_code = 'X1', false) as is_chain_broken,
    previous_end_date,
    previous_end_reason_code,
    start_date - previous_end_date as gap_day_count,
    -- X1 says that care went on, so the gap is a missing episode (rule CARE-03), unless
    -- the next one says that care began again
    coalesce(
        start_date <= previous_end_date + interval '12 months'
        and previous_end_reason_code is distinct from 'E2'
        and (
            previous_end_reason_code is distinct from 'X1'
            or first_start_reason_code = 'S'
        ),
        false
    ) as is_reentry_within_12_months,
    episode_count::integer as episode_count,
    overlap_count::integer as overlap_count,
    closed_open_end_count::integer as closed_open_end_count
from in_order
