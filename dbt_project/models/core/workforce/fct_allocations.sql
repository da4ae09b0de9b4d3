-- grain: one row per young person, worker, role and unbroken time allocated
{{ config(materialized='kept') }}
with

involvements as (
    select * from {{ touched(ref('stg_involvements')) }}
),

referrals as (
    select * from {{ touched(ref('stg_cin_episodes')) }}
),

worker_roles as (
    select * from {{ ref('worker_roles') }}
),

-- Mosaic's involvements name no person; the person comes from the referral
people_of_referrals as (
    select
        authority,
        referral_id,
        min(person_id) as person_id
    from referrals
    where
        (authority, referral_id) in (
            select
                involvements.authority,
                involvements.referral_id
            from involvements
            where involvements.person_id is null
        )
    group by authority, referral_id
),

roles as (
    select professional_role
    from involvements
    group by professional_role
),

role_codes as (
    select distinct on (roles.professional_role)
        roles.professional_role,
        worker_roles.role_code
    from roles
    inner join worker_roles
        on lower(btrim(roles.professional_role)) like worker_roles.role_pattern
    order by roles.professional_role asc, worker_roles.precedence asc
),

-- an allocation that ends before it begins, or on the same day, covers no time
allocated as (
    select
        involvements.authority,
        coalesce(involvements.person_id, people_of_referrals.person_id) as person_id,
        involvements.professional_id as worker_id,
        role_codes.role_code,
        involvements.team_id,
        involvements.start_date,
        involvements.end_date
    from involvements
    inner join role_codes
        on involvements.professional_role = role_codes.professional_role
    left join people_of_referrals
        on
            involvements.authority = people_of_referrals.authority
            and involvements.referral_id = people_of_referrals.referral_id
    where
        involvements.professional_id is not null
        and involvements.start_date is not null
        and (
            involvements.end_date is null
            or involvements.end_date > involvements.start_date
        )
),

-- records of one worker that overlap, or follow each other without a day between, are
-- one allocation
merged as (
    select
        authority,
        person_id,
        worker_id,
        role_code,
        unnest(range_agg(daterange(start_date, end_date))) as allocated_range
    from allocated
    where person_id is not null
    group by authority, person_id, worker_id, role_code
),

-- the team is that of the last record
with_teams as (
    select distinct on (
        merged.authority, merged.person_id, merged.worker_id, merged.role_code,
        lower(merged.allocated_range)
    )
        merged.*,
        allocated.team_id
    from merged
    inner join allocated
        on
            merged.authority = allocated.authority
            and merged.person_id = allocated.person_id
            and merged.worker_id = allocated.worker_id
            and merged.role_code = allocated.role_code
            and merged.allocated_range @> allocated.start_date
    order by
        merged.authority asc, merged.person_id asc, merged.worker_id asc,
        merged.role_code asc, lower(merged.allocated_range) asc,
        allocated.start_date desc, allocated.team_id asc nulls last
)

select
    {{ surrogate_key([
        'authority', 'person_id', 'worker_id', 'role_code', 'lower(allocated_range)',
    ]) }} as allocation_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    {{ surrogate_key(['authority', 'worker_id']) }} as worker_key,
    {{ surrogate_key(['authority', 'team_id']) }} as team_key,
    role_code,
    (
        row_number() over (
            partition by authority, person_id
            order by
                lower(allocated_range) asc, upper(allocated_range) asc nulls last,
                worker_id asc, role_code asc
        )
    )::integer as allocation_number,
    lower(allocated_range) as start_date,
    upper(allocated_range) as end_date
from with_teams
