-- grain: one row per young person, worker, role, team and unbroken time allocated
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

-- the days on which a record of a worker begins or ends
changes as (
    select
        authority,
        person_id,
        worker_id,
        role_code,
        start_date as change_date
    from allocated
    where person_id is not null
    union
    select
        authority,
        person_id,
        worker_id,
        role_code,
        end_date as change_date
    from allocated
    where person_id is not null and end_date is not null
),

spans as (
    select
        *,
        lead(change_date) over (
            partition by authority, person_id, worker_id, role_code
            order by change_date
        ) as next_date
    from changes
),

-- between two changes the team is that of the record that began last
with_teams as (
    select distinct on (
        spans.authority, spans.person_id, spans.worker_id, spans.role_code,
        spans.change_date
    )
        spans.*,
        allocated.team_id
    from spans
    inner join allocated
        on
            spans.authority = allocated.authority
            and spans.person_id = allocated.person_id
            and spans.worker_id = allocated.worker_id
            and spans.role_code = allocated.role_code
            and spans.change_date >= allocated.start_date
            and (
                allocated.end_date is null
                or spans.change_date < allocated.end_date
            )
    order by
        spans.authority asc, spans.person_id asc, spans.worker_id asc,
        spans.role_code asc, spans.change_date asc,
        allocated.start_date desc, allocated.team_id asc nulls last
),

-- A worker who takes a case into another team begins another allocation. So past dates
-- keep the team that they had.
merged as (
    select
        authority,
        person_id,
        worker_id,
        role_code,
        team_id,
        unnest(range_agg(daterange(change_date, next_date))) as allocated_range
    from with_teams
    group by authority, person_id, worker_id, role_code, team_id
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
from merged
