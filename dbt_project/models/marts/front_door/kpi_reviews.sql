-- grain: one row per authority, snapshot date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

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

-- reviews held in the 12 months to each date, or still to be held at it; a date without
-- any keeps one row without a review
in_period as (
    select
        report_dates.authority,
        report_dates.report_date as snapshot_date,
        plan_types.plan_type as segment,
        reviews.review_key,
        reviews.due_date,
        reviews.is_in_time,
        coalesce(reviews.review_date <= report_dates.report_date, false) as is_held,
        delivered.authority is not null as is_delivered
    from report_dates
    cross join plan_types
    left join delivered
        on
            report_dates.authority = delivered.authority
            and plan_types.plan_type_code = delivered.plan_type_code
    left join reviews
        on
            report_dates.authority = reviews.authority
            and plan_types.plan_type_code = reviews.plan_type_code
            and report_dates.report_date >= reviews.from_date
            and (
                (
                    report_dates.report_date >= reviews.review_date
                    and reviews.review_date
                    > report_dates.report_date - interval '12 months'
                )
                or (
                    coalesce(report_dates.report_date < reviews.review_date, true)
                    and coalesce(
                        report_dates.report_date < reviews.plan_end_date, true
                    )
                )
            )
),

members as (
    select
        authority,
        snapshot_date,
        'reviews in time' as measure,
        segment,
        review_key is not null as is_member,
        is_held and is_in_time as is_counted,
        case
            when not is_delivered
                then 'not delivered'
            when due_date is null
                then 'plan older than the records of reviews'
            when not is_held and due_date >= snapshot_date
                then 'not yet held, not yet overdue'
        end as left_out_reason
    from in_period
),

{{ measured('members') }}
