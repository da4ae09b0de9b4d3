-- grain: one row per care leaver per snapshot date
{{ config(materialized='kept') }}
with

-- a snapshot as known at a load never changes, so existing ones are kept
snapshots as (
    select * from {{ ref('dim_snapshot') }}
    where {{ is_due('dim_snapshot') }}
),

snapshot_loads as (
    select * from {{ ref('bridge_snapshot_load') }}
),

table_deliveries as (
    select * from {{ ref('stg_table_deliveries') }}
),

care_leavers as (
    select * from {{ ref('stg_care_leavers_versions') }}
),

failing_keys as (
    select * from {{ ref('stg_failing_keys') }}
),

rules as (
    select * from {{ ref('stg_rules') }}
),

-- of a care leaver's current records one counts: the one that came in last, and of
-- those the one with the latest contact and pathway plan
candidates as (
    select
        snapshots.snapshot_date as as_at_date,
        snapshots.known_night,
        snapshots.load_id,
        snapshots.gate_run_id,
        snapshots.basis_hash,
        care_leavers.*,
        count(*) over (
            partition by
                snapshots.authority, snapshots.snapshot_date, care_leavers.person_id
        ) > 1 as has_several_records,
        row_number() over (
            partition by
                snapshots.authority, snapshots.snapshot_date, care_leavers.person_id
            order by
                care_leavers.known_from desc, care_leavers.from_load desc,
                care_leavers.latest_contact_date desc nulls last,
                care_leavers.pathway_plan_review_date desc nulls last,
                {{ as_sent('care_leavers') }} desc
        ) as preference
    from snapshots
    inner join care_leavers
        on
            snapshots.authority = care_leavers.authority
            and {{ as_known_at_load('care_leavers', 'snapshots.load_id') }}
    where
        care_leavers.person_id is not null
        and care_leavers.eligibility_code is distinct from 'N'
),

cohort as (
    select * from candidates
    where preference = 1
),

-- read where the table keeps rows
members as ( -- noqa: ST03
    select
        authority,
        person_id
    from cohort
    group by authority, person_id
),

people as (
    select * from {{ of_people('members', ref('stg_person_versions')) }}
),

mothers as (
    select * from {{ of_people('members', ref('stg_mother_versions')) }}
),

immigration_statuses as (
    select * from {{ of_people('members', ref('stg_immigration_status_versions')) }}
),

care_episodes as (
    select * from {{ of_people('members', ref('stg_cla_episodes_versions')) }}
),

referrals as (
    select * from {{ of_people('members', ref('stg_cin_episodes_versions')) }}
),

case_statuses as (
    select * from {{ of_people('members', ref('stg_case_status_versions')) }}
),

eet_statuses as (
    select * from {{ of_people('members', ref('stg_eet_status_versions')) }}
),

persons as (
    select distinct on (cohort.authority, cohort.as_at_date, cohort.person_id)
        cohort.authority,
        cohort.as_at_date,
        cohort.person_id,
        people.sex_code,
        people.ethnicity_code,
        people.birth_date,
        people.is_mother
    from cohort
    inner join people
        on
            cohort.authority = people.authority
            and cohort.person_id = people.person_id
            and {{ as_known_at_load('people', 'cohort.load_id') }}
    order by
        cohort.authority asc, cohort.as_at_date asc, cohort.person_id asc,
        people.known_from desc, people.from_load desc, {{ as_sent('people') }} desc
),

with_children as (
    select
        cohort.authority,
        cohort.as_at_date,
        cohort.person_id
    from cohort
    inner join mothers
        on
            cohort.authority = mothers.authority
            and cohort.person_id = mothers.person_id
            and {{ as_known_at_load('mothers', 'cohort.load_id') }}
    group by cohort.authority, cohort.as_at_date, cohort.person_id
),

