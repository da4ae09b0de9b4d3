-- grain: one row per kept table, authority, table of history and person to make again
with

-- as of which load each table stands, and as of which it shall stand
tables as (
    select
        kept.table_name as kept_table,
        authorities.authority,
        built.load_id as built_load_id,
        cutoffs.load_id as cutoff_load_id
    from (select distinct table_name from {{ source('ops', 'built_loads') }}) as kept
    cross join {{ source('ops', 'authorities') }} as authorities
    left join {{ source('ops', 'built_loads') }} as built
        on
            kept.table_name = built.table_name
            and authorities.authority = built.authority
    left join {{ source('ops', 'cutoffs') }} as cutoffs
        on authorities.authority = cutoffs.authority
)

-- whom the loads between the two changed, whichever is later: a hold moves the cut-off
-- back. A blank person stands for everybody.
select
    tables.kept_table,
    tables.authority,
    people.table_name as history_table,
    nullif(people.person_id, '') as person_id
from tables
inner join {{ source('ops', 'loads') }} as loads
    on
        tables.authority = loads.authority
        and loads.load_id > least(tables.built_load_id, tables.cutoff_load_id)
        and loads.load_id <= greatest(tables.built_load_id, tables.cutoff_load_id)
inner join {{ source('ops', 'changed_people') }} as people
    on loads.load_id = people.load_id
union
-- whoever shares an id with somebody else, every night
select
    tables.kept_table,
    tables.authority,
    null as history_table,
    people.person_id
from tables
inner join {{ source('ops', 'entangled_people') }} as people
    on tables.authority = people.authority
union
-- everybody of an authority that is new, or has no accepted load any more
select
    kept_table,
    authority,
    null as history_table,
    null as person_id
from tables
where built_load_id is null or cutoff_load_id is null
