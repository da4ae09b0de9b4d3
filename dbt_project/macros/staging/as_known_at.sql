{#- The versions that staging shows. Tonight, they are those known at the authority's
    cut-off, which is a load. With the variable as_known_at (a date), they are those known
    at the end of that day. docs/history.md shows the same condition for a query by hand.
    ops.cutoffs has one row per authority, so that PostgreSQL reads only its partitions. -#}

{#- One row of history per version known then, with the alias `record`. -#}
{% macro as_known_at(history) -%}
    {%- set day = var('as_known_at', none) -%}
    {{ history }} as record
    {%- if day %}
    where
        record.known_from <= date '{{ day }}'
        and (record.known_to is null or record.known_to > date '{{ day }}')
    {%- else %}
    inner join {{ source('ops', 'cutoffs') }} as cutoff
        on record.authority = cutoff.authority
    where
        record.from_load <= cutoff.load_id
        and (record.to_load is null or record.to_load > cutoff.load_id)
    {%- endif -%}
{%- endmacro %}

{#- One row of history per version known up to then, with the alias `record`. -#}
{% macro known_until(history) -%}
    {%- set day = var('as_known_at', none) -%}
    {{ history }} as record
    {%- if day %}
    where record.known_from <= date '{{ day }}'
    {%- else %}
    inner join {{ source('ops', 'cutoffs') }} as cutoff
        on record.authority = cutoff.authority
    where record.from_load <= cutoff.load_id
    {%- endif -%}
{%- endmacro %}

{#- known_to or to_load as it was then: a version that closed later is still open. -#}
{% macro end_as_known(column) -%}
    {%- set day = var('as_known_at', none) -%}
    case
        when {% if day %}record.known_to <= date '{{ day }}'
        {%- else %}record.to_load <= cutoff.load_id{% endif %} then record.{{ column }}
    end
{%- endmacro %}
