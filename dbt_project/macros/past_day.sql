{#- The date as known at which the warehouse is built; null for tonight. -#}
{% macro past_day() -%}
    {%- set day = var('as_known_at', none) -%}
    {{ "date '" ~ day ~ "'" if day else 'null::date' }}
{%- endmacro %}
