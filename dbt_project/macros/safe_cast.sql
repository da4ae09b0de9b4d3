{#- dbt reads a column's type from information_schema, which calls every array ARRAY. A unit
    test cannot cast its rows to that. All arrays of staging hold text. -#}
{% macro postgres__safe_cast(field, type) -%}
    cast({{ field }} as {{ 'text[]' if type == 'ARRAY' else type }})
{%- endmacro %}