unaccompanied as (
    select
        cohort.authority,
        cohort.as_at_date,
        cohort.person_id
    from cohort
    inner join immigration_statuses
        on
            cohort.authority = immigration_statuses.authority
            and cohort.person_id = immigration_statuses.person_id
            and {{ as_known_at_load('immigration_statuses', 'cohort.load_id') }}
    where immigration_statuses.immigration_status_code = 'UASC'
    group by cohort.authority, cohort.as_at_date, cohort.person_id
),

-- the need of the latest care episode that states one, otherwise of the latest referral
needs as (
    select
        cohort.authority,
        cohort.as_at_date,
        cohort.person_id,
        1 as preference,
        care_episodes.primary_need_code as need_code,
        care_episodes.start_date as need_date,
        care_episodes.record_key
    from cohort
    inner join care_episodes
        on
            cohort.authority = care_episodes.authority
            and cohort.person_id = care_episodes.person_id
            and {{ as_known_at_load('care_episodes', 'cohort.load_id') }}
    union all
    select
        cohort.authority,
        cohort.as_at_date,
        cohort.person_id,
        2 as preference,
        referrals.primary_need_code as need_code,
        referrals.referral_date as need_date,
        referrals.record_key
    from cohort
    inner join referrals
        on
            cohort.authority = referrals.authority
            and cohort.person_id = referrals.person_id
            and {{ as_known_at_load('referrals', 'cohort.load_id') }}
),

latest_needs as (
    select distinct on (authority, as_at_date, person_id) *
    from needs
    where
        need_code <> 'N0'
        and coalesce(need_date <= as_at_date, true)
    order by
        authority asc, as_at_date asc, person_id asc,
        preference asc, need_date desc nulls last, record_key desc
),

latest_cases as (
    select distinct on (cohort.authority, cohort.as_at_date, cohort.person_id)
        cohort.authority,
        cohort.as_at_date,
        cohort.person_id,
        case_statuses.case_status_code,
        case_statuses.team_id,
        case_statuses.is_children_with_disabilities_team
    from cohort
    inner join case_statuses
        on
            cohort.authority = case_statuses.authority
            and cohort.person_id = case_statuses.person_id
            and {{ as_known_at_load('case_statuses', 'cohort.load_id') }}
    order by
        cohort.authority asc, cohort.as_at_date asc, cohort.person_id asc,
        {{ latest_case_status_first('case_statuses') }}
),

latest_eet as (
    select distinct on (cohort.authority, cohort.as_at_date, cohort.person_id)
        cohort.authority,
        cohort.as_at_date,
        cohort.person_id,
        eet_statuses.status_code,
        eet_statuses.recorded_date
    from cohort
    inner join eet_statuses
        on
            cohort.authority = eet_statuses.authority
            and cohort.person_id = eet_statuses.person_id
            and {{ as_known_at_load('eet_statuses', 'cohort.load_id') }}
    -- as gate 1 judged them: up to the night of the load, not to a later month end
    where coalesce(eet_statuses.recorded_date <= cohort.known_night, true)
    order by
        cohort.authority asc, cohort.as_at_date asc, cohort.person_id asc,
        {{ latest_eet_status_first('eet_statuses') }}
),

-- a source without the local extensions (a return) is measured on what it has.
-- Materialised, because otherwise the two look-ups in history run once per care leaver
deliveries as materialized (
    select
        snapshots.authority,
        snapshots.snapshot_date as as_at_date,
        exists(
            select 1 from {{ ref('stg_eet_status_versions') }} as anybodys
            where
                anybodys.authority = snapshots.authority
                and {{ as_known_at_load('anybodys', 'snapshots.load_id') }}
        ) as has_eet_statuses,
        exists(
            select 1 from {{ ref('stg_case_status_versions') }} as anybodys
            where
                anybodys.authority = snapshots.authority
                and {{ as_known_at_load('anybodys', 'snapshots.load_id') }}
        ) as has_case_statuses
    from snapshots
),

