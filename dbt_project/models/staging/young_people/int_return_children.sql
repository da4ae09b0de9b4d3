-- grain: one row per current record of ssd_person, with the child's care, motherhood,
-- questionnaires and last year's record, as the looked-after return has them
with

years as (
    select * from {{ ref('int_collection_year') }}
),

people as (
    select
        *,
        authority || '|' || person_id as child
    from {{ ref('stg_person') }}
),

care as (
    select * from {{ ref('int_return_care') }}
),

care_leavers as (
    select
        authority || '|' || person_id as child,
        bool_or(period is not null) as is_from_return
    from {{ ref('stg_care_leavers') }}
    group by authority, person_id
),

mothers as (
    select
        authority || '|' || person_id as child,
        min(childs_birth_date) as first_childs_birth_date
    from {{ ref('stg_mother') }}
    group by authority, person_id
),

uasc as (
    select
        authority || '|' || person_id as child,
        max(coalesce(end_date, 'infinity'::date)) as uasc_until,
        max(end_date) as uasc_end_date
    from {{ ref('stg_immigration_status') }}
    where immigration_status_code = 'UASC'
    group by authority, person_id
),

-- what was recorded in this collection year; a return does not say on which day
questionnaires as (
    select
        scores.authority || '|' || scores.person_id as child,
        bool_or(scores.sdq_score is not null) as has_sdq_score,
        bool_or(scores.sdq_reason_sent is not null) as has_sdq_reason,
        bool_or(scores.sdq_reason_code = 'SDQ1') as has_sdq_age_reason,
        bool_or(scores.period is not null) as is_from_return
    from {{ ref('stg_sdq_scores') }} as scores
    inner join years on scores.authority = years.authority
    where
        scores.completed_date is null
        or scores.completed_date between years.year_start and years.year_end
    group by scores.authority, scores.person_id
),

convictions as (
    select
        offences.authority || '|' || offences.person_id as child,
        bool_or(offences.period is not null) as is_from_return
    from {{ ref('stg_cla_convictions') }} as offences
    inner join years on offences.authority = years.authority
    where
        offences.offence_date is null
        or offences.offence_date between years.year_start and years.year_end
    group by offences.authority, offences.person_id
),

immunisations as (
    select
        authority || '|' || person_id as child,
        bool_or(period is not null) as is_from_return
    from {{ ref('stg_cla_immunisations') }}
    where is_up_to_date is not null
    group by authority, person_id
),

health_checks as (
    select
        checks.authority || '|' || checks.person_id as child,
        bool_or(checks.check_type ilike '%surveillance%') as has_development_check,
        bool_or(checks.period is not null) as is_from_return
    from {{ ref('stg_cla_health') }} as checks
    inner join years on checks.authority = years.authority
    where
        checks.check_date is null
        or checks.check_date between years.year_start and years.year_end
    group by checks.authority, checks.person_id
),

substances as (
    select distinct authority || '|' || person_id as child
    from {{ ref('stg_cla_substance_misuse') }}
    where period is not null
),

previous_permanence as (
    select
        authority || '|' || person_id as child,
        max(order_date) as previous_order_date
    from {{ ref('stg_cla_previous_permanence') }}
    group by authority, person_id
),

last_people as (
    select distinct on (versions.authority, versions.person_id)
        versions.authority || '|' || versions.person_id as child,
        versions.sex_code,
        versions.birth_date,
        versions.ethnicity_code,
        versions.upn,
        versions.is_mother
    from {{ ref('stg_person_versions') }} as versions
    inner join years on versions.authority = years.authority
    where {{ as_known_at_load('versions', 'years.last_year_load') }}
    order by
        versions.authority asc,
        versions.person_id asc,
        versions.from_load desc,
        versions.birth_date asc nulls last
),

last_mothers as (
    select
        versions.authority || '|' || versions.person_id as child,
        min(versions.childs_birth_date) as first_childs_birth_date
    from {{ ref('stg_mother_versions') }} as versions
    inner join years on versions.authority = years.authority
    where {{ as_known_at_load('versions', 'years.last_year_load') }}
    group by versions.authority, versions.person_id
),

last_uasc as (
    select
        versions.authority || '|' || versions.person_id as child,
        max(versions.end_date) as uasc_end_date
    from {{ ref('stg_immigration_status_versions') }} as versions
    inner join years on versions.authority = years.authority
    where
        {{ as_known_at_load('versions', 'years.last_year_load') }}
        and versions.immigration_status_code = 'UASC'
    group by versions.authority, versions.person_id
),

missing as (
    select
        authority || '|' || person_id as child,
        start_date,
        period
    from {{ ref('stg_missing') }}
),

