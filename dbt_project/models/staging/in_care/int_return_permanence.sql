-- grain: one row per current record of ssd_permanence, with the child's care and other
-- decisions, as the looked-after return has it (files AD1 and placed for adoption)
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

-- A return has the decision to place for adoption in a file of its own (DATE_PLACED). A
-- recording system has one date of the decision.
permanence as (
    select
        *,
        authority || '|' || person_id as child,
        case
            when period is null then adm_decision_date
            else placed_for_adoption_date
        end as decision_date,
        num_nonnulls(
            matched_date, is_adopted_by_carer, adopter_count, adopter_sex_sent,
            adopter_legal_status_sent
        ) > 0 as is_adopter_record
    from {{ ref('stg_permanence') }}
),

joined as (
    select
        permanence.*,
        years.night,
        years.collection_year,
        years.year_start,
        years.year_end,
        coalesce(permanence.period = years.collection_year::text, false)
            as is_new_in_return,
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
