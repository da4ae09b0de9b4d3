{#- A schema has the name that dbt_project.yml gives it. With the variable as_known_at,
    every schema gets another name, so that a past state never changes tonight's tables. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set schema_name = (custom_schema_name or target.schema) | trim -%}
    {%- set day = var('as_known_at', none) -%}
    {%- if day -%}
        {{ schema_name }}_as_known_{{ (day | string).replace('-', '') -}}
        {{ var('as_known_suffix', '') }}
    {%- else -%}
        {{ schema_name }}
    {%- endif -%}
{%- endmacro %}
