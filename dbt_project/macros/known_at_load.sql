{#- True for the versions of a record that were known once a load had come in. -#}
{% macro known_at_load(versions, load_id) -%}
    {{ versions }}.from_load <= {{ load_id }}
    and ({{ versions }}.to_load is null or {{ versions }}.to_load > {{ load_id }})
{%- endmacro %}
