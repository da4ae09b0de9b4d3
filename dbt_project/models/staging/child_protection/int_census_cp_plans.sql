-- grain: one row per current record of ssd_cp_plans, with the child's other plans and
-- the conferences of its referral
with

conferences as (
    select
        authority,
        referral_id,
        range_agg(daterange(conference_date, conference_date, '[]')) as conference_days
    from {{ ref('int_census_conferences') }}
    where referral_id is not null and conference_date is not null
    group by authority, referral_id
),

plans as (
    select
        plans.authority,
        plans.record_key,
        plans.person_id,
        plans.cp_plan_id,
        plans.referral_id,
        plans.start_date,
        plans.end_date,
        plans.initial_category_code,
        plans.latest_category_code,
        cases.referral_date,
        cases.is_no_further_action,
        coalesce(cases.is_in_census, true)
        and coalesce(plans.end_date >= {{ census_start('cutoffs.night') }}, true)
            as is_in_census,
        cutoffs.night,
        coalesce(plans.person_id, cases.person_id) as child_id,
        coalesce(plans.person_id, cases.person_id, '|' || plans.record_key) as of_child
    from {{ ref('stg_cp_plans') }} as plans
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
    plans.cp_plan_id,
    plans.referral_id,
    plans.start_date,
    plans.end_date,
    plans.initial_category_code,
    plans.latest_category_code,
    plans.referral_date,
    plans.is_no_further_action,
    people.death_date,
    plans.child_id,
    plans.is_in_census,
    coalesce(conferences.conference_days @> plans.start_date, false)
        as is_conference_on_start,
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
    plans.night,
    {{ census_start('plans.night') }} as census_start,
    {{ census_end('plans.night') }} as census_end
from plans
left join conferences
    on
        plans.authority = conferences.authority
        and plans.referral_id = conferences.referral_id
left join {{ ref('int_census_people') }} as people
    on
        plans.authority = people.authority
        and plans.child_id = people.person_id
