-- grain: one row per authority, date, stage of the pathway and ethnic group
with

-- once a year, and tonight: groups are small, and a figure a quarter would be noise
report_dates as (
    select
        authority,
        report_date as as_at_date,
        {{ first_day_of_period('report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }}
    where is_latest or to_char(report_date, 'MMDD') = '0331'
),

-- a stage is entered in the 12 months (one day), or open at the date (from, to)
stages as (
    select
        authority,
        young_person_key,
        1 as stage_order,
        contact_date as start_date,
        null::date as end_date
    from {{ ref('fct_contacts') }}
    union all
    select
        authority,
        young_person_key,
        2 as stage_order,
        referral_date as start_date,
        null::date as end_date
    from {{ ref('fct_referrals') }}
    union all
    select
        authority,
        young_person_key,
        3 as stage_order,
        start_date,
        end_date
    from {{ ref('fct_plan_spells') }}
    where plan_type_code = 'CP'
    union all
    select
        authority,
        young_person_key,
        4 as stage_order,
        start_date,
        end_date
    from {{ ref('fct_care_periods') }}
    union all
    select
        authority,
        young_person_key,
        5 as stage_order,
        start_date,
        end_date
    from {{ ref('fct_care_periods') }}
),

young_people as (
    select
        young_person_key,
        coalesce({{ census_group('ethnicity_code') }}, 'not known') as ethnic_group
    from {{ ref('dim_young_person') }}
),

-- a child counts once at each stage and date
counted as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        stages.stage_order,
        young_people.ethnic_group,
        count(distinct stages.young_person_key) as child_count
    from report_dates
    inner join stages
        on
            report_dates.authority = stages.authority
            and report_dates.as_at_date >= stages.start_date
            and case
                when stages.stage_order in (1, 2, 4)
                    then report_dates.first_date <= stages.start_date
                else
                    stages.end_date is null or report_dates.as_at_date < stages.end_date
            end
    inner join young_people on stages.young_person_key = young_people.young_person_key
    group by
        report_dates.authority, report_dates.as_at_date, stages.stage_order,
        young_people.ethnic_group
),

names (stage_order, measure) as (
    values
    (1, 'contact in 12 months'),
    (2, 'referral in 12 months'),
    (3, 'child protection plan at the date'),
    (4, 'entry to care in 12 months'),
    (5, 'looked after at the date')
),

ethnic_groups (ethnic_group) as (
    values
    ('White British'),
    ('White other'),
    ('Mixed'),
    ('Asian'),
    ('Black'),
    ('Other')
),

-- the census of children counts before the one of all ages
populations as (
    select distinct on (area_code, ethnic_group)
        area_code,
        ethnic_group,
        population_year,
        age_to,
        population
    from {{ ref('fct_population') }}
    where sex = 'all' and ethnic_group <> 'all'
    order by area_code asc, ethnic_group asc, age_to asc, population_year desc
),

-- every group has its row at every stage, including one without children
complete as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        names.stage_order,
        names.measure,
        ethnic_groups.ethnic_group,
        coalesce(counted.child_count, 0) as child_count,
        coalesce(unknown.child_count, 0) as not_known_count,
        populations.population,
        populations.population_year,
        populations.age_to
    from report_dates
    cross join names
    cross join ethnic_groups
    left join counted
        on
            report_dates.authority = counted.authority
            and report_dates.as_at_date = counted.as_at_date
            and names.stage_order = counted.stage_order
            and ethnic_groups.ethnic_group = counted.ethnic_group
    left join counted as unknown
        on
            report_dates.authority = unknown.authority
            and report_dates.as_at_date = unknown.as_at_date
            and names.stage_order = unknown.stage_order
            and unknown.ethnic_group = 'not known'
    left join populations
        on
            report_dates.authority = populations.area_code
            and ethnic_groups.ethnic_group = populations.ethnic_group
),

-- below 10 children on either side the interval says nothing
beside as (
    select
        complete.*,
        coalesce(reference.child_count, 0) as reference_count,
        reference.population as reference_population,
        case
            when complete.population is null or reference.population is null
                then 'no population by ethnic group is loaded for this authority'
            when complete.population = 0 or reference.population = 0
                then 'no people of the group live in the area'
            when complete.child_count < 10 then 'fewer than 10 children of the group'
            when reference.child_count < 10 then 'fewer than 10 White British children'
        end as silent_reason
    from complete
    inner join complete as reference
        on
            complete.authority = reference.authority
            and complete.as_at_date = reference.as_at_date
            and complete.stage_order = reference.stage_order
            and reference.ethnic_group = 'White British'
),

ratios as (
    select
        *,
        case
            when silent_reason is null
                then
                    child_count::double precision / population
                    / (reference_count::double precision / reference_population)
        end as ratio,
        case
            when silent_reason is null and ethnic_group <> 'White British'
                then
                    exp(
                        1.959964
                        * sqrt(
                            1 / child_count::double precision
                            + 1 / reference_count::double precision
                        )
                    )
        end as spread
    from beside
)

select
    authority,
    as_at_date,
    measure,
    ethnic_group,
    stage_order,
    child_count::integer as child_count,
    not_known_count::integer as not_known_count,
    population,
    population_year,
    case
        when age_to = 17 then 'children aged 0 to 17'
        when age_to is not null then 'people of all ages'
    end as population_of,
    case
        when silent_reason is null then round(child_count * 10000.0 / population, 4)
    end as group_rate_per_10000,
    round(ratio::numeric, 4) as ratio_to_white_british,
    round((ratio / spread)::numeric, 4) as ratio_low,
    round((ratio * spread)::numeric, 4) as ratio_high,
    case
        when ratio / spread > 1 then 'more often'
        when ratio * spread < 1 then 'less often'
        when spread is not null then 'no difference beyond chance'
    end as reads_as,
    silent_reason
from ratios
