-- grain: one row per current record of ssd_person, with what other tables say of the
-- person tonight
with

cutoffs as (
    select * from {{ source('ops', 'cutoffs') }}
),

people as (
    select
        people.*,
        cutoffs.night
    from {{ ref('stg_person') }} as people
    left join cutoffs on people.authority = cutoffs.authority
),

unaccompanied as (
    select
        authority,
        person_id
    from {{ ref('stg_immigration_status') }}
    where immigration_status_code = 'UASC' and person_id is not null
    group by authority, person_id
),

mothers as (
    select
        authority,
        person_id,
        min(childs_birth_date) as first_birth_date,
        count(*) as child_count
    from {{ ref('stg_mother') }}
    where person_id is not null
    group by authority, person_id
),

born_to as (
    select
        authority,
        childs_person_id as person_id,
        min(childs_birth_date) as birth_date_by_mother
    from {{ ref('stg_mother') }}
    where childs_person_id is not null
    group by authority, childs_person_id
),

cases as (
    select
        authority,
        person_id,
        bool_and(case_status_code = 'closed') as is_case_closed,
        bool_or(is_children_with_disabilities_team) as is_disabilities_team
    from {{ ref('stg_case_status') }}
    where person_id is not null
    group by authority, person_id
),

disabilities as (
    select
        authority,
        person_id,
        bool_or(disability_code = 'NONE') as has_none,
        bool_or(disability_code <> 'NONE') as has_disability
    from {{ ref('stg_disability') }}
    where person_id is not null
    group by authority, person_id
),

pupils as (
    select
        authority,
        person_id,
        min(upn) as school_upn
    from {{ ref('stg_send') }}
    where person_id is not null and upn is not null
    group by authority, person_id
),

spells as (
    select
        authority,
        person_id,
        'care' as what,
        start_date,
        end_date
    from {{ ref('stg_cla_episodes') }}
    union all
    select
        authority,
        person_id,
        'protection' as what,
        start_date,
        end_date
    from {{ ref('stg_cp_plans') }}
    union all
    select
        authority,
        person_id,
        'need' as what,
        start_date,
        end_date
    from {{ ref('stg_cin_plans') }}
    union all
    select
        authority,
        person_id,
        'referral' as what,
        referral_date,
        close_date
    from {{ ref('stg_cin_episodes') }}
    union all
    select
        authority,
        person_id,
        'early help' as what,
        start_date,
        end_date
    from {{ ref('stg_early_help_episodes') }}
),

open_spells as (
    select
        spells.authority,
        spells.person_id,
        bool_or(spells.what = 'care') as is_looked_after,
        bool_or(spells.what = 'protection') as has_cp_plan,
        bool_or(spells.what = 'need') as has_cin_plan,
        bool_or(spells.what = 'early help') as has_early_help,
        min(spells.start_date) filter (where spells.what = 'referral') as referred_date
    from spells
    inner join cutoffs on spells.authority = cutoffs.authority
    where
        spells.person_id is not null
        and spells.start_date <= cutoffs.night
        and coalesce(spells.end_date > cutoffs.night, true)
    group by spells.authority, spells.person_id
),

-- what is done for a person with an open referral
events as (
    select
        authority,
        person_id,
        visit_date as event_date
    from {{ ref('stg_cin_visits') }}
    union all
    select
        authority,
        person_id,
        visit_date as event_date
    from {{ ref('stg_cp_visits') }}
    union all
    select
        authority,
        person_id,
        visit_date as event_date
    from {{ ref('stg_cla_visits') }}
    union all
    select
        authority,
        person_id,
        coalesce(authorised_date, start_date) as event_date
    from {{ ref('stg_cin_assessments') }}
    union all
    select
        authority,
        person_id,
        coalesce(end_date, start_date) as event_date
    from {{ ref('stg_s47_enquiry') }}
    union all
    select
        authority,
        person_id,
        contact_date as event_date
    from {{ ref('stg_contacts') }}
    union all
    select
        authority,
        person_id,
        greatest(start_date, end_date) as event_date
    from {{ ref('stg_involvements') }}
    union all
    select
        authority,
        person_id,
        greatest(start_date, end_date) as event_date
    from spells
),

latest_events as (
    select
        events.authority,
        events.person_id,
        max(events.event_date) as latest_event_date
    from events
    inner join cutoffs on events.authority = cutoffs.authority
    where events.person_id is not null and events.event_date <= cutoffs.night
    group by events.authority, events.person_id
)

select
    people.authority,
    people.record_key,
    people.person_id,
    people.sex_code,
    people.ethnicity_code,
    people.birth_date,
    people.expected_birth_date,
    people.death_date,
    people.is_mother,
    people.upn,
    people.upn_unknown_code,
    -- the name leaves this view only as a fingerprint
    case
        when people.forename is not null and people.surname is not null
            then
                md5(
                    lower(people.forename) || '|' || lower(people.surname) || '|'
                    || people.birth_date::text || '|' || coalesce(people.sex_code, '')
                )
    end as same_name_and_birth,
    unaccompanied.person_id is not null as is_uasc,
    coalesce(mothers.child_count, 0) as child_count,
    mothers.first_birth_date,
    born_to.birth_date_by_mother,
    coalesce(cases.is_case_closed, false) as is_case_closed,
    coalesce(cases.is_disabilities_team, false) as is_disabilities_team,
    coalesce(disabilities.has_none, false) as has_none,
    coalesce(disabilities.has_disability, false) as has_disability,
    pupils.school_upn,
    coalesce(open_spells.is_looked_after, false) as is_looked_after,
    coalesce(open_spells.has_cp_plan, false) as has_cp_plan,
    coalesce(open_spells.has_cin_plan, false) as has_cin_plan,
    coalesce(open_spells.has_early_help, false) as has_early_help,
    open_spells.referred_date,
    latest_events.latest_event_date,
    people.night
from people
left join unaccompanied
    on
        people.authority = unaccompanied.authority
        and people.person_id = unaccompanied.person_id
left join mothers
    on
        people.authority = mothers.authority
        and people.person_id = mothers.person_id
left join born_to
    on
        people.authority = born_to.authority
        and people.person_id = born_to.person_id
left join cases
    on
        people.authority = cases.authority
        and people.person_id = cases.person_id
left join disabilities
    on
        people.authority = disabilities.authority
        and people.person_id = disabilities.person_id
left join pupils
    on
        people.authority = pupils.authority
        and people.person_id = pupils.person_id
left join open_spells
    on
        people.authority = open_spells.authority
        and people.person_id = open_spells.person_id
left join latest_events
    on
        people.authority = latest_events.authority
        and people.person_id = latest_events.person_id
