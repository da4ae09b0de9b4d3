-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
        deliveries.has_distances,
        deliveries.has_areas
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_placements
),

looked_after as (
    select * from {{ ref('fct_looked_after') }}
),

placement_groups as (
    select distinct placement_group from {{ ref('dim_placement_type') }}
),

children as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        looked_after.young_person_key,
        looked_after.young_person_key is not null as is_member,
        looked_after.placement_group,
        looked_after.placement_type_code,
        looked_after.is_over_20_miles,
        looked_after.is_in_area,
        case
            when looked_after.placement_key is null then 'placement not recorded'
            when looked_after.placement_type_code is null
                then 'type of placement not recorded'
        end as placement_left_out_reason,
        case
            when not report_dates.has_distances then 'not delivered'
            when looked_after.distance_miles is null then 'distance not recorded'
        end as distance_left_out_reason,
        case
            when not report_dates.has_areas then 'not delivered'
            when looked_after.is_in_area is null then 'area not known'
        end as area_left_out_reason
    from report_dates
    left join looked_after
        on
            report_dates.authority = looked_after.authority
            and report_dates.report_date = looked_after.as_at_date
),

-- a date without a child looked after has a row with 0
members as (
    select
        children.authority,
        children.as_at_date,
        children.young_person_key,
        'placement group' as measure,
        placement_groups.placement_group as segment,
        children.is_member,
        children.placement_group = placement_groups.placement_group as is_counted,
        case when children.is_member then children.placement_left_out_reason end
            as left_out_reason
    from children
    cross join placement_groups
    union all
    select
        authority,
        as_at_date,
        young_person_key,
        'fostered by relatives or friends' as measure,
        'fostered' as segment,
        is_member
        and (placement_type_code is null or placement_group = 'foster') as is_member,
        placement_type_code in ('U1', 'U2', 'U3') as is_counted,
        case when is_member then placement_left_out_reason end as left_out_reason
    from children
    union all
    select
        authority,
        as_at_date,
        young_person_key,
        'placed over 20 miles from home' as measure,
        'all' as segment,
        is_member,
        is_over_20_miles as is_counted,
        case when is_member then distance_left_out_reason end as left_out_reason
    from children
    union all
    select
        authority,
        as_at_date,
        young_person_key,
        'placed out of area' as measure,
        'all' as segment,
        is_member,
        not is_in_area as is_counted,
        case when is_member then area_left_out_reason end as left_out_reason
    from children
    -- a child with only one of the two facts is left out, even if that one is no:
    -- counting only the certain noes would make the share too small
    union all
    select
        authority,
        as_at_date,
        young_person_key,
        'placed out of area and over 20 miles from home' as measure,
        'all' as segment,
        is_member,
        not is_in_area and is_over_20_miles as is_counted,
        case
            when is_member
                then coalesce(area_left_out_reason, distance_left_out_reason)
        end as left_out_reason
    from children
),

{{ measured('members') }}
