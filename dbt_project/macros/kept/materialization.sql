{#- A table that keeps its rows from night to night, and makes only those of touched people and
    new dates again (kept.yml, docs/adr/0007). -#}
{% materialization kept, adapter='postgres' %}
    {%- if not keeps_rows() -%}
        {%- set built = materialization_table_postgres() -%}
        {%- if not var('as_known_at', none) -%}
            {%- call statement('remember') %}{{ index_kept() }}{{ remember_kept() }}{% endcall -%}
            {%- do adapter.commit() -%}
        {%- endif -%}
        {%- do return(built) -%}
    {%- endif -%}
    {%- set columns = model.columns.keys() | join(', ') -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('make_room') %}{{ delete_touched() }}{{ delete_dates() }}{% endcall -%}
    {%- call statement('main') -%}
        insert into {{ this }} ({{ columns }}) select {{ columns }} from ({{ sql }}) as made
    {%- endcall -%}
    {%- call statement('remember') %}{{ remember_kept() }}{% endcall -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {%- do return({'relations': [this]}) -%}
{% endmaterialization %}

{#- By person for the next night, by authority for its publication: one among many. -#}
{% macro index_kept() -%}
    create index on {{ this }} using brin (authority);
    {%- if 'person' in kept_by() %}
    create index on {{ this }} (young_person_key);
    {%- endif %}
    {%- if kept_dates() %}
    create index on {{ this }} (authority, as_at_date);
    {%- endif %}
{% endmacro %}

{#- List whom to make again in the temporary table `touched`, and delete their rows. No person
    means everybody. The lock keeps the cut-offs as they are until the rows are written. -#}
{% macro delete_touched() -%}
    {%- if 'person' in kept_by() -%}
    lock table {{ source('ops', 'cutoffs') }} in share mode;
    create temporary table touched on commit drop as
    select
        authority,
        person_id,
        {{ surrogate_key(['authority', 'person_id']) }} as young_person_key
    from {{ ref('stg_touched_people') }}
    where
        kept_table = '{{ this.schema }}.{{ this.identifier }}'
        and (
            history_table is null
            or history_table in ('{{ history_tables() | join("', '") }}')
        )
    union
    select authority, null, null
    from {{ source('ops', 'built_loads') }} as built
    where
        table_name = '{{ this.schema }}.{{ this.identifier }}'
        and basis_hash is distinct from {{ basis_hash('built.authority') }};
    -- where everybody is touched, nobody need be named
    delete from touched where person_id is not null and authority in (
        select everybody.authority from touched as everybody where everybody.person_id is null
    );
    analyze touched;
    delete from {{ this }} as kept using touched
    where kept.young_person_key = touched.young_person_key;
    delete from {{ this }} where young_person_key is null;
    delete from {{ this }} where authority in (
        select touched.authority from touched where touched.person_id is null
    );
    {%- endif -%}
{%- endmacro %}

{#- Delete the rows of dates that are no more, and of snapshot dates that now rest on another
    load, decision or rule; list the dates without rows in the temporary table `missing_dates`. -#}
{% macro delete_dates() -%}
    {%- set date = kept_dates() -%}
    {%- if date -%}
    {%- set dates = ref({'report_date': 'dim_report_date', 'snapshot_date': 'dim_snapshot'}[date]) -%}
    delete from {{ this }} as kept where not exists (
        select from {{ dates }} as dates
        where
            dates.authority = kept.authority
            and dates.{{ date }} = kept.as_at_date
            {{- ' and dates.basis_hash = kept.basis_hash' if date == 'snapshot_date' }}
    );
    create temporary table missing_dates on commit drop as
    select authority, {{ date }} from {{ dates }} as dates where not exists (
        select from {{ this }} as kept
        where kept.authority = dates.authority and kept.as_at_date = dates.{{ date }}
    );
    {%- endif -%}
{%- endmacro %}

{#- Write as of which loads the table now stands, and what else its rows rest on. -#}
{% macro remember_kept() -%}
    delete from {{ source('ops', 'built_loads') }}
    where table_name = '{{ this.schema }}.{{ this.identifier }}';
    insert into {{ source('ops', 'built_loads') }}
        (table_name, table_oid, authority, load_id, basis_hash)
    select
        '{{ this.schema }}.{{ this.identifier }}', '{{ this }}'::regclass,
        authority, load_id, {{ basis_hash('cutoffs.authority') }}
    from {{ source('ops', 'cutoffs') }} as cutoffs
{%- endmacro %}

{#- One number for all rows of an authority in the models that this one names in rests_on. -#}
{% macro basis_hash(authority) -%}
    {%- set rows = [] -%}
    {%- for name in model.config.meta.get('rests_on', []) -%}
        {%- do rows.append(
            "select '" ~ name ~ " ' || said::text as said from " ~ ref(name)
            ~ " as said where said.authority = " ~ authority
        ) -%}
    {%- endfor -%}
    {%- if rows -%}
    (
        select hashtextextended(string_agg(said, ',' order by said), 0)
        from ({{ rows | join(' union all ') }}) as basis
    )
    {%- else -%}
    null::bigint
    {%- endif -%}
{%- endmacro %}
