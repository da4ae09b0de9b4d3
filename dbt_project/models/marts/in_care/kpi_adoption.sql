-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
        {{ first_day_of_period('report_dates.report_date', 3) }} as quarter_start_date,
        {{ first_day_of_period('report_dates.report_date', 36) }} as first_date
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_permanence
),

permanence as (
    select
        young_person_key,
        authority as of_authority,
        care_start_date,
        care_end_date,
        is_adopted,
        adm_decision_date,
        placement_order_date,
        matched_date,
        placed_for_adoption_date,
        decision_reversed_date,
        coalesce(care_end_date, 'infinity'::date) as in_care_until_date,
        coalesce(decision_reversed_date, 'infinity'::date) as planned_until_date
    from {{ ref('fct_permanence') }}
    where adm_decision_date is not null or is_adopted
),

judged as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        permanence.*,
        report_dates.quarter_start_date,
        -- the plan is adoption at the end of the date
        coalesce(
            adm_decision_date <= report_date
            and report_date < planned_until_date
            and report_date < in_care_until_date,
            false
        ) as is_planned,
        coalesce(
            is_adopted and care_end_date between first_date and report_date, false
        ) as is_adopted_in_3_years,
        coalesce(placed_for_adoption_date <= report_date, false) as is_placed,
        least(placed_for_adoption_date, report_date)
        < (care_start_date + interval '14 months')::date as is_within_14_months
    from report_dates
    left join permanence on report_dates.authority = permanence.of_authority
),

members as (
    select
        judged.authority,
        judged.as_at_date,
        measures.measure,
        'all' as segment,
        judged.young_person_key,
        coalesce(measures.is_member, false) as is_member,
        measures.is_counted,
        case when measures.is_member then measures.left_out_reason end
            as left_out_reason
    from judged
    cross join
        lateral (
            values
            (
                'decisions for adoption in 3 months',
                adm_decision_date between quarter_start_date and as_at_date,
                true, null
            ),
            (
                'placement orders in 3 months',
                placement_order_date between quarter_start_date and as_at_date,
                true, null
            ),
            (
                'matched in 3 months',
                matched_date between quarter_start_date and as_at_date, true, null
            ),
            (
                'placed for adoption in 3 months',
                placed_for_adoption_date between quarter_start_date and as_at_date,
                true, null
            ),
            (
                'adopted in 3 months',
                is_adopted
                and care_end_date between quarter_start_date and as_at_date,
                true, null
            ),
            (
                'decisions reversed in 3 months',
                decision_reversed_date between quarter_start_date and as_at_date,
                true, null
            ),
            ('waiting to be placed', is_planned and not is_placed, true, null),
            (
                'waiting to be placed with a placement order',
                is_planned and not is_placed
                and placement_order_date <= as_at_date,
                true, null
            ),
            (
                'A3: moved in within 14 months',
                is_adopted_in_3_years or is_planned, is_within_14_months,
                case
                    when care_start_date is null then 'period of care not recorded'
                    when is_adopted_in_3_years and placed_for_adoption_date is null
                        then 'date of moving in not recorded'
                end
            )
        ) as measures (measure, is_member, is_counted, left_out_reason)
),

{{ measured('members') }}
