-- grain: one row per care leaver per report date
with

loads as (
    select * from {{ ref('dim_load') }}
),

load_periods as (
    select
        load_id,
        period
    from {{ ref('stg_loads') }}
),

snapshots as (
    select * from {{ ref('dim_snapshot') }}
    where is_latest
),

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

young_people as (
    select * from {{ ref('dim_young_person') }}
),

care_periods as (
    select * from {{ ref('fct_care_periods') }}
),

placements as (
    select * from {{ ref('fct_placements') }}
    where placement_group = 'foster' and not is_temporary
),

care_leavers as (
    select
        *,
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key
    from {{ ref('stg_care_leavers_versions') }}
    where person_id is not null
),

-- A return tells about its collection year, on whatever night it is loaded. It stands
-- at the end of that year.
nights as (
    select
        loads.authority,
        coalesce(make_date(load_periods.period::integer, 3, 31), loads.night)
            as told_date,
        max(loads.load_id) as load_id,
        bool_or(load_periods.period is not null) as is_return
    from loads
    inner join snapshots
        on
            loads.authority = snapshots.authority
            and loads.load_id <= snapshots.load_id
    left join load_periods on loads.load_id = load_periods.load_id
    where loads.is_accepted or loads.load_id = snapshots.load_id
    group by
        loads.authority,
        coalesce(make_date(load_periods.period::integer, 3, 31), loads.night)
),

calendars as (
    select
        authority,
        min(told_date) as first_told_date,
        array_agg(told_date order by told_date) as told_dates,
        array_agg(load_id order by told_date) as load_ids,
        array_agg(is_return order by told_date) as are_returns
    from nights
    group by authority
),

people as (
    select young_person_key from care_periods
    union
    select young_person_key from care_leavers
),

-- The age at a date is that of the birthday in the 12 months to it. The dates of birth
-- stay in this model. There are no figures before the first load.
aged as (
    select
        young_people.authority,
        young_people.young_person_key,
        young_people.death_month_date,
        report_dates.report_date as as_at_date,
        birth_dates.birth_date,
        extract(
            year from age(report_dates.report_date, birth_dates.birth_date)
        )::integer as age_years,
        {{ birthday('birth_dates.birth_date', 14) }} as day_aged_14,
        {{ birthday('birth_dates.birth_date', 16) }} as day_aged_16,
        {{ birthday('birth_dates.birth_date', 18) }} as day_aged_18
    from people
    inner join young_people
        on people.young_person_key = young_people.young_person_key
    inner join {{ birth_dates() }} as birth_dates
        on people.young_person_key = birth_dates.young_person_key
    inner join calendars on young_people.authority = calendars.authority
    inner join report_dates
        on
            young_people.authority = report_dates.authority
            and calendars.first_told_date <= report_dates.report_date
    where
        birth_dates.birth_date + interval '17 years' <= report_dates.report_date
        and birth_dates.birth_date + interval '26 years' >= report_dates.report_date
),

-- someone born on 29 February reaches an age on 1 March in a year without that day
reached as (
    select
        *,
        (birth_date + age_years * interval '1 year')::date
        + (
            extract(day from birth_date)
            > extract(day from birth_date + age_years * interval '1 year')
        )::integer as birthday_date
    from aged
    where age_years between 17 and 25
),

histories as (
    select
        authority,
        min(start_date) as first_care_date
    from care_periods
    group by authority
),

-- care as recorded tonight; it ends with the 18th birthday, whether the period was
-- closed or not
care as (
    select
        reached.as_at_date,
        reached.young_person_key,
        sum(
            greatest(
                least(
                    care_periods.end_date, reached.birthday_date, reached.day_aged_18
                ) - greatest(care_periods.start_date, reached.day_aged_14),
                0
            )
        ) >= 91 as has_13_weeks_since_14,
        bool_or(
            coalesce(care_periods.end_date > reached.day_aged_16, true)
        ) as is_looked_after_since_16,
        bool_or(
            coalesce(care_periods.end_date > reached.birthday_date, true)
            and reached.birthday_date < reached.day_aged_18
        ) as is_looked_after,
        bool_or(
            care_periods.start_date < reached.day_aged_18
            and coalesce(care_periods.end_date >= reached.day_aged_18, true)
        ) as is_looked_after_until_18,
        (
            array_agg(
                case
                    when care_periods.end_date <= reached.birthday_date
                        then care_periods.end_reason_code
                end
                order by care_periods.start_date desc
            )
        )[1] as last_end_reason_code
    from reached
    inner join care_periods
        on
            reached.young_person_key = care_periods.young_person_key
            and reached.birthday_date >= care_periods.start_date
    group by reached.as_at_date, reached.young_person_key
),

fostered_at_18 as (
    select
        reached.as_at_date,
        reached.young_person_key
    from reached
    inner join placements
        on
            reached.young_person_key = placements.young_person_key
            and reached.day_aged_18 > placements.start_date
            and coalesce(reached.day_aged_18 <= placements.end_date, true)
    group by reached.as_at_date, reached.young_person_key
),

-- From when to when a record tells about the birthday: contact counts from three months
-- before to one month after. From the 22nd birthday on, it is the latest contact of the
-- year. For staying put at 18, it is three months later.
asked as (
    select
        authority,
        as_at_date,
        young_person_key,
        'birthday' as question,
        (
            case when age_years <= 21 then birthday_date else as_at_date end
            - interval '3 months'
        )::date as from_date,
        case
            when age_years <= 21 then (birthday_date + interval '1 month')::date
            else as_at_date
        end as until_date
    from reached
    union all
    select
        authority,
        as_at_date,
        young_person_key,
        'three months later' as question,
        birthday_date as from_date,
        (birthday_date + interval '4 months')::date as until_date
    from reached
    where age_years = 18
),