-- what no source delivers is not measured, because every answer would be no
delivered as (
    select
        snapshots.authority,
        snapshots.snapshot_date as as_at_date,
        {{ delivers('table_deliveries', ['clea_pathway_plan_review_date']) }}
            as has_pathway_plans,
        {{ delivers('table_deliveries', ['immi_immigration_status']) }}
            as has_immigration_statuses,
        {{ delivers('table_deliveries', ['pers_is_mother', 'moth_person_id']) }}
            as has_mothers,
        {{ delivers('table_deliveries', ['clea_care_leaver_accom_suitable']) }}
            as has_suitabilities,
        {{ delivers('table_deliveries', ['clea_care_leaver_accommodation']) }}
            as has_accommodations
    from snapshots
    inner join snapshot_loads
        on
            snapshots.authority = snapshot_loads.authority
            and snapshots.snapshot_date = snapshot_loads.snapshot_date
    inner join table_deliveries on snapshot_loads.load_id = table_deliveries.load_id
    group by snapshots.authority, snapshots.snapshot_date
),

-- the rules that gate 1 found broken at the snapshot's load, by what they falsify
contradictions as (
    select
        snapshots.authority,
        snapshots.snapshot_date as as_at_date,
        failing_keys.person_id,
        string_agg(distinct rules.rule_id, ', ')
        filter (where 'eet' = any(rules.falsifies)) as eet_rule_ids,
        string_agg(distinct rules.rule_id, ', ')
        filter (where 'accommodation' = any(rules.falsifies))
            as accommodation_rule_ids,
        string_agg(distinct rules.rule_id, ', ')
        filter (where 'pathway_plan' = any(rules.falsifies))
            as pathway_plan_rule_ids
    from snapshots
    inner join failing_keys on snapshots.gate_run_id = failing_keys.gate_run_id
    inner join rules on failing_keys.rule_id = rules.rule_id
    group by snapshots.authority, snapshots.snapshot_date, failing_keys.person_id
),

assembled as (
    select
        cohort.authority,
        cohort.as_at_date,
        cohort.person_id,
        cohort.load_id,
        cohort.basis_hash,
        cohort.known_from,
        cohort.has_several_records,
        cohort.eligibility_code,
        cohort.in_touch_code,
        cohort.accommodation_code,
        cohort.suitability_code,
        cohort.activity_code,
        cohort.pathway_plan_review_date,
        cohort.worker_id,
        cohort.personal_adviser_id,
        coalesce(latest_cases.team_id, cohort.team_id) as team_id,
        persons.sex_code,
        persons.ethnicity_code,
        extract(year from age(cohort.as_at_date, persons.birth_date))::integer
            as age_years,
        latest_needs.need_code,
        coalesce(delivered.has_immigration_statuses, false)
            as has_immigration_statuses,
        coalesce(delivered.has_mothers, false) as has_mothers,
        coalesce(delivered.has_accommodations, false) as has_accommodations,
        coalesce(delivered.has_suitabilities, false) as has_suitabilities,
        coalesce(delivered.has_pathway_plans, false) as has_pathway_plans,
        unaccompanied.person_id is not null as is_uasc,
        coalesce(persons.is_mother, false) or with_children.person_id is not null
            as is_mother,
        case
            when deliveries.has_case_statuses
                then latest_cases.case_status_code = 'open'
            else true
        end as is_open_case,
        coalesce(latest_cases.is_children_with_disabilities_team, false)
            as is_children_with_disabilities_team,
        case
            when deliveries.has_eet_statuses then latest_eet.status_code
            else {{ eet_of_activity('cohort.activity_code') }}
        end as eet_status_code,
        latest_eet.recorded_date as eet_recorded_date,
        contradictions.eet_rule_ids,
        contradictions.accommodation_rule_ids,
        contradictions.pathway_plan_rule_ids
    from cohort
    inner join deliveries
        on
            cohort.authority = deliveries.authority
            and cohort.as_at_date = deliveries.as_at_date
    left join delivered
        on
            cohort.authority = delivered.authority
            and cohort.as_at_date = delivered.as_at_date
    left join persons
        on
            cohort.authority = persons.authority
            and cohort.as_at_date = persons.as_at_date
            and cohort.person_id = persons.person_id
    left join with_children
        on
            cohort.authority = with_children.authority
            and cohort.as_at_date = with_children.as_at_date
            and cohort.person_id = with_children.person_id
    left join unaccompanied
        on
            cohort.authority = unaccompanied.authority
            and cohort.as_at_date = unaccompanied.as_at_date
            and cohort.person_id = unaccompanied.person_id
    left join latest_needs
        on
            cohort.authority = latest_needs.authority
            and cohort.as_at_date = latest_needs.as_at_date
            and cohort.person_id = latest_needs.person_id
    left join latest_cases
        on
            cohort.authority = latest_cases.authority
            and cohort.as_at_date = latest_cases.as_at_date
            and cohort.person_id = latest_cases.person_id
    left join latest_eet
        on
            cohort.authority = latest_eet.authority
            and cohort.as_at_date = latest_eet.as_at_date
            and cohort.person_id = latest_eet.person_id
    left join contradictions
        on
            cohort.authority = contradictions.authority
            and cohort.as_at_date = contradictions.as_at_date
            and cohort.person_id = contradictions.person_id
),

