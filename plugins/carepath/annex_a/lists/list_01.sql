-- list 1: contacts in the six months
records as (
    select * from staging.stg_contacts
    where
        authority = %(authority)s
        and contact_date between %(six_months_from)s and %(day)s
)

select
    records.person_id as "Child Unique ID",
    children."Gender",
    children."Ethnicity",
    children."Date of Birth",
    children."Age of Child (Years)",
    records.contact_date as "Date of Contact",
    records.contact_source_code as "Contact Source"
from records
left join children on records.person_id = children.person_id
order by records.contact_date, records.record_key
