-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_placements and deliveries.has_families
),

children as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        siblings.young_person_key,
        siblings.sibling_count,
        siblings.together_count,
        siblings.unknown_count
    from report_dates
    left join {{ ref('fct_sibling_placements') }} as siblings
        on
            report_dates.authority = siblings.authority
            and report_dates.report_date = siblings.as_at_date
),

-- an unknown postcode matters only where the known ones do not settle the answer
members as (
    select
        children.authority,
        children.as_at_date,
        measures.measure,
        'all' as segment,
        children.young_person_key,
        children.young_person_key is not null as is_member,
        measures.is_counted,
        case when measures.is_unknown then 'postcode not recorded' end
            as left_out_reason
    from children
    cross join lateral (
        values
        (
            'placed with all siblings in care',
            together_count = sibling_count,
            unknown_count > 0 and together_count + unknown_count = sibling_count
        ),
        (
            'placed with a sibling in care',
            together_count > 0,
            unknown_count > 0 and together_count = 0
        )
    ) as measures (measure, is_counted, is_unknown)
),

{{ measured('members') }}
