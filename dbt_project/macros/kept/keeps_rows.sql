{#- Whether the table stands as the materialization made it: one that others made does not.
    (A file of its own, because sqlfluff reads what macros return only from other files.) -#}
{% macro keeps_rows() -%}
    {%- if
        not execute or model.config.materialized != 'kept' or should_full_refresh()
        or var('as_known_at', none)
    -%}
        {%- do return(false) -%}
    {%- endif -%}
    {%- set stands = run_query(
        "select 1 as stands from " ~ source('ops', 'built_loads')
        ~ " where table_oid = to_regclass('" ~ this ~ "') limit 1"
    ) -%}
    {%- do return(stands.rows | length > 0) -%}
{%- endmacro %}

{% macro kept_by() -%}
    {%- do return(model.config.meta.get('kept_by', ['person'])) -%}
{%- endmacro %}

{% macro kept_dates() -%}
    {%- do return(kept_by() | reject('equalto', 'person') | first) -%}
{%- endmacro %}

{#- The tables of history behind the model, whatever models lie between. -#}
{% macro history_tables() -%}
    {%- set parents = graph.nodes[model.unique_id].depends_on.nodes | list -%}
    {%- set found = [] -%}
    {%- for parent in parents -%}
        {%- if parent.startswith('model.') -%}
            {%- for further in graph.nodes[parent].depends_on.nodes if further not in parents -%}
                {%- do parents.append(further) -%}
            {%- endfor -%}
        {%- elif parent.split('.')[2] == 'history' -%}
            {%- do found.append(parent.split('.')[3]) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do return(found) -%}
{%- endmacro %}
