-- grain: one row per review held, or still to be held, of a plan
with

looked_after_reviews as (
    select * from {{ ref('stg_cla_reviews') }}
),

care_episodes as (
    select * from {{ ref('stg_cla_episodes') }}
),

child_protection_reviews as (
    select * from {{ ref('stg_cp_reviews') }}
),

plan_spells as (
    select * from {{ ref('fct_plan_spells') }}
    where plan_type_code in ('LAC', 'CP')
),

timescales as (
    select
        timescales.*,
        max(timescales.step)
            over (partition by timescales.topic, timescales.plan_type_code)
            as last_step
    from {{ ref('timescales') }} as timescales
    where timescales.topic = 'review'
),

dates as (
    select * from {{ ref('dim_date') }}
),

-- only Mosaic names the person of a review; elsewhere the person comes from the period
-- of care
people_of_periods as (
    select
        authority,
        cla_id,
        min(person_id) as person_id
    from care_episodes
    where cla_id is not null
    group by authority, cla_id
),

reviews as (
    select
        looked_after_reviews.authority,
        'LAC' as plan_type_code,
        coalesce(looked_after_reviews.person_id, people_of_periods.person_id)
            as person_id,
        looked_after_reviews.review_date
    from looked_after_reviews
    left join people_of_periods
        on
            looked_after_reviews.authority = people_of_periods.authority
            and looked_after_reviews.cla_id = people_of_periods.cla_id
    where looked_after_reviews.is_cancelled is not true
    union all
    select
        authority,
        'CP' as plan_type_code,
        person_id,
        review_date
    from child_protection_reviews
),

-- two records of one young person and day are one review
review_days as (
    select
        authority,
        plan_type_code,
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
        review_date
    from reviews
    where person_id is not null and review_date is not null
    group by authority, plan_type_code, person_id, review_date
),

first_recorded as (
    select
        authority,
        plan_type_code,
        min(review_date) as first_review_date
    from review_days
    group by authority, plan_type_code
),

-- where the first review was due before reviews were first recorded, it may have been
-- held, and others after it, so the recorded ones are later ones
plans as (
    select
        plan_spells.*,
        case
            when timescales.is_working_days
                then due_day.calendar_date
            else plan_spells.start_date + timescales.day_count
        end as first_due_date,
        coalesce(
            case
                when timescales.is_working_days
                    then due_day.calendar_date
                else plan_spells.start_date + timescales.day_count
            end < first_recorded.first_review_date,
            false
        ) as is_older_than_records
    from plan_spells
    inner join timescales
        on
            plan_spells.plan_type_code = timescales.plan_type_code
            and timescales.step = 1
    left join dates as from_day on plan_spells.start_date = from_day.calendar_date
    left join dates as due_day
        on
            due_day.is_working_day
            and from_day.working_day_number + timescales.day_count
            = due_day.working_day_number
    left join first_recorded
        on
            plan_spells.authority = first_recorded.authority
            and plan_spells.plan_type_code = first_recorded.plan_type_code
),

-- a review belongs to the plan that was open; on the day on which one plan ends and the
-- next begins, it belongs to the one that ends
held as (
    select distinct on (
        review_days.authority, review_days.plan_type_code,
        review_days.young_person_key, review_days.review_date
    )
        plans.plan_spell_key,
        review_days.review_date
    from review_days
    inner join plans
        on
            review_days.authority = plans.authority
            and review_days.plan_type_code = plans.plan_type_code
            and review_days.young_person_key = plans.young_person_key
            and review_days.review_date >= plans.start_date
            and (plans.end_date is null or review_days.review_date <= plans.end_date)
    order by
        review_days.authority asc, review_days.plan_type_code asc,
        review_days.young_person_key asc, review_days.review_date asc,
        plans.start_date asc
),

-- after the last review of each plan, or its start, one more review is due
all_reviews as (
    select
        plan_spell_key,
        review_date
    from held
    union all
    select
        plan_spell_key,
        null as review_date
    from plans
),

numbered as (
    select
        plans.plan_spell_key,
        plans.young_person_key,
        plans.authority,
        plans.plan_type_code,
        plans.first_due_date,
        plans.is_older_than_records,
        plans.end_date as plan_end_date,
        all_reviews.review_date,
        row_number() over plan_reviews as review_number,
        coalesce(lag(all_reviews.review_date) over plan_reviews, plans.start_date)
            as from_date
    from all_reviews
    inner join plans on all_reviews.plan_spell_key = plans.plan_spell_key
    window plan_reviews as (
        partition by plans.plan_spell_key
        order by all_reviews.review_date asc nulls last
    )
),

-- steps after the first count calendar days
due as (
    select
        numbered.*,
        case
            when numbered.review_number > 1
                then numbered.from_date + timescales.day_count
            when not numbered.is_older_than_records
                then numbered.first_due_date
        end as due_date
    from numbered
    inner join timescales
        on
            numbered.plan_type_code = timescales.plan_type_code
            and timescales.step = case
                when numbered.is_older_than_records then timescales.last_step
                else least(numbered.review_number, timescales.last_step)
            end
)

select
    {{ surrogate_key(['plan_spell_key', 'review_number']) }} as review_key,
    plan_spell_key,
    young_person_key,
    authority,
    plan_type_code,
    review_number::integer as review_number,
    from_date,
    due_date,
    review_date,
    plan_end_date,
    review_date <= due_date as is_in_time
from due
