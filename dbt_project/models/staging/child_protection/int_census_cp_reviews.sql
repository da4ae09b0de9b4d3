-- grain: one row per current record of ssd_cp_reviews, with its plan and the child's
-- days on a child in need plan
with

cp_plans as (
    select
        authority,
        cp_plan_id,
        min(child_id) as child_id,
        min(start_date) as start_date,
        max(end_date) as end_date,
        bool_or(is_in_census) as is_in_census
    from {{ ref('int_census_cp_plans') }}
    where cp_plan_id is not null
    group by authority, cp_plan_id
),

in_need as (
    select
        authority,
        child_id,
        range_agg(daterange(start_date, end_date)) as plan_days
    from {{ ref('int_census_plans') }}
    where
        is_in_census
        and child_id is not null
        and start_date is not null
        and coalesce(end_date >= start_date, true)
    group by authority, child_id
)

select
    reviews.authority,
    reviews.record_key,
    reviews.person_id,
    reviews.review_id,
    reviews.cp_plan_id,
    reviews.review_due_date,
    reviews.review_date,
    cp_plans.start_date as plan_start_date,
    cp_plans.end_date as plan_end_date,
    coalesce(cp_plans.is_in_census, true) as is_in_census,
    coalesce(in_need.plan_days @> reviews.review_date, false) as is_on_plan_in_need,
    cutoffs.night,
    {{ census_start('cutoffs.night') }} as census_start,
    {{ census_end('cutoffs.night') }} as census_end
from {{ ref('stg_cp_reviews') }} as reviews
left join cp_plans
    on
        reviews.authority = cp_plans.authority
        and reviews.cp_plan_id = cp_plans.cp_plan_id
left join in_need
    on
        reviews.authority = in_need.authority
        and coalesce(reviews.person_id, cp_plans.child_id) = in_need.child_id
left join {{ source('ops', 'cutoffs') }} as cutoffs
    on reviews.authority = cutoffs.authority
