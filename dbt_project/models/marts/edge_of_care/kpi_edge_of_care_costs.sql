-- grain: one row per authority, report date, measure and segment
with

snapshot as (
    select * from {{ ref('fct_edge_of_care_snapshot') }}
),

segments as (
    select * from {{ ref('bridge_cohort_segment') }}
),

programme_costs as (
    select * from {{ ref('fct_programme_costs') }}
),

plan_types as (
    select * from {{ ref('dim_plan_type') }}
),

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

unit_costs as (
    select * from {{ ref('dim_unit_cost') }}
    where unit_cost_code = 'CIN_PLAN_6_MONTHS'
),

-- a young person in two cohorts of a segment is one member of it, from the first cohort
-- on
young_people as (
    select distinct on (
        segments.segment, snapshot.as_at_date, snapshot.young_person_key
    )
        snapshot.authority,
        snapshot.programme_code,
        snapshot.as_at_date,
        segments.segment,
        snapshot.plan_at_start_code,
        snapshot.plan_now_code,
        snapshot.plan_at_start_code is null
        or (
            snapshot.plan_now_code is null
            and snapshot.plan_now_precedence_at_most >= plan_types.precedence
        ) as is_left_out
    from snapshot
    inner join plan_types on plan_types.plan_type_code = 'CIN'
    inner join segments
        on
            snapshot.cohort_key = segments.cohort_key
            and snapshot.as_at_date >= segments.segment_start_date
    order by
        segments.segment asc, snapshot.as_at_date asc, snapshot.young_person_key asc,
        snapshot.start_date asc, snapshot.cohort asc
),

counted as (
    select
        authority,
        programme_code,
        as_at_date,
        segment,
        count(*) filter (where not is_left_out) as member_count,
        count(*) filter (where is_left_out) as left_out_count,
        count(*) filter (where not is_left_out and plan_at_start_code in ('CIN', 'CP'))
            as start_count,
        count(*) filter (where not is_left_out and plan_now_code in ('CIN', 'CP'))
            as now_count
    from young_people
    group by authority, programme_code, as_at_date, segment
),

-- what the amounts whose period covers the report date pay in a year; an amount without
-- a readable end may cover it, and is left out and counted like one that cannot be read
annual as (
    select
        programme_costs.authority,
        programme_costs.programme_code,
        report_dates.report_date as as_at_date,
        sum(programme_costs.amount_gbp * 12 / months.month_count) as annual_gbp,
        count(months.month_count + programme_costs.amount_gbp) as cost_count,
        count(*) - count(months.month_count + programme_costs.amount_gbp)
            as unusable_cost_count
    from programme_costs
    inner join report_dates
        on
            programme_costs.authority = report_dates.authority
            and programme_costs.from_date <= report_dates.report_date
            and coalesce(programme_costs.to_date, 'infinity') > report_dates.report_date
    cross join
        lateral (
            values (age(programme_costs.to_date, programme_costs.from_date))
        ) as periods (length)
    cross join
        lateral (
            values (
                extract(year from periods.length) * 12
                + extract(month from periods.length)
                + extract(day from periods.length) * 12 / 365.25
            )
        ) as months (month_count)
    group by
        programme_costs.authority, programme_costs.programme_code,
        report_dates.report_date
),

valued as (
    select
        counted.*,
        case when counted.member_count > 0 then counted.start_count end
            as on_plan_start,
        case when counted.member_count > 0 then counted.now_count end as on_plan_now,
        case
            when counted.member_count > 0
                then counted.start_count - counted.now_count
        end as reduction,
        unit_costs.amount_gbp as unit_cost_gbp,
        unit_costs.source || ' (prices of ' || unit_costs.price_year || ')'
            as unit_cost_source,
        annual.annual_gbp,
        coalesce(annual.cost_count, 0) as cost_count,
        coalesce(annual.unusable_cost_count, 0) as unusable_cost_count
    from counted
    left join unit_costs
        on
            counted.authority = unit_costs.authority
            and counted.as_at_date = unit_costs.report_date
    left join annual
        on
            counted.authority = annual.authority
            and counted.programme_code = annual.programme_code
            and counted.as_at_date = annual.as_at_date
)

select
    authority,
    as_at_date,
    measures.measure,
    segment,
    round(measures.value, 4)::numeric(16, 4) as value,
    measures.unit,
    measures.record_count::integer as record_count,
    case
        when measures.is_of_members then left_out_count
        when measures.measure = 'annual cost of the team' then unusable_cost_count
        else 0
    end::integer as left_out_count,
    case
        when measures.is_of_members and left_out_count > 0
            then 'not delivered: ' || left_out_count
        when measures.measure = 'annual cost of the team' and unusable_cost_count > 0
            then 'amount or period not readable: ' || unusable_cost_count
        when measures.value is null then measures.missing
    end as left_out_reason,
    measures.assumption
from valued
cross join
    lateral (
        values
        (
            'on a child in need or child protection plan at start', on_plan_start,
            'children', member_count, true, null,
            'plan of highest precedence on the day of joining; looked after is no such'
            || ' plan'
        ),
        (
            'on a child in need or child protection plan now', on_plan_now,
            'children', member_count, true, null,
            'plan of highest precedence on the report date'
        ),
        (
            'reduction in children on a plan', reduction,
            'children', member_count, true, null,
            'without the programme as many would be on a plan as at the start'
        ),
        (
            'cost of a child in need plan for 6 months', unit_cost_gbp,
            'GBP', (unit_cost_gbp is not null)::integer, false, 'no unit cost known',
            unit_cost_source
        ),
        (
            'savings in 6 months', reduction * unit_cost_gbp,
            'GBP', member_count, true, 'no unit cost known',
            'each child no longer on a plan saves 6 months of one, and a child'
            || ' protection plan costs no more than a child in need plan: '
            || unit_cost_source
        ),
        (
            'annualised savings', 2 * reduction * unit_cost_gbp,
            'GBP', member_count, true, 'no unit cost known',
            'the saving of 6 months lasts for 12'
        ),
        (
            'annual cost of the team', annual_gbp,
            'GBP', cost_count, false, 'no cost recorded for this date',
            'costs recorded for the report date, as for 12 months; the whole team''s,'
            || ' whatever the segment'
        )
    ) as measures (
        measure, value, unit, record_count, is_of_members, missing, assumption
    )
