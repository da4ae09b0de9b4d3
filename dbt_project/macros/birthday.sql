{#- The day on which somebody reaches an age: born on 29 February, it is 1 March in a
    year that has no such day (as age() counts, and the law). -#}
{% macro birthday(birth_date, years) -%}
    (
        ({{ birth_date }} + interval '{{ years }} years')::date
        + (
            extract(day from {{ birth_date }})
            > extract(day from {{ birth_date }} + interval '{{ years }} years')
        )::integer
    )
{%- endmacro %}
