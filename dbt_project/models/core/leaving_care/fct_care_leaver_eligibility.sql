-- grain: one row per recorded or derived care leaver per snapshot date
{{ config(materialized='kept') }}
with

snapshots as (
    select
        authority,
        snapshot_date,
        basis_hash
    from {{ ref('dim_snapshot') }}
),

-- as known at the load of the date
care_leavers as (
    select care_leavers.*
    from {{ ref('fct_leaving_care_snapshot') }} as care_leavers
    inner join snapshots
        on
            care_leavers.authority = snapshots.authority
            and care_leavers.as_at_date = snapshots.snapshot_date
            and {{ is_due('snapshots', 'care_leavers.young_person_key') }}
),

-- periods that began by the date, as recorded tonight
care_periods as (
    select
        care_periods.*,
        snapshots.snapshot_date as as_at_date
    from {{ ref('fct_care_periods') }} as care_periods
    inner join snapshots
        on
            care_periods.authority = snapshots.authority
            and care_periods.start_date <= snapshots.snapshot_date
            and {{ is_due('snapshots', 'care_periods.young_person_key') }}
),

-- the dates of birth stay in this model; the rest of core has only what follows from
-- them
birthdays as (
    select
        young_person_key,
        {{ birthday('birth_date', 14) }} as day_aged_14,
        {{ birthday('birth_date', 16) }} as day_aged_16,
        {{ birthday('birth_date', 18) }} as day_aged_18,
        {{ birthday('birth_date', 22) }} as day_aged_22,
        {{ birthday('birth_date', 25) }} as day_aged_25
    from {{ birth_dates() }}
    where
        young_person_key in (select care_periods.young_person_key from care_periods)
        or young_person_key in (
            select care_leavers.young_person_key from care_leavers
        )
),

-- the result of the periods: care ends with the 18th birthday, whether the period was
-- closed or not
care as (
    select
        care_periods.authority,
        care_periods.as_at_date,
        care_periods.young_person_key,
        sum(
            greatest(
                least(
                    care_periods.end_date, care_periods.as_at_date,
                    birthdays.day_aged_18
                ) - greatest(care_periods.start_date, birthdays.day_aged_14),
                0
            )
        ) >= 91 as has_13_weeks_since_14,
        bool_or(
            coalesce(care_periods.end_date > birthdays.day_aged_16, true)
        ) as is_looked_after_since_16,
        bool_or(
            coalesce(care_periods.end_date > care_periods.as_at_date, true)
            and care_periods.as_at_date < birthdays.day_aged_18
        ) as is_looked_after,
        (
            array_agg(
                case
                    when care_periods.end_date <= care_periods.as_at_date
                        then care_periods.end_reason_code
                end
                order by care_periods.start_date desc
            )
        )[1] as last_end_reason_code
    from care_periods
    inner join birthdays
        on
            care_periods.young_person_key = birthdays.young_person_key
            and care_periods.as_at_date >= birthdays.day_aged_16
            and care_periods.as_at_date < birthdays.day_aged_25
    group by
        care_periods.authority, care_periods.as_at_date,
        care_periods.young_person_key
),

delivering as (
    select authority
    from {{ ref('dim_care_delivery') }}
    where has_care_episodes
),

assembled as (
    select
        coalesce(care_leavers.authority, care.authority) as authority,
        coalesce(care_leavers.as_at_date, care.as_at_date) as as_at_date,
        coalesce(care_leavers.young_person_key, care.young_person_key)
            as young_person_key,
        care_leavers.young_person_key is not null as is_recorded,
        care_leavers.eligibility_code as recorded_eligibility_code,
        -- from the 22nd birthday on, only care leavers who still have a worker are
        -- supported
        coalesce(care_leavers.worker_key, care_leavers.personal_adviser_key)
        is not null as has_worker,
        care.young_person_key is not null as has_care,
        care.has_13_weeks_since_14,
        care.is_looked_after_since_16,
        care.is_looked_after,
        care.last_end_reason_code
    from care_leavers
    full join care
        on
            care_leavers.authority = care.authority
            and care_leavers.as_at_date = care.as_at_date
            and care_leavers.young_person_key = care.young_person_key
),

derived as (
    select
        assembled.*,
        snapshots.basis_hash,
        delivering.authority is not null as has_care_periods,
        birthdays.day_aged_14 is not null as has_birth_date,
        case
            when birthdays.day_aged_14 is null then null
            when
                assembled.as_at_date < birthdays.day_aged_16
                or assembled.as_at_date >= birthdays.day_aged_25
                then 'N'
            when not assembled.has_care then null
            when not assembled.is_looked_after_since_16 then 'N'
            -- ends with a death, a move to another authority or an adoption
            when assembled.last_end_reason_code in ('E2', 'E3', 'E11', 'E12') then 'N'
            when
                assembled.as_at_date >= birthdays.day_aged_22
                and not assembled.has_worker
                then 'N'
            when not assembled.has_13_weeks_since_14 and assembled.is_looked_after
                then 'N'
            when not assembled.has_13_weeks_since_14 then 'Q'
            when assembled.as_at_date >= birthdays.day_aged_18 then 'F'
            when assembled.is_looked_after then 'E'
            else 'R'
        end as derived_eligibility_code
    from assembled
    inner join snapshots
        on
            assembled.authority = snapshots.authority
            and assembled.as_at_date = snapshots.snapshot_date
    left join birthdays
        on
            assembled.young_person_key = birthdays.young_person_key
    left join delivering on assembled.authority = delivering.authority
)

select
    young_person_key,
    authority,
    as_at_date,
    is_recorded,
    recorded_eligibility_code,
    derived_eligibility_code,
    recorded_eligibility_code = derived_eligibility_code as is_agreed,
    case
        when derived_eligibility_code is not null then null
        when not has_birth_date then 'birth date not recorded'
        when not has_care_periods then 'periods of care not delivered'
        else 'no period of care known'
    end as not_derived_reason,
    has_13_weeks_since_14,
    is_looked_after,
    basis_hash
from derived
where is_recorded or derived_eligibility_code <> 'N'
