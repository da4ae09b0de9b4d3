-- grain: one row per young person and period of care with a plan for permanence
with

records as (
    select * from {{ ref('stg_permanence') }}
),

care_periods as (
    select * from {{ ref('fct_care_periods') }}
),

-- of several current rows with one key, the row that came in last counts
latest as (
    select distinct on (authority, record_key)
        *,
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
        least(
            adm_decision_date,
            placement_order_date,
            matched_date,
            placed_for_adoption_date,
            permanence_order_date
        ) as first_step_date
    from records
    where person_id is not null
    order by
        authority asc, record_key asc, known_from desc, from_load desc,
        records::text desc
),

-- the period of care in which the plan began to be carried out; a decision before the
-- child came into care belongs to the period that followed
in_care as (
    select distinct on (latest.authority, latest.record_key)
        latest.*,
        care_periods.care_period_key,
        care_periods.start_date as care_start_date,
        care_periods.end_date as care_end_date,
        care_periods.end_reason_code
    from latest
    left join care_periods
        on
            latest.young_person_key = care_periods.young_person_key
            and care_periods.start_date
            <= coalesce(
                latest.placed_for_adoption_date, latest.permanence_order_date,
                latest.first_step_date
            )
    order by
        latest.authority asc, latest.record_key asc, care_periods.start_date desc
)

select
    {{ surrogate_key(['authority', 'record_key']) }} as permanence_key,
    young_person_key,
    authority,
    care_period_key,
    care_start_date,
    care_end_date,
    coalesce(end_reason_code in ('E11', 'E12'), false) as is_adopted,
    adm_decision_date,
    placement_order_date,
    matched_date,
    placed_for_adoption_date,
    decision_reversed_date,
    placed_foster_carer_date,
    permanence_order_date,
    decision_reversed_reason_code,
    permanence_order_code,
    is_adopted_by_carer
from in_care
