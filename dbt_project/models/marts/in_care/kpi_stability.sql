-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_placements
),

looked_after as (
    select * from {{ ref('fct_looked_after') }}
),

children as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        looked_after.young_person_key,
        looked_after.young_person_key is not null as is_member,
        looked_after.placement_count_12_months,
        looked_after.move_count_12_months,
        looked_after.is_long_stay,
        looked_after.is_settled,
        looked_after.age_years,
        case
            when looked_after.placement_key is null then 'placement not recorded'
        end as placement_left_out_reason
    from report_dates
    left join looked_after
        on
            report_dates.authority = looked_after.authority
            and report_dates.report_date = looked_after.as_at_date
),

members as (
    select
        children.authority,
        children.as_at_date,
        children.young_person_key,
        measures.measure,
        measures.segment,
        measures.is_member,
        measures.is_counted,
        case when measures.is_member then measures.left_out_reason end
            as left_out_reason
    from children
    cross join lateral (
        values
        (
            'three or more placements in 12 months', 'all', is_member,
            placement_count_12_months >= 3, placement_left_out_reason
        ),
        (
            'moved in 12 months', 'all', is_member,
            move_count_12_months >= 1, placement_left_out_reason
        ),
        (
            'same placement for 2 years', 'under 16, looked after for 2.5 years',
            is_member and coalesce(is_long_stay, is_member), is_settled,
            case
                when age_years is null then 'date of birth not recorded'
                else placement_left_out_reason
            end
        )
    ) as measures (measure, segment, is_member, is_counted, left_out_reason)
),

{{ measured('members') }}
