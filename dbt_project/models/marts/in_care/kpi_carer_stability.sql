-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
        {{ first_day_of_period('report_dates.report_date', 12) }} as first_date,
        {{ first_day_of_period('report_dates.report_date', 24) }} as first_date_of_two
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_placements
),

carers as (
    select * from {{ ref('fct_placement_carers') }}
),

children as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        report_dates.first_date,
        report_dates.first_date_of_two,
        looked_after.young_person_key,
        looked_after.placement_key,
        looked_after.age_years,
        looked_after.is_long_stay,
        looked_after.care_start_date
        <= report_dates.first_date_of_two as is_in_care_for_two_years
    from report_dates
    left join {{ ref('fct_looked_after') }} as looked_after
        on
            report_dates.authority = looked_after.authority
            and report_dates.report_date = looked_after.as_at_date
),

-- carers of the first day and those since; an absence of some days adds none
counts as (
    select
        children.as_at_date,
        children.young_person_key,
        count(distinct carers.care_period_key || '|' || carers.carer_number) filter (
            where carers.end_date is null or carers.end_date > children.first_date
        ) as carer_count,
        count(distinct carers.care_period_key || '|' || carers.carer_number)
            as carer_count_of_two
    from children
    inner join carers
        on
            children.young_person_key = carers.young_person_key
            and children.as_at_date >= carers.start_date
            and (
                carers.end_date is null
                or children.first_date_of_two < carers.end_date
            )
    where not carers.is_temporary
    group by children.as_at_date, children.young_person_key
),

assembled as (
    select
        children.*,
        coalesce(counts.carer_count, 0) as carer_count,
        coalesce(counts.carer_count_of_two, 0) as carer_count_of_two,
        current_carers.carer_from_date
        <= children.as_at_date - interval '24 months' as is_same_carer,
        case
            when
                children.young_person_key is not null
                and children.placement_key is null
                then 'placement not recorded'
        end as fault
    from children
    left join counts
        on
            children.young_person_key = counts.young_person_key
            and children.as_at_date = counts.as_at_date
    left join carers as current_carers
        on children.placement_key = current_carers.placement_key
),

members as (
    select
        assembled.authority,
        assembled.as_at_date,
        measures.measure,
        measures.segment,
        assembled.young_person_key,
        measures.is_member,
        measures.is_counted,
        case when measures.is_member then measures.left_out_reason end
            as left_out_reason
    from assembled
    cross join lateral (
        values
        (
            'three or more carers in 12 months', 'all',
            young_person_key is not null, carer_count >= 3, fault
        ),
        (
            'three or more carers in 2 years', 'all',
            young_person_key is not null and is_in_care_for_two_years,
            carer_count_of_two >= 3, fault
        ),
        (
            'same carer for 2 years', 'all',
            young_person_key is not null and coalesce(is_long_stay, true),
            is_same_carer,
            case when age_years is null then 'date of birth not recorded' else fault end
        )
    ) as measures (measure, segment, is_member, is_counted, left_out_reason)
),

{{ measured('members') }}
