-- grain: one row per initial child protection conference
{{ config(materialized='kept') }}
with

conferences as (
    select
        authority,
        record_key,
        person_id,
        s47_enquiry_id,
        conference_date,
        is_transfer_in,
        is_plan_made,
        known_from,
        from_load
    from {{ touched(ref('stg_initial_cp_conference')) }}
    where person_id is not null
),

enquiries as (
    select * from {{ touched(ref('fct_enquiries')) }}
),

dates as (
    select * from {{ ref('dim_date') }}
),

-- of several current rows with one key, the row that came in last counts
latest as (
    select distinct on (authority, record_key)
        *,
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
        {{ surrogate_key(['authority', 's47_enquiry_id']) }} as enquiry_key
    from conferences
    order by
        authority asc, record_key asc, known_from desc, from_load desc,
        conferences::text desc
)

-- an enquiry about another child is not the one that led to the conference
select
    {{ surrogate_key(['latest.authority', 'latest.record_key']) }} as conference_key,
    latest.young_person_key,
    latest.authority,
    enquiries.enquiry_key,
    enquiries.start_date as enquiry_start_date,
    latest.conference_date,
    coalesce(latest.is_transfer_in, false) as is_transfer_in,
    latest.is_plan_made,
    case
        when latest.conference_date >= enquiries.start_date
            then {{ working_days_between('first_day', 'last_day') }}
    end as working_day_count
from latest
left join enquiries
    on
        latest.authority = enquiries.authority
        and latest.enquiry_key = enquiries.enquiry_key
        and latest.young_person_key = enquiries.young_person_key
left join dates as first_day on enquiries.start_date = first_day.calendar_date
left join dates as last_day on latest.conference_date = last_day.calendar_date
