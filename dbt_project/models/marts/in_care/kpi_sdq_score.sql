-- grain: one row per authority, report date, measure and segment
with

children as (
    select children.*
    from {{ ref('fct_continuously_looked_after') }} as children
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on children.authority = deliveries.authority
    where deliveries.has_sdq_scores
),

segments (segment, sex_code) as (
    values
    ('all', null),
    ('female', 'F'),
    ('male', 'M')
),

members as (
    select
        children.authority,
        children.as_at_date,
        'mean SDQ score' as measure,
        segments.segment,
        children.young_person_key,
        coalesce(children.age_years between 5 and 16, false)
        and (
            segments.sex_code is null
            or coalesce(children.sex_code = segments.sex_code, false)
        ) as is_member,
        children.sdq_score as value,
        case when children.sdq_score is null then 'no score in the 12 months' end
            as left_out_reason
    from children
    cross join segments
),

{{ averaged('members', "'points'") }}
