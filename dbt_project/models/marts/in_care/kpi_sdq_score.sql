-- grain: one row per authority, report date, measure and segment
with

children as (
    select children.*
    from {{ ref('fct_continuously_looked_after') }} as children
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on children.authority = deliveries.authority
    where deliveries.has_sdq_scores
),

dates as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
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
    union all
    -- a date without a child keeps one row
    select
        dates.authority,
        dates.as_at_date,
        'mean SDQ score' as measure,
        segments.segment,
        null as young_person_key,
        false as is_member,
        null as value,
        null as left_out_reason
    from dates
    cross join segments
),

{{ averaged('members', "'points'") }}
