-- grain: one row per authority and segment
with

authorities as (
    select * from {{ ref('dim_authority') }}
),

-- the lists that a pattern can use; a list without an authority is for all authorities
members as (
    select * from {{ ref('int_segment_members') }}
),

-- what the KPI marts declare: a name, or a pattern that uses one of the lists below
declared (segment_kind, segment_name, list_name, is_total, declared_order) as (
    values
    {%- for segment in declared_segments() %}
        (
            '{{ segment.kind | replace("'", "''") }}',
            '{{ segment.name | replace("'", "''") }}',
            {{ "'" ~ segment.list ~ "'" if segment.list else 'null' }},
            {{ 'true' if segment.is_total else 'false' }},
            {{ loop.index }}
        ){{ ',' if not loop.last }}
    {%- endfor %}
),

-- a name that is both in a list and declared has the list's key; a name of two kinds (a
-- team with the name of a plan) is one segment, of the kind declared first
named as (
    select
        authorities.authority,
        declared.segment_kind,
        declared.declared_order,
        declared.is_total,
        members.member_order,
        members.keys,
        coalesce(
            replace(
                declared.segment_name, '{' || declared.list_name || '}', members.member
            ),
            declared.segment_name
        ) as segment
    from authorities
    cross join declared
    left join members
        on
            declared.list_name = members.list_name
            and authorities.authority
            = coalesce(members.authority, authorities.authority)
    where declared.list_name is null or members.member is not null
),

numbered as (
    select
        *,
        row_number() over (
            partition by authority, segment
            order by keys is null, declared_order, member_order
        ) as name_number
    from named
),

coded as (
    select
        *,
        {{ code_of('segment') }} as short_code
    from numbered
    where name_number = 1
)

select
    authority,
    segment,
    -- two names that differ only in signs keep codes of their own
    short_code || case
        when count(*) over (partition by authority, short_code) > 1
            then '_' || left(md5(segment), 6)
        else ''
    end as segment_code,
    segment_kind,
    segment_kind = 'everybody' or is_total as is_total,
    segment_kind in (
        {%- for kind in additive_kinds() %}
            '{{ kind }}'{{ ',' if not loop.last }}
        {%- endfor %}
    ) as is_additive,
    {%- for column, kinds in segment_columns().items() %}
        case
            when segment_kind in ('{{ kinds | join("', '") }}')
                then regexp_replace(segment, '^(need|recorded as):? ', '')
        end as {{ column }},
    {%- endfor %}
    (
        row_number() over (
            partition by authority
            order by
                segment_kind <> 'everybody', segment_kind, declared_order,
                member_order, segment
        )
    )::integer as segment_order,
    (keys ->> 'cohort_key')::bigint as cohort_key,
    keys ->> 'eligibility_code' as eligibility_code,
    keys ->> 'need_code' as need_code,
    keys ->> 'panel_code' as panel_code,
    keys ->> 'placement_group' as placement_group,
    keys ->> 'plan_type_code' as plan_type_code,
    keys ->> 'programme_code' as programme_code,
    (keys ->> 'team_key')::bigint as team_key
from coded
