{#- Schema names are exactly those of the design. With the variable as_known_at every
    schema is one of its own, so that a past state never touches tonight's tables. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set schema_name = (custom_schema_name or target.schema) | trim -%}
    {%- set known_at = var('as_known_at', none) -%}
    {%- if known_at and node.resource_type != 'seed' -%}
        {{ schema_name }}_as_known_{{ (known_at | string).replace('-', '') }}
    {%- else -%}
        {{ schema_name }}
    {%- endif -%}
{%- endmacro %}
