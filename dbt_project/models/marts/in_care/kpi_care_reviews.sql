-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
        {{ first_day_of_period('report_dates.report_date', 12) }} as first_date,
        deliveries.has_care_plans,
        deliveries.has_iro_contacts
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_care_episodes
),

reviews as (
    select * from {{ ref('fct_reviews') }}
    where plan_type_code = 'LAC'
),

care_plans as (
    select * from {{ ref('fct_care_plans') }}
    where permanence_options is not null
),

iro_contacts as (
    select * from {{ ref('fct_iro_contacts') }}
),

children as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        report_dates.first_date,
        report_dates.has_care_plans,
        report_dates.has_iro_contacts,
        looked_after.young_person_key,
        looked_after.care_start_date
    from report_dates
    left join {{ ref('fct_looked_after') }} as looked_after
        on
            report_dates.authority = looked_after.authority
            and report_dates.report_date = looked_after.as_at_date
),

-- a review is due unless the period of care ended before
of_reviews as (
    select
        children.as_at_date,
        children.young_person_key,
        count(*) filter (
            where reviews.due_date between children.first_date and children.as_at_date
        ) as due_count,
        count(*) filter (
            where reviews.due_date between children.first_date and children.as_at_date
            and reviews.is_in_time is not true
        ) as late_count,
        count(reviews.due_date) as known_count,
        count(*) filter (
            where reviews.due_date <= children.as_at_date
            and coalesce(reviews.plan_end_date > children.as_at_date, true)
            and coalesce(reviews.review_date > children.as_at_date, true)
        ) as overdue_count,
        max(reviews.review_date) filter (
            where reviews.review_date <= children.as_at_date
            and reviews.review_date >= children.care_start_date
        ) as last_review_date
    from children
    inner join reviews
        on
            children.young_person_key = reviews.young_person_key
            and (
                reviews.plan_end_date is null
                or reviews.due_date is null
                or reviews.due_date <= reviews.plan_end_date
            )
    group by children.as_at_date, children.young_person_key
),

of_plans as (
    select
        children.as_at_date,
        children.young_person_key
    from children
    inner join care_plans
        on
            children.young_person_key = care_plans.young_person_key
            and children.as_at_date >= care_plans.start_date
            and (
                care_plans.end_date is null
                or children.as_at_date < care_plans.end_date
            )
    group by children.as_at_date, children.young_person_key
),

of_contacts as (
    select
        children.as_at_date,
        children.young_person_key,
        max(iro_contacts.contact_date) filter (
            where iro_contacts.contact_date <= children.as_at_date
        ) as last_contact_date,
        max(iro_contacts.contact_date) as latest_date
    from children
    inner join iro_contacts
        on children.young_person_key = iro_contacts.young_person_key
    group by children.as_at_date, children.young_person_key
),

assembled as (
    select
        children.*,
        children.young_person_key is not null as is_child,
        of_reviews.due_count,
        of_reviews.late_count,
        of_reviews.known_count,
        of_reviews.overdue_count,
        of_reviews.last_review_date,
        of_plans.young_person_key is not null as has_permanence_plan,
        of_contacts.last_contact_date,
        of_contacts.latest_date
    from children
    left join of_reviews
        on
            children.young_person_key = of_reviews.young_person_key
            and children.as_at_date = of_reviews.as_at_date
    left join of_plans
        on
            children.young_person_key = of_plans.young_person_key
            and children.as_at_date = of_plans.as_at_date
    left join of_contacts
        on
            children.young_person_key = of_contacts.young_person_key
            and children.as_at_date = of_contacts.as_at_date
),

members as (
    select
        assembled.authority,
        assembled.as_at_date,
        measures.measure,
        'all' as segment,
        assembled.young_person_key,
        measures.is_member,
        measures.is_counted,
        case when measures.is_member then measures.left_out_reason end
            as left_out_reason
    from assembled
    cross join
        lateral (
            values
            (
                'all reviews of 12 months in time', true,
                is_child and coalesce(due_count > 0, false), late_count = 0, null
            ),
            (
                'no review overdue', true, is_child, overdue_count = 0,
                case when coalesce(known_count, 0) = 0 then 'due date not known' end
            ),
            (
                'IRO contact since the last review', has_iro_contacts,
                is_child and last_review_date is not null,
                coalesce(last_contact_date > last_review_date, false),
                case
                    when
                        latest_date > as_at_date
                        and (last_contact_date > last_review_date) is not true
                        then 'only a later contact is recorded'
                end
            ),
            (
                'plan for permanence after four months in care', has_care_plans,
                is_child
                and coalesce(
                    care_start_date <= as_at_date - interval '4 months', false
                ),
                has_permanence_plan, null
            )
        ) as measures (measure, is_delivered, is_member, is_counted, left_out_reason)
    where measures.is_delivered
),

{{ measured('members') }}
