{#- What a model with `materialized: kept` calls (kept.yml says when). Whatever it builds from
    nothing, and in a unit test, the macros leave out nothing. -#}

{% macro touched(relation) -%}
    {%- if not execute -%}
        {%- do ref('stg_touched_people') -%}
    {%- endif -%}
    {%- if keeps_rows() -%}
    {%- set person = 'person_id' if relation.identifier.startswith('stg_') else 'young_person_key' -%}
    {%- set everybody = '(select authority from touched where person_id is null)' -%}
    (
        {{ looked_up('touched', relation, person) }}
        union all
        select record.* from {{ relation }} as record where record.authority in {{ everybody }}
        union all
        select record.* from {{ relation }} as record
        where record.{{ person }} is null and record.authority not in {{ everybody }}
    )
    {%- else -%}
    {{ relation }}
    {%- endif -%}
{%- endmacro %}

{% macro of_people(people, relation) -%}
    {{ '(' ~ looked_up(people, relation, 'person_id') ~ ')' if keeps_rows() else relation }}
{%- endmacro %}

{#- The records of some people by the index on the person: a join would read all of history. -#}
{% macro looked_up(people, relation, person) -%}
        select record.*
        from {{ people }} as wanted
        cross join lateral (
            select * from {{ relation }} as of_person
            where
                of_person.authority = wanted.authority
                and of_person.{{ person }} = wanted.{{ person }}
            offset 0
        ) as record
{%- endmacro %}

{% macro is_due(dates, person=none) -%}
    {%- if not execute -%}
        {%- do ref('stg_touched_people') -%}
    {%- endif -%}
    {%- if keeps_rows() -%}
    (
        ({{ dates }}.authority, {{ dates }}.{{ kept_dates() }}) in (select * from missing_dates)
        {{ 'or ' ~ person ~ ' in (select young_person_key from touched)' if person }}
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}
