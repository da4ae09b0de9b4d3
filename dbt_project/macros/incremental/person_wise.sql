{#- A core table that keeps the rows of everybody whose records are as they were, and makes
    those of the others anew (docs/adr/0007). In the model:

        {{ config(**person_wise()) }}
        ... select * from {{ touched(ref('stg_x')) }}

    at every place where a person's records come in. It is for tables whose rows rest on
    the records of one person, known up to the cut-off, and on seeds and code; the first
    night, and one with other code, builds all (night.build, `--full-refresh`), so columns
    never change on the way; `fail` would take numeric and numeric(8, 2) for a change. -#}
{% macro person_wise() -%}
    {% do return({
        'materialized': 'table' if var('as_known_at', none) else 'incremental',
        'incremental_strategy': 'append',
        'on_schema_change': 'append_new_columns',
        'indexes': [{'columns': ['young_person_key']}],
        'pre_hook': "{{ forget_touched() }}",
        'post_hook': "{{ remember_built() }}",
    }) %}
{%- endmacro %}

{#- Of a relation, the records of those whose rows are made anew tonight, and of nobody: all
    of them where all is made anew. `person` is what says whose they are, an indexed column:
    person_id in staging (landing.tables.index_people), young_person_key in core. Each part
    looks the few rows that it wants up, where one condition with `or` reads them all. -#}
{% macro touched(relation, person='person_id', alias='records') -%}
    {%- if keeps_rows() -%}
    (
        {%- if person == 'person_id' %}
        select record.*
        from touched
        cross join
            lateral (
                select * from {{ relation }} as of_person
                where
                    of_person.authority = touched.authority
                    and of_person.person_id = touched.person_id
                offset 0 -- person by person: a join would read every partition of history
            ) as record
        {%- else %}
        select record.*
        from touched
        inner join {{ relation }} as record
            on touched.{{ person }} = record.{{ person }}
        {%- endif %}
        union all
        select record.*
        from {{ relation }} as record
        where record.authority in (
            select touched.authority from touched where touched.person_id is null
        )
        union all
        select record.*
        from {{ relation }} as record
        where
            record.{{ person }} is null
            and record.authority not in (
                select touched.authority from touched where touched.person_id is null
            )
    ) as {{ alias }}
    {%- else -%}
    {{ relation }} as {{ alias }}
    {%- endif -%}
{%- endmacro %}

{#- True for the people whose rows are made anew tonight, and for nobody: for records whose
    person is found on the way. -#}
{% macro is_touched(person='person_id', authority='authority') -%}
    {%- if keeps_rows() -%}
    (
            {{ person }} is null
            or {{ authority }} in (
                select touched.authority from touched
                where touched.person_id is null
            )
            or ({{ authority }}, {{ person }}) in (
                select touched.authority, touched.person_id from touched
            )
        )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{#- First in the model's transaction: find whom the loads between the one of which the table
    stands and tonight's cut-off touched, whichever of the two is later, and delete their
    rows. No person means everybody: of an authority that is new, or where something changed
    of which it is not recorded whose it is. Who shares records with others is always one
    of them. The lock keeps the cut-offs as they are until
    the rows are written. -#}
{% macro forget_touched() -%}
{%- if keeps_rows() -%}
lock table ops.cutoffs in share mode;
create temporary table touched on commit drop as
with

bounds as (
    select
        cutoffs.authority,
        built.load_id is null as is_new,
        least(built.load_id, cutoffs.load_id) as after_load,
        greatest(built.load_id, cutoffs.load_id) as last_load
    from ops.cutoffs
    left join ops.built_loads as built
        on
            cutoffs.authority = built.authority
            and built.table_name = '{{ this.schema }}.{{ this.identifier }}'
            and built.table_oid = '{{ this }}'::regclass
)

select
    authority,
    null as person_id,
    null::bigint as young_person_key
from bounds
where is_new
union
select
    bounds.authority,
    changed_people.person_id,
    {{ surrogate_key(['bounds.authority', 'changed_people.person_id']) }}
from bounds
inner join ops.loads
    on
        bounds.authority = loads.authority
        and bounds.after_load < loads.load_id
        and bounds.last_load >= loads.load_id
inner join ops.table_deliveries on loads.load_id = table_deliveries.load_id
left join ops.changed_people
    on
        table_deliveries.load_id = changed_people.load_id
        and table_deliveries.table_name = changed_people.table_name
where
    not bounds.is_new
    and coalesce(table_deliveries.opened_count + table_deliveries.closed_count, 1) > 0
    and table_deliveries.table_name = any(
        array['{{ history_tables() | join("', '") }}']
    )
union
select
    authority,
    entangled_people.person_id,
    {{ surrogate_key(['authority', 'entangled_people.person_id']) }}
from bounds
inner join ops.entangled_people using (authority)
where not is_new;
-- where everybody is touched, nobody need be named
delete from touched
where
    person_id is not null
    and authority in (select every.authority from touched as every where every.person_id is null);
analyze touched;
delete from {{ this }} as kept
using touched
where kept.young_person_key = touched.young_person_key;
delete from {{ this }}
where young_person_key is null;
delete from {{ this }}
where authority in (select touched.authority from touched where touched.person_id is null);
-- an authority that has no accepted load any more; a table that others have made
delete from {{ this }}
where authority in (
    select built.authority from ops.built_loads as built
    where
        built.table_name = '{{ this.schema }}.{{ this.identifier }}'
        and built.authority not in (select cutoffs.authority from ops.cutoffs)
);
delete from {{ this }}
where not exists (
    select 1 from ops.built_loads as built
    where
        built.table_name = '{{ this.schema }}.{{ this.identifier }}'
        and built.table_oid = '{{ this }}'::regclass
)
{%- endif -%}
{%- endmacro %}

{#- Last in the model's transaction: of which loads the table now stands. -#}
{% macro remember_built() -%}
{%- if model.config.materialized == 'incremental' -%}
delete from ops.built_loads
where table_name = '{{ this.schema }}.{{ this.identifier }}';
insert into ops.built_loads (table_name, table_oid, authority, load_id)
select
    '{{ this.schema }}.{{ this.identifier }}',
    '{{ this }}'::regclass,
    authority,
    load_id
from ops.cutoffs
{%- endif -%}
{%- endmacro %}

{#- The tables of history that the model's rows come from, by whatever models lie between. -#}
{% macro history_tables() -%}
    {%- set found = [] -%}
    {%- do _collect_history_tables(model.unique_id, [], found) -%}
    {%- do return(found | sort) -%}
{%- endmacro %}

{% macro _collect_history_tables(unique_id, seen, found) -%}
    {%- for parent in graph.nodes[unique_id].depends_on.nodes if parent not in seen -%}
        {%- do seen.append(parent) -%}
        {%- set parts = parent.split('.') -%}
        {%- if parts[0] == 'model' -%}
            {%- do _collect_history_tables(parent, seen, found) -%}
        {%- elif parts[0] == 'source' and parts[2] == 'history' -%}
            {%- do found.append(parts[3]) -%}
        {%- elif parts[0] == 'source' and parts[2:] not in (['ops', 'cutoffs'], ['ops', 'authorities']) -%}
            {%- do exceptions.raise_compiler_error(
                model.name ~ " reads " ~ parts[2:] | join('.') ~ ", which can change without a"
                ~ " record of a person: it cannot be person_wise()"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
