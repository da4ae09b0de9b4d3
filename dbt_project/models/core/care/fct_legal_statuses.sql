-- grain: one row per young person and legal status spell
with

-- what is left out here is reported by the rules PER-02, CODE and DATE-06
legal_statuses as (
    select
        authority,
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
        legal_status_code,
        start_date,
        end_date
    from {{ ref('stg_legal_status') }}
    where
        person_id is not null
        and legal_status_code is not null
        and start_date is not null
        and (end_date is null or end_date > start_date)
),

care_periods as (
    select * from {{ ref('fct_care_periods') }}
),

-- of several from one day one counts, and never a short break before another status
preferred as (
    select
        *,
        row_number() over (
            partition by young_person_key, start_date
            order by
                legal_status_code in ('V3', 'V4') asc, end_date desc nulls first,
                legal_status_code asc
        ) as preference,
        count(*) over (partition by young_person_key, start_date) as same_day_count
    from legal_statuses
),

-- a later status takes the place of an earlier one
in_order as (
    select
        *,
        lead(start_date) over (
            partition by young_person_key order by start_date
        ) as next_start_date
    from preferred
    where preference = 1
)

select
    {{ surrogate_key(['in_order.young_person_key::text', 'in_order.start_date']) }}
        as legal_status_key,
    in_order.young_person_key,
    in_order.authority,
    care_periods.care_period_key,
    in_order.legal_status_code,
    in_order.legal_status_code in ('V3', 'V4') as is_short_break,
    in_order.start_date,
    least(in_order.end_date, in_order.next_start_date) as end_date,
    in_order.end_date as recorded_end_date,
    in_order.end_date is null and in_order.next_start_date is not null
        as is_open_end_closed,
    coalesce(in_order.next_start_date < in_order.end_date, false) as is_overlap_clipped,
    in_order.same_day_count::integer as same_day_count
from in_order
left join care_periods
    on
        in_order.young_person_key = care_periods.young_person_key
        and in_order.start_date >= care_periods.start_date
        and (
            care_periods.end_date is null
            or in_order.start_date < care_periods.end_date
        )
