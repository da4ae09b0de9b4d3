-- grain: one row per authority, report date, measure and segment
with

{{ numbered_report_dates() }},

reviews as (
    select * from {{ ref('fct_reviews') }}
),

plan_types as (
    select * from {{ ref('dim_plan_type') }}
    where plan_type_code in ('LAC', 'CP')
),

delivered as (
    select
        authority,
        plan_type_code
    from reviews
    where review_date is not null
    group by authority, plan_type_code
),

-- a review counts as held at the dates in the 12 months from its day on, and as not yet
-- held at the dates before, while the plan lasts
spans as (
    select
        reviews.authority,
        reviews.plan_type_code,
        reviews.is_in_time,
        reviews.due_date is null as has_no_due_date,
        held.is_held,
        {{ first_date_number('greatest(reviews.from_date, held.from_date)') }}
            as first_number,
        held.last_number,
        -- the last date at which it is not overdue
        {{ last_date_number('reviews.due_date + 1') }} as last_due_number
    from reviews
    inner join calendars on reviews.authority = calendars.authority
    cross join
        lateral (
            values
            (
                true,
                reviews.review_date,
                {{ last_date_number(
                    'reviews.review_date', 'calendars.year_before_dates'
                ) }}
            ),
            (
                false,
                reviews.from_date,
                {{ last_date_number(
                    'least(reviews.review_date, reviews.plan_end_date)'
                ) }}
            )
        ) as held (is_held, from_date, last_number)
    where
        reviews.from_date is not null
        and (not held.is_held or reviews.review_date is not null)
),

alike as (
    select
        authority,
        plan_type_code,
        is_in_time,
        has_no_due_date,
        is_held,
        first_number,
        last_number,
        last_due_number,
        count(*) as review_count
    from spans
    where first_number <= last_number
    group by
        authority, plan_type_code, is_in_time, has_no_due_date, is_held, first_number,
        last_number, last_due_number
),

-- a date without a review keeps one row
members as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        'reviews in time' as measure,
        plan_types.plan_type as segment,
        alike.review_count is not null as is_member,
        alike.is_held and alike.is_in_time as is_counted,
        case
            when delivered.authority is null
                then 'not delivered'
            when alike.has_no_due_date
                then 'plan older than the records of reviews'
            when not alike.is_held and report_dates.date_number <= alike.last_due_number
                then 'not yet held, not yet overdue'
        end as left_out_reason,
        alike.review_count
    from report_dates
    cross join plan_types
    left join delivered
        on
            report_dates.authority = delivered.authority
            and plan_types.plan_type_code = delivered.plan_type_code
    left join alike
        on
            report_dates.authority = alike.authority
            and plan_types.plan_type_code = alike.plan_type_code
            and report_dates.date_number
            between alike.first_number and alike.last_number
),

-- keep_members() reads it
people as ( -- noqa: ST03
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        'reviews in time' as measure,
        plan_types.plan_type as segment,
        reviews.young_person_key,
        true as is_member,
        coalesce(reviews.review_date <= report_dates.report_date, false)
        and reviews.is_in_time as is_counted,
        case
            when delivered.authority is null
                then 'not delivered'
            when reviews.due_date is null
                then 'plan older than the records of reviews'
            when
                coalesce(reviews.review_date > report_dates.report_date, true)
                and report_dates.report_date <= reviews.due_date
                then 'not yet held, not yet overdue'
        end as left_out_reason
    from report_dates
    inner join reviews
        on
            report_dates.authority = reviews.authority
            and report_dates.report_date >= reviews.from_date
            and case
                when report_dates.report_date >= reviews.review_date
                    then report_dates.year_before_date < reviews.review_date
                else coalesce(report_dates.report_date < reviews.plan_end_date, true)
            end
    inner join plan_types on reviews.plan_type_code = plan_types.plan_type_code
    left join delivered
        on
            reviews.authority = delivered.authority
            and reviews.plan_type_code = delivered.plan_type_code
),

{{ measured('members', weight='review_count', people='people') }}
