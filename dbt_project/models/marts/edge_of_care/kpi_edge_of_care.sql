-- grain: one row per authority, report date, measure and segment
with

snapshot as (
    select * from {{ ref('fct_edge_of_care_snapshot') }}
),

segments as (
    select * from {{ ref('bridge_cohort_segment') }}
),

plan_types as (
    select
        plan_type_code,
        precedence,
        case plan_type_code when 'NONE' then 'none' else plan_type end as plan_type
    from {{ ref('dim_plan_type') }}
),

-- a young person in two cohorts of a segment is one member of it, from the first cohort
-- on
young_people as (
    select distinct on (
        segments.segment, snapshot.as_at_date, snapshot.young_person_key
    )
        snapshot.authority,
        snapshot.as_at_date,
        segments.segment,
        snapshot.young_person_key,
        snapshot.plan_at_start_code,
        snapshot.plan_now_code,
        snapshot.plan_now_precedence_at_most,
        snapshot.has_entered_care,
        snapshot.has_reentered_care
    from snapshot
    inner join segments
        on
            snapshot.cohort_key = segments.cohort_key
            and snapshot.as_at_date >= segments.segment_start_date
    order by
        segments.segment asc, snapshot.as_at_date asc, snapshot.young_person_key asc,
        snapshot.start_date asc, snapshot.cohort asc
),

-- a step down can be certain though the plan now is not known: even the highest plan
-- that it can be is lower than the plan at the start
planned as (
    select
        young_people.*,
        case
            when young_people.plan_now_precedence_at_most < plan_at_start.precedence
                then -1
            else sign(plan_now.precedence - plan_at_start.precedence)
        end as step,
        case
            when young_people.plan_now_precedence_at_most <= early_help.precedence
                then true
            when young_people.plan_now_code is not null
                then plan_now.precedence <= early_help.precedence
        end as has_no_social_work_plan
    from young_people
    inner join plan_types as early_help on early_help.plan_type_code = 'EH'
    left join plan_types as plan_at_start
        on young_people.plan_at_start_code = plan_at_start.plan_type_code
    left join plan_types as plan_now
        on young_people.plan_now_code = plan_now.plan_type_code
),

members as (
    select
        planned.authority,
        planned.as_at_date,
        planned.young_person_key,
        measures.measure,
        planned.segment,
        measures.is_member,
        measures.is_counted,
        case
            when measures.is_member and measures.is_counted is null
                then 'not delivered'
        end as left_out_reason
    from planned
    cross join
        lateral (
            select
                'plan at start: ' || plan_types.plan_type as measure,
                true as is_member,
                planned.plan_at_start_code = plan_types.plan_type_code as is_counted
            from plan_types
            union all
            select
                'plan now: ' || plan_types.plan_type as measure,
                true as is_member,
                planned.plan_now_code = plan_types.plan_type_code as is_counted
            from plan_types
            union all
            select
                changes.measure,
                changes.is_member,
                changes.is_counted
            from (
                values
                ('members', true, true),
                ('stepped down or closed', true, planned.step < 0),
                ('stayed the same', true, planned.step = 0),
                ('stepped up', true, planned.step > 0),
                ('no social work plan now', true, planned.has_no_social_work_plan),
                ('entered care', true, planned.has_entered_care),
                ('re-entered care', true, planned.has_reentered_care),
                (
                    'left care', planned.plan_at_start_code = 'LAC',
                    planned.plan_now_code is distinct from 'LAC'
                )
            ) as changes (measure, is_member, is_counted)
        ) as measures
),

{{ measured('members') }}
