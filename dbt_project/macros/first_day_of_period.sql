{#- The first day of a number of months that end with a day: 12 months to 31 March begin on
    1 April. Where a month does not have the day, PostgreSQL takes the month's last day. So
    there are two ways to count back, and the later day is right: three months to 30 June
    begin on 1 April (not 31 March), and 12 months to 28 February on 1 March, in leap years
    too. -#}
{% macro first_day_of_period(last_date, months) -%}
    greatest(
        ({{ last_date }} - interval '{{ months }} months')::date + 1,
        ({{ last_date }} + 1 - interval '{{ months }} months')::date
    )
{%- endmacro %}
