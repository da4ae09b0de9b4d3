-- grain: one row per enquiry under section 47
{{ config(materialized='kept') }}
with

enquiries as (
    select
        authority,
        record_key,
        s47_enquiry_id,
        person_id,
        referral_id,
        start_date,
        end_date,
        is_no_further_action,
        team_id,
        worker_id,
        known_from,
        from_load
    from {{ touched(ref('stg_s47_enquiry')) }}
    where person_id is not null
),

conferences as (
    select * from {{ touched(ref('stg_initial_cp_conference')) }}
),

dates as (
    select * from {{ ref('dim_date') }}
),

-- of several current rows with one key, the row that came in last counts
latest as (
    select distinct on (authority, record_key) *
    from enquiries
    order by
        authority asc, record_key asc, known_from desc, from_load desc,
        enquiries::text desc
),

-- left out: the conference of a child who moved in with a plan, which follows no
-- enquiry made here, and the conference of another child
first_conferences as (
    select
        authority,
        person_id,
        s47_enquiry_id,
        min(conference_date) as conference_date
    from conferences
    where
        person_id is not null
        and s47_enquiry_id is not null
        and is_transfer_in is not true
    group by authority, person_id, s47_enquiry_id
),

counted as (
    select
        latest.*,
        first_conferences.s47_enquiry_id is not null as has_conference,
        first_conferences.conference_date,
        case
            when first_conferences.conference_date >= latest.start_date
                then {{ working_days_between('first_day', 'last_day') }}
        end as working_day_count
    from latest
    left join first_conferences
        on
            latest.authority = first_conferences.authority
            and latest.person_id = first_conferences.person_id
            and latest.s47_enquiry_id = first_conferences.s47_enquiry_id
    left join dates as first_day on latest.start_date = first_day.calendar_date
    left join dates as last_day
        on first_conferences.conference_date = last_day.calendar_date
)

select
    {{ surrogate_key(['authority', 'record_key']) }} as enquiry_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    {{ surrogate_key(['authority', 'referral_id']) }} as referral_key,
    start_date,
    end_date,
    is_no_further_action,
    {{ surrogate_key(['authority', 'team_id']) }} as team_key,
    {{ surrogate_key(['authority', 'worker_id']) }} as worker_key,
    has_conference,
    conference_date,
    working_day_count,
    working_day_count <= 15 as is_conference_within_15_working_days
from counted
