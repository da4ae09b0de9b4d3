-- grain: one row per current record of ssd_cin_plans, with the child's other plans and
-- child protection plans
with

-- the days of a child's protection plans in the census, and the days of their start
protection as (
    select
        authority,
        child_id,
        range_agg(
            case
                when coalesce(end_date >= start_date, true)
                    then daterange(start_date, end_date)
            end
        ) as protected_days,
        range_agg(daterange(start_date, start_date, '[]')) as start_days,
        count(*) filter (where end_date is null) as open_count
    from {{ ref('int_census_cp_plans') }}
    where is_in_census and child_id is not null and start_date is not null
    group by authority, child_id
),

-- a plan without a child belongs to the child of its referral
plans as (
    select
        plans.authority,
        plans.record_key,
        plans.person_id,
        plans.cin_plan_id,
        plans.referral_id,
        plans.start_date,
        plans.end_date,
        cases.referral_date,
        cases.is_no_further_action,
        coalesce(cases.is_in_census, true)
        and coalesce(plans.end_date >= {{ census_start('cutoffs.night') }}, true)
            as is_in_census,
        cutoffs.night,
        coalesce(plans.person_id, cases.person_id) as child_id,
        coalesce(plans.person_id, cases.person_id, '|' || plans.record_key) as of_child
    from {{ ref('stg_cin_plans') }} as plans
    left join {{ ref('int_census_cases') }} as cases
        on
            plans.authority = cases.authority
            and plans.referral_id = cases.referral_id
    left join {{ source('ops', 'cutoffs') }} as cutoffs
        on plans.authority = cutoffs.authority
)

select
    plans.authority,
    plans.record_key,
    plans.person_id,
    plans.cin_plan_id,
    plans.referral_id,
    plans.start_date,
    plans.end_date,
    plans.referral_date,
    plans.is_no_further_action,
    people.death_date,
    plans.child_id,
    plans.is_in_census,
    -- of the plans that the census has
    count(case when plans.is_in_census and plans.end_date is null then 1 end)
        over (partition by plans.authority, plans.of_child)
        as open_plan_count,
    -- until when a plan of the child that started no later lasts
    max(
        case when plans.is_in_census then coalesce(plans.end_date, date 'infinity') end
    ) over (
        partition by plans.authority, plans.of_child
        order by plans.start_date
        range between unbounded preceding and current row
        exclude current row
    ) as other_until_date,
    coalesce(protection.open_count, 0) as open_cp_plan_count,
    coalesce(protection.protected_days @> plans.start_date, false)
        as is_start_protected,
    coalesce(
        case
            when plans.start_date <= coalesce(plans.end_date, date 'infinity')
                then
                    protection.start_days
                    && daterange(plans.start_date, plans.end_date)
        end,
        false
    ) as is_protection_start_within,
    plans.night,
    {{ census_start('plans.night') }} as census_start,
    {{ census_end('plans.night') }} as census_end
from plans
left join protection
    on
        plans.authority = protection.authority
        and plans.child_id = protection.child_id
left join {{ ref('int_census_people') }} as people
    on
        plans.authority = people.authority
        and plans.child_id = people.person_id
