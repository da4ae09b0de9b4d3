{#- At the end of a run for a past state: its schemas are new, so no default privilege
    reaches them. Analysts may read them; identity is never copied (see dbt_project.yml). -#}
{% macro grant_past_state(schemas) -%}
    {%- if var('as_known_at', none) -%}
        {%- for schema in schemas if '_as_known_' in schema %}
    grant usage on schema {{ schema }} to carepath_analyst;
    grant select on all tables in schema {{ schema }} to carepath_analyst;
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
