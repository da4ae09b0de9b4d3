{#- The year of the children in need census that a night belongs to: 1 April to
    31 March. -#}

{#- Its first day. -#}
{% macro census_start(night) -%}
    make_date(extract(year from {{ night }} - interval '3 months')::int, 4, 1)
{%- endmacro %}

{#- Its last day, which the Department calls the reference date. -#}
{% macro census_end(night) -%}
    make_date(extract(year from {{ night }} + interval '9 months')::int, 3, 31)
{%- endmacro %}