-- Children who were missing at the end of last year, as known then, and whose record of
-- it is gone. A return has to repeat the record. A recording system may have its end by
-- now.
lost_missing as (
    select distinct versions.authority || '|' || versions.person_id as child
    from {{ ref('stg_missing_versions') }} as versions
    inner join years on versions.authority = years.authority
    left join missing
        on
            versions.authority || '|' || versions.person_id = missing.child
            and versions.start_date = missing.start_date
            and (
                missing.period is null
                or missing.period = years.collection_year::text
            )
    where
        {{ as_known_at_load('versions', 'years.last_year_load') }}
        and versions.start_date < years.year_start
        and versions.end_date is null
        and missing.child is null
)

select
    people.authority,
    people.record_key,
    people.person_id,
    people.sex_code,
    people.sex_sent,
    people.ethnicity_code,
    people.ethnicity_sent,
    people.birth_date,
    people.upn,
    people.upn_unknown_code,
    people.upn_unknown_sent,
    people.is_mother,
    people.period,
    people.known_from,
    people.from_load,
    people.sentinel_columns,
    people.unreadable_columns,
    years.night,
    years.collection_year,
    years.year_start,
    years.year_end,
    years.as_of_date,
    -- only rows that this year's return sent first show for certain what it holds
    coalesce(people.period = years.collection_year::text, false) as is_new_in_return,
    {{ birthday('people.birth_date', 4) }} as birthday_4,
    {{ birthday('people.birth_date', 5) }} as birthday_5,
    {{ birthday('people.birth_date', 10) }} as birthday_10,
    {{ birthday('people.birth_date', 11) }} as birthday_11,
    {{ birthday('people.birth_date', 17) }} as birthday_17,
    {{ birthday('people.birth_date', 18) }} as birthday_18,
    {{ birthday('people.birth_date', 25) }} as birthday_25,
    count(*) over (partition by people.authority, people.upn) as people_with_upn,
    -- a recording system also has care leavers of other ages
    coalesce(
        care.has_episode_in_year
        or care_leavers.is_from_return
        or (
            care_leavers.child is not null
            and {{ birthday('people.birth_date', 17) }} <= years.year_end
            and {{ birthday('people.birth_date', 22) }} > years.year_start
        ),
        false
    ) as is_in_return,
    care_leavers.child is not null as is_care_leaver,
    care.child is not null as has_episode,
    coalesce(care.has_episode_in_year, false) as has_episode_in_year,
    coalesce(care.has_care_in_year, false) as has_care_in_year,
    coalesce(care.is_looked_after, false) as is_looked_after,
    coalesce(care.is_looked_after_all_year, false) as is_looked_after_all_year,
    coalesce(care.is_ceased_in_year, false) as is_ceased_in_year,
    care.first_start_date,
    care.latest_start_date,
    care.latest_period_start_date,
    care.open_period_start_date,
    care.care_end_date,
    mothers.first_childs_birth_date,
    uasc.child is not null and uasc.uasc_until >= years.year_start as is_uasc,
    uasc.uasc_end_date,
    coalesce(questionnaires.has_sdq_score, false) as has_sdq_score,
    coalesce(questionnaires.has_sdq_reason, false) as has_sdq_reason,
    coalesce(questionnaires.has_sdq_age_reason, false) as has_sdq_age_reason,
    coalesce(questionnaires.is_from_return, false) as has_sdq_from_return,
    convictions.child is not null as has_conviction,
    immunisations.child is not null as has_immunisation_status,
    coalesce(health_checks.has_development_check, false) as has_development_check,
    coalesce(convictions.is_from_return, false)
    or coalesce(immunisations.is_from_return, false)
    or coalesce(health_checks.is_from_return, false)
    or substances.child is not null as has_health_from_return,
    previous_permanence.child is not null as has_previous_permanence,
    previous_permanence.previous_order_date,
    last_people.child is not null as has_last_year_record,
    last_people.sex_code as last_year_sex_code,
    last_people.birth_date as last_year_birth_date,
    last_people.ethnicity_code as last_year_ethnicity_code,
    last_people.upn as last_year_upn,
    last_people.is_mother as last_year_is_mother,
    last_mothers.first_childs_birth_date as last_year_first_childs_birth_date,
    last_uasc.child is not null as was_uasc_last_year,
    last_uasc.uasc_end_date as last_year_uasc_end_date,
    lost_missing.child is not null as lacks_last_years_missing
from people
left join years on people.authority = years.authority
left join care on people.child = care.child
left join care_leavers on people.child = care_leavers.child
left join mothers on people.child = mothers.child
left join uasc on people.child = uasc.child
left join questionnaires on people.child = questionnaires.child
left join convictions on people.child = convictions.child
left join immunisations on people.child = immunisations.child
left join health_checks on people.child = health_checks.child
left join substances on people.child = substances.child
left join previous_permanence on people.child = previous_permanence.child
left join last_people on people.child = last_people.child
left join last_mothers on people.child = last_mothers.child
left join last_uasc on people.child = last_uasc.child
left join lost_missing on people.child = lost_missing.child