placed as (
    select
        asked.*,
        calendars.told_dates,
        calendars.load_ids,
        calendars.are_returns,
        width_bucket(asked.until_date, calendars.told_dates) as last_number
    from asked
    inner join calendars on asked.authority = calendars.authority
),

-- the last load of those days; if there is none, the first one after them
chosen as (
    select
        *,
        coalesce(told_dates[last_number] >= from_date, false) as is_around_birthday,
        case
            when told_dates[last_number] >= from_date then last_number
            else last_number + 1
        end as number
    from placed
),

-- a load that came a year after the birthday, or later, tells about the next one
answering as (
    select
        authority,
        as_at_date,
        young_person_key,
        question,
        load_ids[number] as load_id,
        is_around_birthday or are_returns[number] as is_around_birthday
    from chosen
    where told_dates[number] < from_date + interval '15 months'
),

-- of a care leaver's records at the load one counts, as in fct_leaving_care_snapshot
answers as (
    select distinct on (
        answering.as_at_date, answering.young_person_key, answering.question
    )
        answering.as_at_date,
        answering.young_person_key,
        answering.question,
        answering.is_around_birthday,
        care_leavers.eligibility_code,
        care_leavers.in_touch_code,
        care_leavers.activity_code,
        care_leavers.accommodation_code,
        care_leavers.suitability_code
    from answering
    inner join care_leavers
        on
            answering.young_person_key = care_leavers.young_person_key
            and {{ as_known_at_load('care_leavers', 'answering.load_id') }}
    order by
        answering.as_at_date asc, answering.young_person_key asc,
        answering.question asc,
        care_leavers.known_from desc, care_leavers.from_load desc,
        care_leavers.latest_contact_date desc nulls last,
        care_leavers.pathway_plan_review_date desc nulls last,
        {{ as_sent('care_leavers') }} desc
),

-- the recorded eligibility counts only where care cannot say: without a period of care,
-- or where the source's periods begin after the 14th birthday
qualified as (
    select
        reached.*,
        care.is_looked_after_until_18,
        care.last_end_reason_code,
        case
            when care.is_looked_after then false
            when care.last_end_reason_code in ('E11', 'E12') then false
            when care.has_13_weeks_since_14 and care.is_looked_after_since_16 then true
            when
                care.young_person_key is null
                or histories.first_care_date > reached.day_aged_14
                then coalesce(answers.eligibility_code in ('R', 'F'), false)
            else false
        end as is_care_leaver,
        answers.young_person_key is not null as is_recorded,
        answers.is_around_birthday,
        answers.in_touch_code,
        answers.activity_code,
        answers.accommodation_code,
        answers.suitability_code,
        later.accommodation_code as later_accommodation_code
    from reached
    left join care
        on
            reached.as_at_date = care.as_at_date
            and reached.young_person_key = care.young_person_key
    left join histories on reached.authority = histories.authority
    left join answers
        on
            reached.as_at_date = answers.as_at_date
            and reached.young_person_key = answers.young_person_key
            and answers.question = 'birthday'
    left join answers as later
        on
            reached.as_at_date = later.as_at_date
            and reached.young_person_key = later.young_person_key
            and later.question = 'three months later'
)

select
    qualified.young_person_key,
    qualified.authority,
    qualified.as_at_date,
    qualified.age_years,
    case
        when qualified.age_years <= 18 then 'aged 17 to 18'
        when qualified.age_years <= 21 then 'aged 19 to 21'
        else 'aged 22 to 25'
    end as age_band,
    case
        when
            qualified.in_touch_code = 'DIED'
            or qualified.last_end_reason_code = 'E2'
            or qualified.death_month_date <= qualified.birthday_date
            then 'has died'
        when qualified.in_touch_code = 'RHOM'
            then 'returned home for 6 months or more'
        when qualified.last_end_reason_code = 'E3' then 'moved to another authority'
    end as left_out_reason,
    qualified.is_recorded,
    coalesce(qualified.is_recorded and qualified.is_around_birthday, false)
        as is_recorded_around_birthday,
    nullif(qualified.in_touch_code, '0') as in_touch_code,
    nullif(qualified.activity_code, '0') as activity_code,
    nullif(qualified.accommodation_code, '0') as accommodation_code,
    -- gone abroad, deported and not known are never suitable
    coalesce(
        qualified.suitability_code = '1'
        and qualified.accommodation_code not in ('G', 'H', 'R', '0'),
        false
    ) as is_suitable_accommodation,
    coalesce(
        qualified.age_years between 18 and 20
        and qualified.is_looked_after_until_18
        and fostered_at_18.young_person_key is not null,
        false
    ) as is_from_foster_care_at_18,
    case
        when qualified.age_years = 18 then qualified.later_accommodation_code = 'Z'
        when qualified.age_years in (19, 20) then qualified.accommodation_code = 'Z'
    end as is_staying_put,
    -- three months after the 18th birthday must be over by tonight
    qualified.age_years = 18
    and qualified.birthday_date + interval '3 months' > snapshots.snapshot_date
        as is_staying_put_to_come
from qualified
inner join snapshots on qualified.authority = snapshots.authority
left join fostered_at_18
    on
        qualified.as_at_date = fostered_at_18.as_at_date
        and qualified.young_person_key = fostered_at_18.young_person_key
where qualified.is_care_leaver
