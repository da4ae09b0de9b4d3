-- grain: one row per authority, report date, measure and segment
with

-- a visit counts if it is recorded that the child was seen: a blank does not say so
visits as (
    select
        authority,
        young_person_key,
        visit_date
    from {{ ref('fct_visits') }}
    where plan_type_code = 'LAC' and is_child_seen
),

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
        {{ first_day_of_period('report_dates.report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where
        deliveries.has_placements
        and deliveries.authority in (select visits.authority from visits)
),

-- an absence of some days, and the return from it, belong to one home
homes as (
    select
        authority,
        care_period_key,
        young_person_key,
        home_number,
        min(start_date) as start_date,
        case when not bool_or(end_date is null) then max(end_date) end as end_date
    from {{ ref('fct_placements') }}
    where home_number > 0
    group by authority, care_period_key, young_person_key, home_number
),

-- regulation 28: every six weeks in the first year of a placement; then every three
-- months if it is to last until the child is 18 (long-term fostering), else every six
-- weeks
children as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        looked_after.young_person_key,
        homes.start_date as home_start_date,
        case
            when homes.start_date > report_dates.report_date - interval '12 months'
                then 'in the first year of the placement'
            when looked_after.placement_type_code in ('U1', 'U4')
                then 'later, in a placement that is to last'
            when homes.start_date is not null then 'later, in another placement'
        end as segment,
        case
            when
                homes.start_date <= report_dates.report_date - interval '12 months'
                and looked_after.placement_type_code in ('U1', 'U4')
                then (report_dates.report_date - interval '3 months')::date
            else report_dates.report_date - 42
        end as in_time_from_date
    from report_dates
    left join {{ ref('fct_looked_after') }} as looked_after
        on
            report_dates.authority = looked_after.authority
            and report_dates.report_date = looked_after.as_at_date
    left join homes
        on
            looked_after.care_period_key = homes.care_period_key
            and looked_after.as_at_date >= homes.start_date
            and (
                homes.end_date is null or looked_after.as_at_date < homes.end_date
            )
),

last_visits as (
    select
        children.as_at_date,
        children.young_person_key,
        max(visits.visit_date) as last_visit_date
    from children
    inner join visits
        on
            children.young_person_key = visits.young_person_key
            and children.home_start_date <= visits.visit_date
            and children.as_at_date >= visits.visit_date
    group by children.as_at_date, children.young_person_key
),

first_visits as (
    select
        homes.care_period_key,
        homes.home_number,
        min(visits.visit_date) as first_visit_date
    from homes
    inner join visits
        on
            homes.young_person_key = visits.young_person_key
            and homes.start_date <= visits.visit_date
    group by homes.care_period_key, homes.home_number
),

segments (measure, segment) as (
    values
    ('visited in time by regulation 28', 'all'),
    ('visited in time by regulation 28', 'in the first year of the placement'),
    ('visited in time by regulation 28', 'later, in a placement that is to last'),
    ('visited in time by regulation 28', 'later, in another placement')
),

-- a placement of less than a week may end before its first visit is due
new_homes as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        homes.young_person_key,
        homes.home_number,
        first_visits.first_visit_date - homes.start_date <= 7 as is_counted
    from report_dates
    left join homes
        on
            report_dates.authority = homes.authority
            and report_dates.first_date <= homes.start_date
            and report_dates.report_date >= homes.start_date + 7
            and (homes.end_date is null or homes.end_date >= homes.start_date + 7)
    left join first_visits
        on
            homes.care_period_key = first_visits.care_period_key
            and homes.home_number = first_visits.home_number
),

members as (
    select
        children.authority,
        children.as_at_date,
        segments.measure,
        segments.segment,
        children.young_person_key,
        children.young_person_key is not null
        and segments.segment in ('all', children.segment) as is_member,
        coalesce(
            last_visits.last_visit_date >= children.in_time_from_date, false
        ) as is_counted,
        case
            when children.young_person_key is null then null
            when children.home_start_date is null then 'placement not recorded'
            when
                last_visits.last_visit_date is null
                and children.as_at_date - children.home_start_date <= 7
                then 'first visit not due yet'
        end as left_out_reason
    from children
    cross join segments
    left join last_visits
        on
            children.young_person_key = last_visits.young_person_key
            and children.as_at_date = last_visits.as_at_date
    union all
    select
        authority,
        as_at_date,
        'visited within a week of a new placement' as measure,
        'all' as segment,
        young_person_key,
        home_number is not null as is_member,
        coalesce(is_counted, false) as is_counted,
        null as left_out_reason
    from new_homes
),

{{ measured('members') }}
