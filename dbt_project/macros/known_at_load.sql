{#- True for the versions of a record that were known once a load had come in. -#}
{% macro known_at_load(versions, load_id) -%}
    {{ versions }}.from_load <= {{ load_id }}
    and ({{ versions }}.to_load is null or {{ versions }}.to_load > {{ load_id }})
{%- endmacro %}

{#- A version as one text, to settle ties the same way for ever: without when it ended,
    which is not known at the load that is asked about. -#}
{% macro as_sent(versions) -%}
    (to_jsonb({{ versions }}) - 'known_to' - 'to_load')::text
{%- endmacro %}
