{#- The day on which a person reaches an age. For a birth on 29 February it is 1 March in
    a year without that day, as in the law and in PostgreSQL's age(). -#}
{% macro birthday(birth_date, years) -%}
    (
        ({{ birth_date }} + interval '{{ years }} years')::date
        + (
            extract(day from {{ birth_date }})
            > extract(day from {{ birth_date }} + interval '{{ years }} years')
        )::integer
    )
{%- endmacro %}
