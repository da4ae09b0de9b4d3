{#- Working days in England from one day of dim_date to another: Monday to Friday without
    bank holidays, the first day not counted, so that from a Friday to the Monday after it
    is one. Negative when the second day is before the first; null when either is unknown.
    `first_day` and `last_day` are dim_date, joined to the two dates. -#}
{% macro working_days_between(first_day, last_day) -%}
    ({{ last_day }}.working_day_number - {{ first_day }}.working_day_number)
{%- endmacro %}
