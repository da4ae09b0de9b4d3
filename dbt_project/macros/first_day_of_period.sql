{#- The first day of the months that end with a day: 12 months to 31 March begin on 1 April.
    PostgreSQL shortens a month that has no such day, so of two ways back the later day is
    right: three months to 30 June begin on 1 April (not 31 March), and 12 months to
    28 February on 1 March, be there a 29 February in one of the years or not. -#}
{% macro first_day_of_period(last_date, months) -%}
    greatest(
        ({{ last_date }} - interval '{{ months }} months')::date + 1,
        ({{ last_date }} + 1 - interval '{{ months }} months')::date
    )
{%- endmacro %}
