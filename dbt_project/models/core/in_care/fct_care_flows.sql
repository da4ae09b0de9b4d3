-- grain: one row per authority, month, placement group and age before and after
with

report_dates as (
    select
        authority,
        min(report_date) as first_date,
        max(report_date) filter (where is_latest) as last_date
    from {{ ref('dim_report_date') }}
    group by authority
),

care_periods as (
    select * from {{ ref('fct_care_periods') }}
),

placements as (
    select * from {{ ref('fct_placements') }}
),

costs as (
    select * from {{ ref('fct_placement_costs') }}
),

-- the dates of birth stay in this model; the rest of core has only the age
birth_dates as (
    select
        young_person_key,
        birth_date
    from {{ birth_dates() }}
),

-- whole months back from the latest date, as long as the pathway is counted
dates as (
    select
        report_dates.authority,
        steps.step,
        (report_dates.last_date - make_interval(months => steps.step))::date
            as as_at_date
    from report_dates
    cross join generate_series(0, 600) as steps (step)
    where
        report_dates.last_date - make_interval(months => steps.step)
        >= report_dates.first_date
),

in_care as (
    select
        dates.authority,
        dates.step,
        care_periods.young_person_key,
        coalesce(placements.placement_group, 'not recorded') as placement_group,
        costs.weekly_cost_gbp,
        extract(
            year from age(dates.as_at_date, birth_dates.birth_date)
        )::integer as age_years
    from dates
    inner join care_periods
        on
            dates.authority = care_periods.authority
            and dates.as_at_date >= care_periods.start_date
            and (
                care_periods.end_date is null
                or dates.as_at_date < care_periods.end_date
            )
    left join birth_dates
        on care_periods.young_person_key = birth_dates.young_person_key
    left join placements
        on
            care_periods.care_period_key = placements.care_period_key
            and dates.as_at_date >= placements.start_date
            and (
                placements.end_date is null or dates.as_at_date < placements.end_date
            )
    left join costs
        on
            placements.placement_key = costs.placement_key
            and dates.as_at_date >= costs.from_date
            and (costs.to_date is null or dates.as_at_date < costs.to_date)
),

banded as (
    select
        *,
        case
            when age_years < 1 then 'under 1'
            when age_years < 5 then '1 to 4'
            when age_years < 10 then '5 to 9'
            when age_years < 16 then '10 to 15'
            when age_years >= 16 then '16 and over'
            else 'not recorded'
        end as age_band
    from in_care
),

-- the earliest date has no month before it
months as (
    select
        dates.authority,
        dates.step,
        dates.as_at_date
    from dates
    inner join dates as earlier
        on dates.authority = earlier.authority and dates.step + 1 = earlier.step
),

before_and_after as (
    select
        coalesce(month_end.authority, month_start.authority) as authority,
        coalesce(month_end.step, month_start.step - 1) as step,
        coalesce(month_start.placement_group, 'not in care') as from_group,
        coalesce(month_start.age_band, 'not in care') as from_age_band,
        coalesce(month_end.placement_group, 'not in care') as to_group,
        coalesce(month_end.age_band, 'not in care') as to_age_band,
        month_end.weekly_cost_gbp
    from banded as month_start
    full outer join banded as month_end
        on
            month_start.authority = month_end.authority
            and month_start.young_person_key = month_end.young_person_key
            and month_start.step - 1 = month_end.step
)

select
    months.authority,
    months.as_at_date,
    before_and_after.from_group,
    before_and_after.from_age_band,
    before_and_after.to_group,
    before_and_after.to_age_band,
    count(*)::integer as child_count,
    count(before_and_after.weekly_cost_gbp)::integer as costed_count,
    coalesce(sum(before_and_after.weekly_cost_gbp), 0)::numeric(16, 2)
        as weekly_cost_gbp
from months
inner join before_and_after
    on
        months.authority = before_and_after.authority
        and months.step = before_and_after.step
group by
    months.authority,
    months.as_at_date,
    before_and_after.from_group,
    before_and_after.from_age_band,
    before_and_after.to_group,
    before_and_after.to_age_band
