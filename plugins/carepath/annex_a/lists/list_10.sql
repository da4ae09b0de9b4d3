-- list 10: children with a decision for adoption, in care or not since the 12 months
records as (
    select distinct on (person_id, cla_id) *
    from staging.stg_permanence
    where authority = %(authority)s and person_id is not null and adm_decision_date <= %(day)s
    order by person_id asc, cla_id asc, known_from desc, from_load desc
),

families as (
    select
        person_id,
        min(family_id) as family_id
    from staging.stg_family
    where authority = %(authority)s and person_id is not null
    group by person_id
)

select
    records.person_id as "Child Unique ID",
    families.family_id as "Family identifier",
    children."Gender",
    children."Ethnicity",
    children."Date of Birth",
    children."Age of Child (Years)",
    children."Does the Child have a Disability",
    plans.care_start_date as "Date the Child Entered Care",
    records.adm_decision_date
        as "Date of Decision that Child Should be Placed for Adoption",
    case
        when records.placement_order_date <= %(day)s
            then records.placement_order_date
    end
        as "Date of Placement Order",
    case when records.matched_date <= %(day)s then records.matched_date end
        as "Date of Matching Child and Prospective Adopters",
    case
        when records.placed_for_adoption_date <= %(day)s
            then records.placed_for_adoption_date
    end as "Date Placed for Adoption",
    case
        when
            records.permanence_order_code = 'ADOPTION'
            and records.permanence_order_date <= %(day)s
            then records.permanence_order_date
    end as "Date of Adoption Order",
    case
        when records.decision_reversed_date <= %(day)s
            then records.decision_reversed_date
    end
        as decision_reversed_date,
    case
        when records.decision_reversed_date <= %(day)s
            then records.decision_reversed_reason_code
    end
        as "Reason Why Child No Longer Placed for Adoption",
    case when records.placed_ffa_cp_date <= %(day)s then records.placed_ffa_cp_date end
        as placed_ffa_cp_date
from records
left join children on records.person_id = children.person_id
left join families on records.person_id = families.person_id
left join core.fct_permanence as plans
    on
        children.young_person_key = plans.young_person_key
        and records.adm_decision_date = plans.adm_decision_date
where
    coalesce(plans.care_end_date >= %(year_from)s, true)
    and coalesce(records.decision_reversed_date >= %(year_from)s, true)
order by records.person_id, records.cla_id
