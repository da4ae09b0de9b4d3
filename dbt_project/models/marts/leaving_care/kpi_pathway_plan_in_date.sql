-- grain: one row per authority, snapshot date, measure and segment
with

care_leavers as (
    select
        *,
        case
            when pathway_plan_left_out_reason is not null
                then pathway_plan_left_out_reason
            when pathway_plan_review_date > as_at_date
                then 'review dated after the snapshot'
        end as left_out_reason
    from {{ ref('fct_leaving_care_snapshot') }}
),

members as (
    select
        care_leavers.authority,
        care_leavers.as_at_date,
        care_leavers.young_person_key,
        measures.measure,
        measures.segment,
        measures.is_member,
        coalesce(
            care_leavers.as_at_date
            <= care_leavers.pathway_plan_review_date + interval '6 months',
            false
        ) as is_counted,
        measures.left_out_reason
    from care_leavers
    cross join lateral (
        values
        ('pathway plan reviewed in 6 months', 'all', true, left_out_reason),
        (
            'pathway plan reviewed in 6 months', 'open cases', true,
            case
                when not is_open_case then 'closed case'
                when is_open_case is null then 'case status not recorded'
                else left_out_reason
            end
        ),
        (
            'pathway plan reviewed in 6 months', 'with a pathway plan',
            has_pathway_plan or left_out_reason is not null, left_out_reason
        )
    ) as measures (measure, segment, is_member, left_out_reason)
),

{{ measured('members') }}
