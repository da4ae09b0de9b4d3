-- grain: one row per list of segments, authority and member
-- A list that is the same for every authority has its members once, without an
-- authority.
{{ config(materialized='view', access='private') }}
with

cohort_segments as (
    select * from {{ ref('bridge_cohort_segment') }}
),

code_lists as (
    select * from {{ ref('code_lists') }}
),

needs as (
    select * from {{ ref('dim_need') }}
    where is_stated
),

placement_types as (
    select * from {{ ref('dim_placement_type') }}
),

plan_types as (
    select * from {{ ref('dim_plan_type') }}
),

programmes as (
    select * from {{ ref('dim_programme') }}
),

programme_placements as (
    select * from {{ ref('fct_programme_placement_snapshot') }}
),

programme_costs as (
    select * from {{ ref('fct_programme_cost_snapshot') }}
),

sensitivity_values as (
    select * from {{ ref('sensitivity_values') }}
),

teams as (
    select * from {{ ref('dim_team') }}
),

-- a segment of several cohorts has the key of none of them
cohorts as (
    select
        authority,
        programme_code,
        segment,
        min(segment_start_date) as first_date,
        case when count(*) = 1 then min(cohort_key) end as cohort_key
    from cohort_segments
    group by authority, programme_code, segment
),

-- two teams of one name are one segment, without the key of either
team_names as (
    select
        authority,
        team_name,
        case when count(*) = 1 then min(team_key) end as team_key
    from teams
    where team_name is not null
    group by authority, team_name
),

-- the years of a programme so far
programme_years as (
    select
        authority,
        programme_code,
        generate_series(
            1,
            extract(
                year from age(max(as_at_date), min(programme_start_date))
            )::integer + 1
        ) as programme_year
    from programme_placements
    group by authority, programme_code
),

-- the weekly costs at which the savings of a programme are tried
residential_weeks as (
    select
        programme_costs.authority,
        programme_costs.programme_code,
        programme_costs.programme,
        sensitivity_values.value as week_gbp
    from programme_costs
    cross join sensitivity_values
    where sensitivity_values.assumption = 'residential week'
    union
    select
        authority,
        programme_code,
        programme,
        residential_week_gbp as week_gbp
    from programme_costs
    where residential_week_gbp is not null
)

select
    'cohort' as list_name,
    authority,
    segment as member,
    row_number() over (
        partition by authority order by programme_code, first_date, segment
    ) as member_order,
    jsonb_build_object(
        'programme_code', programme_code, 'cohort_key', cohort_key
    ) as keys
from cohorts
union all
select
    'eligibility' as list_name,
    null as authority,
    lower(description) as member,
    sort_order as member_order,
    jsonb_build_object('eligibility_code', code) as keys
from code_lists
where code_list = 'eligibility'
union all
select
    'need' as list_name,
    null as authority,
    lower(description) as member,
    sort_order as member_order,
    jsonb_build_object('need_code', need_code) as keys
from needs
union all
select
    'panel' as list_name,
    null as authority,
    description as member,
    sort_order as member_order,
    jsonb_build_object('panel_code', code) as keys
from code_lists
where code_list = 'panel'
union all
select
    'placement group' as list_name,
    null as authority,
    placement_group as member,
    min(sort_order) as member_order,
    jsonb_build_object('placement_group', placement_group) as keys
from placement_types
group by placement_group
union all
select
    'plan type' as list_name,
    null as authority,
    plan_type as member,
    precedence as member_order,
    jsonb_build_object('plan_type_code', plan_type_code) as keys
from plan_types
union all
select
    'programme' as list_name,
    null as authority,
    programme as member,
    row_number() over (order by programme_code) as member_order,
    jsonb_build_object('programme_code', programme_code) as keys
from programmes
union all
select
    'programme year' as list_name,
    programme_years.authority,
    programmes.programme || ', year ' || programme_years.programme_year as member,
    programme_years.programme_year as member_order,
    jsonb_build_object('programme_code', programmes.programme_code) as keys
from programme_years
inner join programmes on programme_years.programme_code = programmes.programme_code
union all
select
    'residential week' as list_name,
    authority,
    programme || ': residential at '
    || {{ pounds('week_gbp') }} as member,
    week_gbp as member_order,
    jsonb_build_object('programme_code', programme_code) as keys
from residential_weeks
union all
select
    'residential share and week' as list_name,
    residential_weeks.authority,
    residential_weeks.programme || ': ' || round(100 * shares.value)
    || ' % residential at '
    || {{ pounds('residential_weeks.week_gbp') }} as member,
    100 * residential_weeks.week_gbp + shares.value as member_order,
    jsonb_build_object('programme_code', residential_weeks.programme_code) as keys
from residential_weeks
inner join sensitivity_values as shares on shares.assumption = 'residential share'
union all
select
    'team' as list_name,
    authority,
    team_name as member,
    row_number() over (partition by authority order by team_name) as member_order,
    jsonb_build_object('team_key', team_key) as keys
from team_names
