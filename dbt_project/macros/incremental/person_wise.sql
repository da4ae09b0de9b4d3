{#- A core table that keeps the rows of everybody whose records are as they were, and makes
    those of the others anew (docs/adr/0007). In the model:

        {{ config(**person_wise()) }}
        ... select * from {{ touched(ref('stg_x')) }}

    at every place where a person's records come in. It is for tables whose rows rest on
    the records of one person, known up to the cut-off, and on seeds and code; the first
    night, and one with other code, builds all (night.build, `--full-refresh`), so columns
    never change on the way; `fail` would take numeric and numeric(8, 2) for a change.

    `basis` names the models, small and with an authority, that the rows rest on beside the
    records of one person: what an authority delivers, when a programme began. Where one of
    them changed, all of its authority is made anew. `dates`, report_date or snapshot_date,
    keeps rows by person and date: the model reads the dates with `is_missing_date()` as
    is_missing, and asks `is_due()` where people meet them. -#}
{% macro person_wise(dates=none, basis=[]) -%}
    {#- by person for the next night, by authority for its publication: of one among many -#}
    {%- set indexes = [
        {'columns': ['young_person_key']}, {'columns': ['authority'], 'type': 'brin'}
    ] -%}
    {%- if dates -%}
        {%- do indexes.append({'columns': ['authority', dates]}) -%}
    {%- endif -%}
    {%- set arguments = ((dates or '') | tojson) ~ ', ' ~ (basis | tojson) -%}
    {%- do return({
        'materialized': 'table' if var('as_known_at', none) else 'incremental',
        'incremental_strategy': 'append',
        'on_schema_change': 'append_new_columns',
        'indexes': indexes,
        'pre_hook': '{{ forget_touched(' ~ arguments ~ ') }}',
        'post_hook': '{{ remember_built(' ~ (basis | tojson) ~ ') }}',
    }) -%}
{%- endmacro %}

{#- Of a relation, the records of those whose rows are made anew tonight, and of nobody: all
    of them where all is made anew. `person` is what says whose they are, an indexed column:
    person_id in staging (landing.tables.index_people), young_person_key in core. Each part
    looks the few rows that it wants up, where one condition with `or` reads them all. -#}
{% macro touched(relation, person='person_id', alias='records') -%}
    {%- if keeps_rows() -%}
    (
        {%- if person == 'person_id' %}
        {{ looked_up(relation, 'touched') }}
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

{#- A query for the records of a relation of staging that are of given people, by the index
    on the person (landing.tables.index_people). `people` has authority and person_id. -#}
{% macro looked_up(relation, people) -%}
        select record.*
        from {{ people }} as wanted
        cross join
            lateral (
                select * from {{ relation }} as of_person
                where
                    of_person.authority = wanted.authority
                    and of_person.person_id = wanted.person_id
                offset 0 -- person by person: a join would read every partition of history
            ) as record
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
    of which it is not recorded whose it is, or whose basis is another. Who shares records
    with others is always one of them. The lock keeps the cut-offs as they are until the
    rows are written. -#}
{% macro forget_touched(dates, basis) -%}
{%- if keeps_rows() -%}
lock table ops.cutoffs in share mode;
create temporary table touched on commit drop as
with

basis as (
    {{ basis_hashes(basis) }}
),

bounds as (
    select
        cutoffs.authority,
        built.load_id is null
        or built.basis_hash is distinct from basis.basis_hash as is_new,
        least(built.load_id, cutoffs.load_id) as after_load,
        greatest(built.load_id, cutoffs.load_id) as last_load
    from ops.cutoffs
    left join basis on cutoffs.authority = basis.authority
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
        array['{{ history_tables(dates, basis) | join("', '") }}']
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
{%- if dates -%}
;
{{ forget_other_dates(dates) }}
{%- endif -%}
{%- endif -%}
{%- endmacro %}

{#- A query for what the rows of each authority rest on beside records, as one number. -#}
{% macro basis_hashes(basis) -%}
    {%- if basis -%}
    select
        said.authority,
        hashtextextended(string_agg(said.said, ',' order by said.said), 0) as basis_hash
    from (
        {%- for name in basis %}
        select
            rows_of_basis.authority,
            '{{ name }} ' || rows_of_basis::text as said
        from {{ ref(name) }} as rows_of_basis
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ) as said
    group by said.authority
    {%- else -%}
    select
        null::text as authority,
        null::bigint as basis_hash
    where false
    {%- endif -%}
{%- endmacro %}

{#- Last in the model's transaction: of which loads the table now stands. -#}
{% macro remember_built(basis) -%}
{%- if model.config.materialized == 'incremental' -%}
delete from ops.built_loads
where table_name = '{{ this.schema }}.{{ this.identifier }}';
insert into ops.built_loads (table_name, table_oid, authority, load_id, basis_hash)
select
    '{{ this.schema }}.{{ this.identifier }}',
    '{{ this }}'::regclass,
    cutoffs.authority,
    cutoffs.load_id,
    basis.basis_hash
from ops.cutoffs
left join ({{ basis_hashes(basis) }}) as basis on cutoffs.authority = basis.authority
{%- endif -%}
{%- endmacro %}

{#- The tables of history that the model's rows come from, by whatever models lie between:
    not those behind its basis and its dates, which say themselves when they are others. -#}
{% macro history_tables(dates, basis) -%}
    {%- set vouched = basis + {
        'report_date': ['dim_report_date'],
        'snapshot_date': [
            'dim_snapshot', 'stg_loads', 'stg_gate_runs', 'stg_table_deliveries',
            'stg_failing_keys', 'stg_rules',
        ],
    }.get(dates, []) -%}
    {%- set found = [] -%}
    {%- do _collect_history_tables(model.unique_id, vouched, [], found) -%}
    {%- do return(found | sort) -%}
{%- endmacro %}

{% macro _collect_history_tables(unique_id, vouched, seen, found) -%}
    {%- for parent in graph.nodes[unique_id].depends_on.nodes if parent not in seen -%}
        {%- do seen.append(parent) -%}
        {%- set parts = parent.split('.') -%}
        {%- if parts[0] == 'model' and parts[2] in vouched -%}
        {%- elif parts[0] == 'model' -%}
            {%- do _collect_history_tables(parent, vouched, seen, found) -%}
        {%- elif parts[0] == 'source' and parts[2] == 'history' -%}
            {%- do found.append(parts[3]) -%}
        {%- elif parts[0] == 'source' and parts[2:] not in (['ops', 'cutoffs'], ['ops', 'authorities']) -%}
            {%- do exceptions.raise_compiler_error(
                model.name ~ " reads " ~ parts[2:] | join('.') ~ ", which can change without a"
                ~ " record of a person: it cannot be person_wise() without naming what it"
                ~ " rests on as basis"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
