{#- The date of birth of each young person, by young_person_key. Models of core read it to
    work out ages, and do not keep it. A past state has no table of names, so there the
    records are read, in the same order as in person_identity. -#}
{% macro birth_dates() -%}
    {%- if var('as_known_at', none) -%}
    (
        select distinct on (authority, person_id)
            {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
            birth_date
        from {{ ref('stg_person') }}
        where person_id is not null
        order by
            authority asc, person_id asc, known_from desc, from_load desc,
            birth_date asc nulls last
    )
    {%- else -%}
    {{ ref('person_identity') }}
    {%- endif -%}
{%- endmacro %}
