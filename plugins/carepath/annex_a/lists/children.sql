-- what every list begins with: each child once, and who is allocated to them on the day
with

people as (
    select distinct on (person_id)
        person_id,
        sex_code,
        ethnicity_code,
        birth_date
    from staging.stg_person
    where authority = %(authority)s and person_id is not null
    order by person_id asc, known_from desc, from_load desc
),

disabilities as (
    select
        person_id,
        bool_or(disability_code <> 'NONE') as is_disabled
    from staging.stg_disability
    where authority = %(authority)s and disability_code is not null
    group by person_id
),

children as (
    select
        people.person_id,
        core.key_of(%(authority)s || '|' || people.person_id) as young_person_key,
        people.sex_code as "Gender",
        people.ethnicity_code as "Ethnicity",
        people.birth_date as "Date of Birth",
        case
            when people.birth_date <= %(day)s
                then extract(year from age(%(day)s, people.birth_date))::integer
        end as "Age of Child (Years)",
        coalesce(disabilities.is_disabled::text, 'unknown')
            as "Does the Child have a Disability"
    from people
    left join disabilities on people.person_id = disabilities.person_id
),

uasc as (
    select
        person_id,
        max(coalesce(end_date, 'infinity'::date)) as last_date
    from staging.stg_immigration_status
    where
        authority = %(authority)s and immigration_status_code = 'UASC'
        and coalesce(start_date <= %(day)s, true)
    group by person_id
),

teams as (
    select distinct on (team_id)
        team_id,
        team_name as "Allocated Team"
    from staging.stg_department
    where authority = %(authority)s
    order by team_id asc, known_from desc, from_load desc
),

workers as (
    select distinct on (professional_id)
        professional_id as worker_id,
        professional_name as "Allocated Worker"
    from staging.stg_professionals
    where authority = %(authority)s
    order by professional_id asc, known_from desc, from_load desc
),

-- the last social worker to be allocated who still is on the day
allocated as (
    select distinct on (involvements.person_id)
        involvements.person_id,
        teams."Allocated Team",
        workers."Allocated Worker"
    from staging.stg_involvements as involvements
    left join teams on involvements.team_id = teams.team_id
    left join workers on involvements.professional_id = workers.worker_id
    where
        involvements.authority = %(authority)s
        and involvements.professional_role ~* 'social worker'
        and involvements.start_date <= %(day)s
        and coalesce(involvements.end_date > %(day)s, true)
    order by
        involvements.person_id asc, involvements.start_date desc,
        involvements.professional_id asc
),
