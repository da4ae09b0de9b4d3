-- grain: one row per looked-after child per report date
{{ config(materialized='kept') }}
with

report_dates as (
    select
        authority,
        report_date,
        {{ first_day_of_period('report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }}
),

deliveries as (
    select * from {{ ref('dim_care_delivery') }}
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

legal_statuses as (
    select * from {{ ref('fct_legal_statuses') }}
),

immigration_statuses as (
    select * from {{ ref('fct_immigration_status') }}
    where is_uasc
),

-- the dates of birth stay in this model; the rest of core has only the age
birth_dates as (
    select
        young_person_key,
        birth_date
    from {{ birth_dates() }}
),

looked_after as (
    select
        report_dates.report_date as as_at_date,
        report_dates.first_date,
        care_periods.authority,
        care_periods.young_person_key,
        care_periods.care_period_key,
        care_periods.start_date,
        care_periods.need_code
    from report_dates
    inner join care_periods
        on
            report_dates.authority = care_periods.authority
            and report_dates.report_date >= care_periods.start_date
            and (
                care_periods.end_date is null
                or report_dates.report_date < care_periods.end_date
            )
            and {{ is_due('report_dates', 'care_periods.young_person_key') }}
),

-- DfE counts the placements of the year: those there on its first day and those begun
-- since; a return from a temporary absence is to the same home
moves as (
    select
        looked_after.as_at_date,
        looked_after.young_person_key,
        count(distinct placements.care_period_key || '|' || placements.home_number)
            as placement_count,
        count(*) filter (
            where placements.is_move
            and placements.start_date >= looked_after.first_date
        ) as move_count
    from looked_after
    inner join placements
        on
            looked_after.young_person_key = placements.young_person_key
            and looked_after.as_at_date >= placements.start_date
            and (
                placements.end_date is null
                or looked_after.first_date < placements.end_date
            )
    where not placements.is_temporary
    group by looked_after.as_at_date, looked_after.young_person_key
),

unaccompanied as (
    select
        looked_after.as_at_date,
        looked_after.young_person_key
    from looked_after
    inner join immigration_statuses
        on
            looked_after.young_person_key = immigration_statuses.young_person_key
            and coalesce(
                looked_after.as_at_date >= immigration_statuses.start_date, true
            )
            and coalesce(
                looked_after.as_at_date <= immigration_statuses.end_date, true
            )
    group by looked_after.as_at_date, looked_after.young_person_key
),

assembled as (
    select
        looked_after.*,
        extract(
            year from age(looked_after.as_at_date, birth_dates.birth_date)
        )::integer as age_years,
        case
            when deliveries.has_immigration_statuses
                then unaccompanied.young_person_key is not null
        end as is_uasc,
        legal_statuses.legal_status_code,
        placements.placement_key,
        placements.start_date as placement_start_date,
        placements.settled_from_date,
        placements.placement_type_code,
        placements.placement_group,
        placements.provider_code,
        placements.provider_key,
        placements.distance_miles,
        placements.is_over_20_miles,
        placements.is_in_area,
        costs.weekly_cost_gbp,
        costs.programme_code,
        coalesce(moves.placement_count, 0)::integer as placement_count_12_months,
        coalesce(moves.move_count, 0)::integer as move_count_12_months
    from looked_after
    left join deliveries on looked_after.authority = deliveries.authority
    left join birth_dates
        on looked_after.young_person_key = birth_dates.young_person_key
    left join unaccompanied
        on
            looked_after.young_person_key = unaccompanied.young_person_key
            and looked_after.as_at_date = unaccompanied.as_at_date
    left join moves
        on
            looked_after.young_person_key = moves.young_person_key
            and looked_after.as_at_date = moves.as_at_date
    left join legal_statuses
        on
            looked_after.young_person_key = legal_statuses.young_person_key
            and looked_after.as_at_date >= legal_statuses.start_date
            and (
                legal_statuses.end_date is null
                or looked_after.as_at_date < legal_statuses.end_date
            )
    left join placements
        on
            looked_after.care_period_key = placements.care_period_key
            and looked_after.as_at_date >= placements.start_date
            and (
                placements.end_date is null
                or looked_after.as_at_date < placements.end_date
            )
    left join costs
        on
            placements.placement_key = costs.placement_key
            and looked_after.as_at_date >= costs.from_date
            and (costs.to_date is null or looked_after.as_at_date < costs.to_date)
)

select
    young_person_key,
    authority,
    as_at_date,
    care_period_key,
    start_date as care_start_date,
    as_at_date - start_date as care_day_count,
    age_years,
    case
        when age_years < 1 then 'under 1'
        when age_years < 5 then '1 to 4'
        when age_years < 10 then '5 to 9'
        when age_years < 16 then '10 to 15'
        when age_years >= 16 then '16 and over'
    end as age_band,
    need_code,
    is_uasc,
    legal_status_code,
    placement_key,
    placement_start_date,
    placement_type_code,
    placement_group,
    provider_code,
    provider_key,
    distance_miles,
    is_over_20_miles,
    is_in_area,
    weekly_cost_gbp,
    programme_code,
    settled_from_date,
    placement_count_12_months,
    move_count_12_months,
    age_years < 16 and start_date <= as_at_date - interval '30 months' as is_long_stay,
    settled_from_date <= as_at_date - interval '24 months' as is_settled
from assembled
