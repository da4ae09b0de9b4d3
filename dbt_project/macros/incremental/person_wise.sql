{#- A core table that keeps the rows of everybody whose records are as they were, and makes
    those of the others anew (docs/adr/0007). In the model:

        {{ config(**person_wise()) }}
        ... select * from {{ ref('stg_x') }} where {{ is_touched() }}

    at every place where a person's records come in. It is for tables whose rows rest on
    the records of one person, known up to the cut-off, and on seeds and code; the first
    night, and one with other code, builds all (night.build, `--full-refresh`), so columns
    never change on the way; `fail` would take numeric and numeric(8, 2) for a change. -#}
{% macro person_wise() -%}
    {% do return({
        'materialized': 'table' if var('as_known_at', none) else 'incremental',
        'incremental_strategy': 'append',
        'on_schema_change': 'append_new_columns',
        'pre_hook': "{{ forget_touched() }}",
        'post_hook': "{{ remember_built() }}",
    }) %}
{%- endmacro %}

{#- True for the records of those whose rows are made anew tonight, and for those of nobody.
    `person` is what says whose they are: person_id in staging, young_person_key in core. -#}
{% macro is_touched(person='person_id', authority='authority') -%}
    {%- set by = (
        'young_person_key' if person.endswith('young_person_key') else 'person_id'
    ) -%}
    {%- if keeps_rows() -%}
    (
            {{ person }} is null
            or {{ authority }} in (
                select touched.authority from touched
                where touched.person_id is null
            )
            or ({{ authority }}, {{ person }}) in (
                select touched.authority, touched.{{ by }} from touched
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
analyze touched;
delete from {{ this }}
where
    {{ is_touched('young_person_key') }}
    or authority not in (select cutoffs.authority from ops.cutoffs)
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
