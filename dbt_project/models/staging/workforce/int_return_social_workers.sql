-- grain: one row per current record of ssd_involvements, with the child's care and the
-- social workers before and after, as the looked-after return has it (from 2023/24)
with

years as (
    select * from {{ ref('int_collection_year') }}
),

-- some vendors' involvements name no child: the referral does
referrals as (
    select
        authority || '|' || referral_id as referral,
        min(authority || '|' || person_id) as child
    from {{ ref('stg_cin_episodes') }}
    where referral_id is not null and person_id is not null
    group by authority, referral_id
),

professionals as (
    select distinct on (authority, professional_id)
        authority || '|' || professional_id as professional,
        registration_number
    from {{ ref('stg_professionals') }}
    where professional_id is not null
    order by
        authority asc,
        professional_id asc,
        known_from desc,
        from_load desc,
        registration_number asc nulls last
),

care as (
    select * from {{ ref('int_return_care') }}
),

involvements as (
    select
        involvements.*,
        professionals.registration_number,
        coalesce(
            involvements.authority || '|' || involvements.person_id,
            referrals.child,
            involvements.record_key
        ) as child,
        coalesce(involvements.professional_role ~* 'social worker|^cw$', false)
            as is_social_worker
    from {{ ref('stg_involvements') }} as involvements
    left join referrals
        on
            involvements.authority || '|' || involvements.referral_id
            = referrals.referral
    left join professionals
        on
            involvements.authority || '|' || involvements.professional_id
            = professionals.professional
),

joined as (
    select
        involvements.*,
        years.night,
        years.collection_year,
        years.year_start,
        years.year_end,
        years.as_of_date,
        coalesce(involvements.period = years.collection_year::text, false)
            as is_new_in_return,
        coalesce(care.has_care_in_year, false) as has_care_in_year,
        coalesce(care.is_looked_after, false) as is_looked_after,
        coalesce(care.is_looked_after_all_year, false) as is_looked_after_all_year
    from involvements
    left join years on involvements.authority = years.authority
    left join care on involvements.child = care.child
)

select
    authority,
    record_key,
    person_id,
    professional_id,
    registration_number,
    start_date,
    end_date,
    worker_change_reason_code,
    worker_change_reason_sent,
    period,
    known_from,
    from_load,
    sentinel_columns,
    unreadable_columns,
    night,
    collection_year,
    year_start,
    year_end,
    as_of_date,
    is_new_in_return,
    -- the return has the social workers of this year and the year before
    collection_year >= 2024
    and is_social_worker
    and has_care_in_year
    and coalesce(end_date >= year_start - interval '1 year', true) as is_in_return,
    is_looked_after,
    is_looked_after_all_year,
    -- a source that holds no earlier allocations is not asked for them
    bool_or(is_social_worker and start_date < year_start)
        over (partition by authority)
        as sends_earlier_years,
    lag(start_date) over by_day as previous_start_date,
    lag(end_date) over by_day as previous_end_date,
    lead(start_date) over by_day as next_start_date,
    bool_or(start_date <= as_of_date and coalesce(end_date > as_of_date, true))
        over childs
        as has_open_social_worker,
    row_number() over from_latest as number_from_latest
from joined
window by_day as (
    partition by child, is_social_worker
    order by start_date asc, end_date asc nulls last, record_key asc
),
from_latest as (
    partition by child, is_social_worker
    order by start_date desc, end_date desc nulls first, record_key desc
),
childs as (partition by child, is_social_worker)
