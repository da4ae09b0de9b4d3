{#- Grants on the schemas of a past state: who may read a schema of tonight may read its
    past state. The migrations grant tonight's schemas. -#}
{% macro open_as_known_at(schemas) -%}
    {%- for schema in schemas if '_as_known_' in schema -%}
        {%- set reader = (
            'carepath_steward' if schema.startswith('identity') else 'carepath_analyst'
        ) -%}
        grant usage on schema {{ schema }} to {{ reader }};
        grant select on all tables in schema {{ schema }} to {{ reader }};
    {% endfor -%}
{%- endmacro %}
