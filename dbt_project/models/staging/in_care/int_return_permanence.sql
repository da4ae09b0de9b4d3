-- grain: one row per current record of ssd_permanence, with the child's care, other
-- decisions and those of last year, as the looked-after return has it (files AD1 and
-- placed for adoption)
with

years as (
    select * from {{ ref('int_collection_year') }}
),

care as (
    select * from {{ ref('int_return_care') }}
),

people as (
    select distinct on (authority, person_id)
        authority || '|' || person_id as child,
        birth_date
    from {{ ref('stg_person') }}
    where person_id is not null
    order by
        authority asc,
        person_id asc,
        known_from desc,
        from_load desc,
        birth_date asc nulls last
),

permanence as (
    select
        *,
        authority || '|' || person_id as child,
        {{ placement_decision_date() }} as decision_date,
        num_nonnulls(decision_reversed_date, decision_reversed_reason_sent) > 0
            as is_reversed,
        num_nonnulls(
            matched_date, is_adopted_by_carer, adopter_count, adopter_sex_sent,
            adopter_legal_status_sent
        ) > 0 as is_adopter_record
    from {{ ref('stg_permanence') }}
),

-- the decisions that were known at the end of last year
known_decisions as (
    select
        versions.authority || '|' || versions.person_id as child,
        {{ placement_decision_date('versions.') }} as decision_date,
        bool_and(
            num_nonnulls(
                versions.decision_reversed_date, versions.decision_reversed_reason_sent
            ) > 0
        ) as is_reversed
    from {{ ref('stg_permanence_versions') }} as versions
    inner join years on versions.authority = years.authority
    where
        {{ as_known_at_load('versions', 'years.last_year_load') }}
        and versions.person_id is not null
    group by child, decision_date
),

last_decisions as (
    select distinct on (child)
        child,
        decision_date,
        is_reversed
    from known_decisions
    where decision_date is not null
    order by
        child asc,
        decision_date desc
),

joined as (
    select
        permanence.*,
        years.night,
        years.collection_year,
        years.year_start,
        years.year_end,
        years.last_year_load,
        coalesce(permanence.period = years.collection_year::text, false)
            as is_new_in_return,
        -- Whether this year's file on placing for adoption has the decision. A
        -- recording system also has decisions that were reversed in earlier years.
        case
            when permanence.period is null
                then
                    permanence.decision_date is not null
                    and (
                        not permanence.is_reversed
                        or permanence.decision_reversed_date >= years.year_start
                    )
            else
                permanence.period = years.collection_year::text
                and (
                    permanence.decision_date is not null
                    or permanence.is_reversed
                )
        end as is_placing_record,
        last_decisions.decision_date as last_year_decision_date,
        last_decisions.is_reversed as was_last_decision_reversed,
        known_decisions.child is not null as was_known_last_year,
        known_decisions.is_reversed as was_reversed_last_year,
        people.birth_date,
        care.first_care_date,
        care.latest_period_start_date,
        case
            when care.final_end_reason_code <> 'X1' then care.care_end_date
        end as care_end_date,
        coalesce(care.is_adopted_in_year, false) as is_adopted_in_year,
        coalesce(care.has_episode_in_year, false) as has_episode_in_year,
        coalesce(care.is_looked_after_all_year, false) as is_looked_after_all_year
    from permanence
    left join years on permanence.authority = years.authority
    left join people on permanence.child = people.child
    left join care on permanence.child = care.child
    left join last_decisions on permanence.child = last_decisions.child
    left join known_decisions
        on
            permanence.child = known_decisions.child
            and permanence.decision_date = known_decisions.decision_date
)

select
    authority,
    record_key,
    person_id,
    adm_decision_date,
    matched_date,
    is_adopted_by_carer,
    decision_reversed_date,
    decision_reversed_reason_code,
    decision_reversed_reason_sent,
    adopter_sex_code,
    adopter_sex_sent,
    adopter_legal_status_code,
    adopter_legal_status_sent,
    adopter_count,
    period,
    known_from,
    from_load,
    sentinel_columns,
    unreadable_columns,
    night,
    collection_year,
    year_start,
    year_end,
    decision_date,
    is_adopter_record,
    is_new_in_return,
    period is not null as is_from_return,
    has_episode_in_year or is_new_in_return as is_in_return,
    birth_date,
    first_care_date,
    latest_period_start_date,
    care_end_date,
    is_adopted_in_year,
    is_looked_after_all_year,
    coalesce(is_placing_record, false) as is_placing_record,
    last_year_load is not null as has_last_year,
    last_year_decision_date,
    was_last_decision_reversed,
    was_known_last_year,
    was_reversed_last_year,
    bool_or(is_placing_record and decision_date = last_year_decision_date)
        over (partition by coalesce(child, record_key))
        as has_last_years_decision,
    -- the child's decisions before and after this one
    lag(decision_date) over decisions as previous_decision_date,
    lag(decision_reversed_date) over decisions as previous_reversed_date,
    lead(decision_date) over decisions as next_decision_date,
    count(*) filter (where is_adopter_record and is_new_in_return)
        over (partition by coalesce(child, record_key))
        as adopter_record_count,
    max(adm_decision_date) filter (where is_adopter_record)
        over (partition by coalesce(child, record_key))
        as childs_best_interest_date
from joined
window decisions as (
    partition by coalesce(child, record_key), decision_date is not null
    order by decision_date asc, decision_reversed_date asc nulls last, record_key asc
)
