{#- Tables and views, made again in few statements. dbt's own materializations rename and drop in
    statements of their own, and each costs dbt more time than the server (docs/adr/0004). The new
    one takes the place of the old one in the transaction that makes it. -#}

{#- Keys are added when all rows are in: PostgreSQL then sorts them once. -#}
{% materialization table, adapter='postgres' %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set made = make_intermediate_relation(target) -%}
    {%- set existing = load_cached_relation(this) or target -%}
    {%- set columns = model.columns.keys() | join(', ') -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('main') -%}
        drop table if exists {{ made }};
        create {{ 'unlogged' if config.get('unlogged') }} table {{ made }}
        {%- if config.get('contract').enforced %}
        {{ get_assert_columns_equivalent(sql) }}
        ({{ adapter.render_raw_columns_constraints(raw_columns=model.columns) | join(', ') }});
        insert into {{ made }} ({{ columns }}) select {{ columns }} from ({{ sql }}) as made
        {%- else %} as {{ sql }}
        {%- endif %}
    {%- endcall -%}
    {%- call statement('take_its_place') -%}
        {%- for constraint in adapter.render_raw_model_constraints(raw_constraints=model.constraints) -%}
        alter table {{ made }} add {{ constraint }};
        {%- endfor -%}
        {{ get_drop_sql(existing) }};
        alter table {{ made }} rename to {{ this.identifier }}
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {%- do return({'relations': [target]}) -%}
{% endmaterialization %}

{% materialization view, adapter='postgres' %}
    {%- set target = this.incorporate(type='view') -%}
    {%- set existing = load_cached_relation(this) or target -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('main') -%}
        {{ get_drop_sql(existing) }};
        {{ get_create_view_as_sql(target, sql) }}
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {%- do return({'relations': [target]}) -%}
{% endmaterialization %}

{#- The columns of a query need not be compared with its contract again if a build with the same
    code has done so. The table is still made with the contract's columns and types. -#}
{% macro postgres__get_assert_columns_equivalent(sql) -%}
    {%- if not env_var('CAREPATH_DBT_CONTRACTS_HOLD', '') -%}
        {{- assert_columns_equivalent(sql) -}}
    {%- endif -%}
{%- endmacro %}