-- the order matters: each record left out of a measure has one reason
reasons as (
    select
        *,
        case
            when not is_open_case then 'closed case'
            when is_open_case is null then 'case status not recorded'
            when
                is_children_with_disabilities_team
                then 'children with disabilities team'
            when eet_rule_ids is not null then 'contradictory (' || eet_rule_ids || ')'
            when eet_status_code is null then 'EET status not recorded'
        end as eet_left_out_reason,
        case when not has_immigration_statuses then 'not delivered' end
            as uasc_left_out_reason,
        case when not has_mothers then 'not delivered' end as mother_left_out_reason,
        case
            when not has_suitabilities then 'not delivered'
            else 'contradictory (' || accommodation_rule_ids || ')'
        end as accommodation_left_out_reason,
        case
            when not has_accommodations then 'not delivered'
            else 'contradictory (' || accommodation_rule_ids || ')'
        end as staying_put_left_out_reason,
        case
            when not has_pathway_plans then 'not delivered'
            else 'contradictory (' || pathway_plan_rule_ids || ')'
        end as pathway_plan_left_out_reason
    from assembled
)

select
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    as_at_date,
    sex_code,
    ethnicity_code,
    age_years,
    need_code,
    case when has_immigration_statuses then is_uasc end as is_uasc,
    uasc_left_out_reason,
    case when has_mothers then is_mother end as is_mother,
    mother_left_out_reason,
    eligibility_code,
    is_open_case,
    is_children_with_disabilities_team,
    in_touch_code,
    activity_code,
    eet_status_code,
    eet_recorded_date,
    eet_left_out_reason is not null as is_eet_left_out,
    eet_left_out_reason,
    accommodation_code,
    suitability_code,
    case when has_suitabilities then coalesce(suitability_code = '1', false) end
        as is_suitable_accommodation,
    accommodation_left_out_reason,
    case
        when has_accommodations
            then coalesce(accommodation_code = 'Z' and age_years >= 18, false)
    end as is_staying_put,
    staying_put_left_out_reason,
    pathway_plan_review_date,
    case when has_pathway_plans then pathway_plan_review_date is not null end
        as has_pathway_plan,
    pathway_plan_left_out_reason,
    {{ surrogate_key(['authority', 'team_id']) }} as team_key,
    {{ surrogate_key(['authority', 'worker_id']) }} as worker_key,
    {{ surrogate_key(['authority', 'personal_adviser_id']) }} as personal_adviser_key,
    has_several_records,
    known_from,
    load_id,
    basis_hash
from reasons
