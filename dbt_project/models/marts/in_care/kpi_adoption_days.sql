-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
        {{ first_day_of_period('report_dates.report_date', 36) }} as first_date
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_permanence
),

permanence as (
    select * from {{ ref('fct_permanence') }}
    where is_adopted
),

-- a date without an adoption keeps one row
adopted as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        permanence.young_person_key,
        permanence.care_start_date,
        permanence.placed_for_adoption_date,
        permanence.placement_order_date,
        permanence.matched_date,
        permanence.placed_foster_carer_date,
        coalesce(permanence.is_adopted_by_carer, false) as is_adopted_by_carer
    from report_dates
    left join permanence
        on
            report_dates.authority = permanence.authority
            and permanence.care_end_date between report_dates.first_date
            and report_dates.report_date
),

members as (
    select
        adopted.authority,
        adopted.as_at_date,
        measures.measure,
        'all' as segment,
        adopted.young_person_key,
        adopted.young_person_key is not null and measures.is_member as is_member,
        measures.value,
        case
            when adopted.young_person_key is not null then measures.left_out_reason
        end as left_out_reason
    from adopted
    cross join
        lateral (
            values
            (
                'A1: days from entering care to moving in', true,
                placed_for_adoption_date - care_start_date,
                case
                    when placed_for_adoption_date is null
                        then 'date of moving in not recorded'
                end
            ),
            -- the clock of a child adopted by foster carers stops where it moved in
            -- with them, but not before it entered care
            (
                'A10: days from entering care to moving in, foster carers adjusted',
                true,
                case
                    when is_adopted_by_carer
                        then greatest(placed_foster_carer_date - care_start_date, 0)
                    else placed_for_adoption_date - care_start_date
                end,
                case
                    when is_adopted_by_carer and placed_foster_carer_date is null
                        then 'date of moving in with the foster carers not recorded'
                    when
                        not is_adopted_by_carer
                        and placed_for_adoption_date is null
                        then 'date of moving in not recorded'
                end
            ),
            -- a match before the order took no time; a child who was never placed or
            -- has no order is not of this measure
            (
                'A2: days from placement order to match',
                placement_order_date is not null
                and placed_for_adoption_date is not null,
                greatest(matched_date - placement_order_date, 0),
                case when matched_date is null then 'date of match not recorded' end
            )
        ) as measures (measure, is_member, value, left_out_reason)
),

{{ averaged('members', "'days'") }}
