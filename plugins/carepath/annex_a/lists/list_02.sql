-- list 2: early help, open or ended in the six months
records as (
    select * from staging.stg_early_help_episodes
    where
        authority = %(authority)s
        and start_date <= %(day)s
        and coalesce(end_date >= %(six_months_from)s, true)
)

select
    records.person_id as "Child Unique ID",
    children."Gender",
    children."Ethnicity",
    children."Date of Birth",
    children."Age of Child (Years)",
    records.start_date as "Assessment start date",
    case when records.end_date <= %(day)s then records.end_date end
        as "Assessment completion date",
    records.organisation as "Organisation completing assessment"
from records
left join children on records.person_id = children.person_id
order by records.start_date, records.record_key
