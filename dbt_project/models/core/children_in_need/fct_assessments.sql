-- grain: one row per assessment
{{ config(materialized='kept') }}
with

assessments as (
    select
        authority,
        record_key,
        person_id,
        referral_id,
        start_date,
        authorised_date,
        is_no_further_action,
        team_id,
        worker_id,
        known_from,
        from_load
    from {{ touched(ref('stg_cin_assessments')) }}
    where person_id is not null
),

referrals as (
    select * from {{ ref('fct_referrals') }}
),

dates as (
    select * from {{ ref('dim_date') }}
),

-- of several current rows with one key, the row that came in last counts
latest as (
    select distinct on (authority, record_key) *
    from assessments
    order by
        authority asc, record_key asc, known_from desc, from_load desc,
        assessments::text desc
),

keyed as (
    select
        latest.*,
        {{ surrogate_key(['authority', 'record_key']) }} as assessment_key,
        {{ surrogate_key(['authority', 'referral_id']) }} as referral_key,
        row_number() over (
            partition by latest.authority, latest.referral_id
            order by latest.start_date asc nulls last, latest.record_key asc
        ) = 1 as is_first,
        row_number() over (
            partition by latest.authority, latest.person_id
            order by latest.start_date asc nulls last, latest.record_key asc
        ) as assessment_number
    from latest
),

-- the 45 days of a referral's first assessment run from the referral; those of a later
-- one, in an open case, run from its own start
with_clock as (
    select
        keyed.*,
        referrals.close_date as referral_close_date,
        keyed.is_first and referrals.referral_date is not null as is_from_referral,
        case
            when keyed.is_first
                then coalesce(referrals.referral_date, keyed.start_date)
            else keyed.start_date
        end as clock_start_date
    from keyed
    left join referrals
        on
            keyed.authority = referrals.authority
            and keyed.referral_key = referrals.referral_key
),

counted as (
    select
        with_clock.*,
        case
            when with_clock.authorised_date >= with_clock.clock_start_date
                then {{ working_days_between('first_day', 'last_day') }}
        end as working_day_count,
        case
            when with_clock.authorised_date >= with_clock.start_date
                then {{ working_days_between('own_first_day', 'last_day') }}
        end as own_working_day_count
    from with_clock
    left join
        dates as first_day
        on with_clock.clock_start_date = first_day.calendar_date
    left join dates as own_first_day
        on with_clock.start_date = own_first_day.calendar_date
    left join dates as last_day on with_clock.authorised_date = last_day.calendar_date
)

select
    assessment_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    referral_key,
    assessment_number::integer as assessment_number,
    start_date,
    authorised_date,
    is_no_further_action,
    {{ surrogate_key(['authority', 'team_id']) }} as team_key,
    {{ surrogate_key(['authority', 'worker_id']) }} as worker_key,
    is_from_referral,
    clock_start_date,
    referral_close_date,
    working_day_count,
    working_day_count <= 45 as is_within_45_working_days,
    own_working_day_count
from counted
