-- grain: one row per young person and accommodation that they are known to have come to
with

care_leavers as (
    select * from {{ ref('stg_care_leavers_versions') }}
    where person_id is not null
),

loads as (
    select * from {{ ref('dim_load') }}
),

-- a record can only change with a load that opened or closed one of its versions
changes as (
    select
        authority,
        person_id,
        from_load as load_id
    from care_leavers
    union
    select
        authority,
        person_id,
        to_load as load_id
    from care_leavers
    where to_load is not null
),

moments as (
    select
        changes.authority,
        changes.person_id,
        loads.accepted_load_id as load_id
    from changes
    inner join loads
        on
            changes.authority = loads.authority
            and changes.load_id = loads.load_id
    where loads.accepted_load_id is not null
    group by changes.authority, changes.person_id, loads.accepted_load_id
),

-- of several current records, the one that the snapshot takes. A record that disappears
-- for a while, or whose residence is not known (0, R), is not a move away and back
states as (
    select distinct on (moments.authority, moments.person_id, moments.load_id)
        moments.authority,
        moments.person_id,
        moments.load_id,
        nullif(nullif(care_leavers.accommodation_code, '0'), 'R') as accommodation_code
    from moments
    inner join care_leavers
        on
            moments.authority = care_leavers.authority
            and moments.person_id = care_leavers.person_id
            and {{ as_known_at_load('care_leavers', 'moments.load_id') }}
    order by
        moments.authority asc, moments.person_id asc, moments.load_id asc,
        care_leavers.known_from desc, care_leavers.from_load desc,
        care_leavers.latest_contact_date desc nulls last,
        care_leavers.pathway_plan_review_date desc nulls last,
        {{ as_sent('care_leavers') }} desc
),

followed as (
    select
        *,
        lag(accommodation_code) over (
            partition by authority, person_id order by load_id
        ) as from_accommodation_code
    from states
    where accommodation_code is not null
)

select
    {{ surrogate_key([
        'followed.authority', 'followed.person_id', 'followed.load_id',
    ]) }} as accommodation_move_key,
    {{ surrogate_key(['followed.authority', 'followed.person_id']) }}
        as young_person_key,
    followed.authority,
    loads.night as known_from,
    followed.load_id,
    followed.from_accommodation_code,
    followed.accommodation_code as to_accommodation_code,
    followed.from_accommodation_code is null as is_first_known
from followed
inner join loads
    on
        followed.authority = loads.authority
        and followed.load_id = loads.load_id
where followed.from_accommodation_code is distinct from followed.accommodation_code
