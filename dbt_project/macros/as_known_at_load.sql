{#- True for the versions of a record that were known after a load. -#}
{% macro as_known_at_load(versions, load_id) -%}
    {{ versions }}.from_load <= {{ load_id }}
    and ({{ versions }}.to_load is null or {{ versions }}.to_load > {{ load_id }})
{%- endmacro %}

{#- A version as one text, so that ties are always settled the same way. It leaves out when
    the version ended, because that was not yet known at the load. -#}
{% macro as_sent(versions) -%}
    (to_jsonb({{ versions }}) - 'known_to' - 'to_load')::text
{%- endmacro %}
