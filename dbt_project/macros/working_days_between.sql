{#- Working days in England (Monday to Friday without bank holidays) between two days of
    dim_date. The first day does not count: from a Friday to the next Monday is one. Negative
    if the second day is before the first; null if either is unknown. `first_day` and
    `last_day` are dim_date, joined to the two dates. -#}
{% macro working_days_between(first_day, last_day) -%}
    ({{ last_day }}.working_day_number - {{ first_day }}.working_day_number)
{%- endmacro %}
