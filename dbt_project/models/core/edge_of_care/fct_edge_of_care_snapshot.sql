-- grain: one row per young person, cohort of an edge-of-care programme and report date
{{ config(materialized='kept') }}
with

memberships as (
    select * from {{ ref('fct_programme_membership') }}
),

cohorts as (
    select * from {{ ref('dim_cohort') }}
    where programme_kind = 'edge of care'
),

report_dates as (
    select
        authority,
        report_date
    from {{ ref('dim_report_date') }}
),

plans as (
    select * from {{ ref('fct_plan_timeline') }}
),

care_periods as (
    select * from {{ ref('fct_care_periods') }}
),

plan_types as (
    select * from {{ ref('dim_plan_type') }}
),

-- a plan is known where the authority delivers every plan of higher precedence; a child
-- on none of the delivered plans may be on one that is not delivered
delivered as (
    select
        bridge.authority,
        max(plan_types.precedence) filter (where not bridge.is_delivered)
            as missing_precedence,
        bool_or(bridge.is_delivered) filter (where bridge.plan_type_code = 'LAC')
            as has_care
    from {{ ref('bridge_authority_plan_type') }} as bridge
    inner join plan_types on bridge.plan_type_code = plan_types.plan_type_code
    group by bridge.authority
),

-- a child who joined a cohort twice is one member of it, from the first day
members as (
    select
        cohorts.cohort_key,
        memberships.authority,
        memberships.young_person_key,
        memberships.programme_code,
        memberships.cohort,
        min(memberships.start_date) as start_date
    from memberships
    inner join cohorts
        on
            memberships.authority = cohorts.authority
            and memberships.programme_code = cohorts.programme_code
            and memberships.cohort = cohorts.cohort
    group by
        cohorts.cohort_key, memberships.authority, memberships.young_person_key,
        memberships.programme_code, memberships.cohort
),

-- entries after the day of joining; a child who joined while in care has not entered
entries as (
    select
        members.cohort_key,
        members.young_person_key,
        report_dates.report_date as as_at_date,
        bool_or(care_periods.is_reentry_within_12_months) as has_reentered_care
    from members
    inner join report_dates on members.authority = report_dates.authority
    inner join care_periods
        on
            members.young_person_key = care_periods.young_person_key
            and members.start_date < care_periods.start_date
            and report_dates.report_date >= care_periods.start_date
            and {{ is_due('report_dates', 'members.young_person_key') }}
    group by
        members.cohort_key, members.young_person_key, report_dates.report_date
)

select
    members.cohort_key,
    members.young_person_key,
    report_dates.report_date as as_at_date,
    members.authority,
    members.programme_code,
    members.cohort,
    members.start_date,
    case
        when coalesce(delivered.missing_precedence < type_at_start.precedence, true)
            then type_at_start.plan_type_code
    end as plan_at_start_code,
    case
        when coalesce(delivered.missing_precedence < type_now.precedence, true)
            then type_now.plan_type_code
    end as plan_now_code,
    greatest(type_now.precedence, delivered.missing_precedence)
        as plan_now_precedence_at_most,
    case when delivered.has_care then entries.young_person_key is not null end
        as has_entered_care,
    case when delivered.has_care then coalesce(entries.has_reentered_care, false) end
        as has_reentered_care
from members
inner join report_dates
    on
        members.authority = report_dates.authority
        and members.start_date <= report_dates.report_date
        and {{ is_due('report_dates', 'members.young_person_key') }}
inner join delivered on members.authority = delivered.authority
left join plans as plan_at_start
    on
        members.young_person_key = plan_at_start.young_person_key
        and members.start_date >= plan_at_start.from_date
        and members.start_date < coalesce(plan_at_start.to_date, 'infinity')
left join plans as plan_now
    on
        members.young_person_key = plan_now.young_person_key
        and report_dates.report_date >= plan_now.from_date
        and report_dates.report_date < coalesce(plan_now.to_date, 'infinity')
inner join plan_types as type_at_start
    on
        coalesce(plan_at_start.plan_type_code, 'NONE')
        = type_at_start.plan_type_code
inner join plan_types as type_now
    on coalesce(plan_now.plan_type_code, 'NONE') = type_now.plan_type_code
left join entries
    on
        members.cohort_key = entries.cohort_key
        and members.young_person_key = entries.young_person_key
        and report_dates.report_date = entries.as_at_date
