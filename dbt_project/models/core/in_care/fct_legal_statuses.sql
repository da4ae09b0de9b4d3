-- grain: one row per young person and legal status spell
{{ config(materialized='kept') }}
with

-- the rules PER-02, CODE and DATE-06 report what is left out here
legal_statuses as (
    select
        authority,
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
        legal_status_code,
        start_date,
        end_date
    from {{ touched(ref('stg_legal_status')) }}
    where
        person_id is not null
        and legal_status_code is not null
        and start_date is not null
        and (end_date is null or end_date > start_date)
),

care_periods as (
    select * from {{ touched(ref('fct_care_periods')) }}
),

-- A short break that begins while the child is in care does not hide the status of
-- care.
placed as (
    select
        legal_statuses.*,
        legal_statuses.legal_status_code in ('V3', 'V4')
        and care_periods.care_period_key is not null as is_break_in_care
    from legal_statuses
    left join care_periods
        on
            legal_statuses.young_person_key = care_periods.young_person_key
            and legal_statuses.start_date >= care_periods.start_date
            and (
                care_periods.end_date is null
                or legal_statuses.start_date < care_periods.end_date
            )
),

-- Of the statuses in force, the one that began last counts. Of several from one day,
-- any status counts before a short break, then the one that lasts longest (as
-- fct_care_episodes chooses).
in_order as (
    select
        *,
        row_number() over (
            partition by young_person_key
            order by
                is_break_in_care desc, start_date asc,
                legal_status_code in ('V3', 'V4') desc, end_date asc nulls last,
                legal_status_code desc
        ) as precedence,
        count(*) over (partition by young_person_key, start_date) as same_day_count,
        daterange(start_date, end_date) as dates
    from placed
),

covered as (
    select
        statuses.young_person_key,
        statuses.precedence,
        range_agg(later.dates) as dates
    from in_order as statuses
    inner join in_order as later
        on
            statuses.young_person_key = later.young_person_key
            and statuses.precedence < later.precedence
            and statuses.dates && later.dates
    group by statuses.young_person_key, statuses.precedence
),

-- when a later status ends, the one that is still in force is resumed
parts as (
    select
        in_order.young_person_key,
        in_order.authority,
        in_order.legal_status_code,
        in_order.end_date as recorded_end_date,
        in_order.same_day_count,
        covered.dates is not null as is_covered,
        lower(parts.dates) as start_date,
        upper(parts.dates) as end_date,
        parts.part_number > 1 as is_resumed,
        bool_or(upper_inf(parts.dates)) over (
            partition by in_order.young_person_key, in_order.precedence
        ) as is_open
    from in_order
    left join covered
        on
            in_order.young_person_key = covered.young_person_key
            and in_order.precedence = covered.precedence
    cross join
        lateral
        unnest(
            datemultirange(in_order.dates)
            - coalesce(covered.dates, '{}'::datemultirange)
        ) with ordinality as parts (dates, part_number)
)

select
    {{ surrogate_key(['parts.young_person_key::text', 'parts.start_date']) }}
        as legal_status_key,
    parts.young_person_key,
    parts.authority,
    care_periods.care_period_key,
    parts.legal_status_code,
    parts.legal_status_code in ('V3', 'V4') as is_short_break,
    parts.start_date,
    parts.end_date,
    parts.recorded_end_date,
    parts.is_resumed,
    parts.recorded_end_date is null and not parts.is_open as is_open_end_closed,
    parts.is_covered and (parts.recorded_end_date is not null or parts.is_open)
        as is_overlap_clipped,
    parts.same_day_count::integer as same_day_count
from parts
left join care_periods
    on
        parts.young_person_key = care_periods.young_person_key
        and parts.start_date >= care_periods.start_date
        and (
            care_periods.end_date is null
            or parts.start_date < care_periods.end_date
        )
