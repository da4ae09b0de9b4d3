{#- The date of birth of each young person whom the source holds, by young_person_key, for
    models of core that keep only what it leads to. A past state copies no names, so there
    the records themselves are read, in the same order (person_identity). -#}
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
