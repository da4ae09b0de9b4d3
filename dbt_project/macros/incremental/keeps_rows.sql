{#- Whether the model adds to a table that stands, rather than making it. Asked by macros
    and not in models: a unit test, which has no table, then needs no override. -#}
{% macro keeps_rows() -%}
    {% do return(this is not none and is_incremental()) %}
{%- endmacro %}
