{#- The schemas of a warehouse as known at a past day are new: whoever reads a schema
    of tonight may read its twin. Tonight's own schemas are granted by the migrations. -#}
{% macro open_as_known_at(schemas) -%}
    {%- for schema in schemas if '_as_known_' in schema -%}
        {%- set reader = (
            'carepath_steward' if schema.startswith('identity') else 'carepath_analyst'
        ) -%}
        grant usage on schema {{ schema }} to {{ reader }};
        grant select on all tables in schema {{ schema }} to {{ reader }};
    {% endfor -%}
{%- endmacro %}
