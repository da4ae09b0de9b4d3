-- grain: one row per current record of ssd_cin_episodes, with what was done on the case
with

assessments as (
    select
        authority,
        referral_id,
        count(*) as assessment_count,
        count(*) filter (where authorised_date is null) as open_assessment_count,
        max(greatest(start_date, authorised_date)) as last_date
    from {{ ref('stg_cin_assessments') }}
    where referral_id is not null
    group by authority, referral_id
),

enquiries as (
    select
        authority,
        referral_id,
        count(*) as enquiry_count,
        count(*) filter (where is_open) as open_enquiry_count,
        max(greatest(start_date, conference_date)) as last_date
    from {{ ref('int_census_enquiries') }}
    where referral_id is not null
    group by authority, referral_id
),

conferences as (
    select
        authority,
        referral_id,
        count(conference_date) as conference_count,
        max(conference_date) as last_date
    from {{ ref('stg_initial_cp_conference') }}
    where referral_id is not null
    group by authority, referral_id
),

plans as (
    select
        authority,
        referral_id,
        count(*) as plan_count,
        max(greatest(start_date, end_date)) as last_date
    from {{ ref('stg_cin_plans') }}
    where referral_id is not null
    group by authority, referral_id
),

cp_plans as (
    select
        authority,
        referral_id,
        count(*) as cp_plan_count,
        max(end_date) as last_date
    from {{ ref('stg_cp_plans') }}
    where referral_id is not null
    group by authority, referral_id
),

episodes as (
    select
        episodes.*,
        coalesce(episodes.person_id, '|' || episodes.record_key) as of_child,
        -- a referral with no further action opens no case
        coalesce(
            episodes.close_date,
            case
                when episodes.is_no_further_action is not true then date 'infinity'
            end
        ) as until_date
    from {{ ref('stg_cin_episodes') }} as episodes
)

select
    episodes.authority,
    episodes.record_key,
    episodes.person_id,
    episodes.referral_id,
    episodes.referral_date,
    episodes.referral_source_code,
    episodes.primary_need_code,
    episodes.primary_need_sent,
    episodes.is_no_further_action,
    episodes.close_reason_code,
    episodes.close_reason_sent,
    episodes.close_date,
    cases.is_in_census,
    people.birth_date,
    people.expected_birth_date,
    people.death_date,
    coalesce(assessments.assessment_count, 0) as assessment_count,
    coalesce(assessments.open_assessment_count, 0) as open_assessment_count,
    coalesce(enquiries.enquiry_count, 0) as enquiry_count,
    coalesce(enquiries.open_enquiry_count, 0) as open_enquiry_count,
    coalesce(conferences.conference_count, 0) as conference_count,
    coalesce(plans.plan_count, 0) as plan_count,
    coalesce(cp_plans.cp_plan_count, 0) as cp_plan_count,
    greatest(
        assessments.last_date,
        enquiries.last_date,
        conferences.last_date,
        plans.last_date,
        cp_plans.last_date
    ) as last_activity_date,
    count(
        case
            when
                episodes.close_date is null
                and episodes.is_no_further_action is not true
                then 1
        end
    ) over (partition by episodes.authority, episodes.of_child) as open_case_count,
    max(case when cases.is_in_census then episodes.referral_date end)
        over (partition by episodes.authority, episodes.of_child)
        as latest_referral_date,
    -- until when a case of the child that began no later lasts
    max(episodes.until_date) over (
        partition by episodes.authority, episodes.of_child
        order by episodes.referral_date
        range between unbounded preceding and current row
        exclude current row
    ) as other_until_date,
    cutoffs.night,
    {{ census_start('cutoffs.night') }} as census_start,
    {{ census_end('cutoffs.night') }} as census_end
from episodes
left join {{ ref('int_census_cases') }} as cases
    on
        episodes.authority = cases.authority
        and episodes.referral_id = cases.referral_id
left join {{ ref('int_census_people') }} as people
    on
        episodes.authority = people.authority
        and episodes.person_id = people.person_id
left join assessments
    on
        episodes.authority = assessments.authority
        and episodes.referral_id = assessments.referral_id
left join enquiries
    on
        episodes.authority = enquiries.authority
        and episodes.referral_id = enquiries.referral_id
left join conferences
    on
        episodes.authority = conferences.authority
        and episodes.referral_id = conferences.referral_id
left join plans
    on
        episodes.authority = plans.authority
        and episodes.referral_id = plans.referral_id
left join cp_plans
    on
        episodes.authority = cp_plans.authority
        and episodes.referral_id = cp_plans.referral_id
left join {{ source('ops', 'cutoffs') }} as cutoffs
    on episodes.authority = cutoffs.authority
