{#- Which versions staging shows. Tonight: those known at the authority's cut-off, a load.
    With the variable as_known_at (a date): those known at the end of that day. A person
    asks history the same way: known_from <= date and (known_to is null or known_to > date).
    The join with ops.cutoffs has one row per authority and prunes partitions with it. -#}

{#- From history, one row per version known now: its alias is `record`. -#}
{% macro known_as_at(history) -%}
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

{#- From history, one row per version known up to now: its alias is `record`. -#}
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

{#- known_to or to_load as it stood: a version that was closed later is open. -#}
{% macro end_as_known(column) -%}
    {%- set day = var('as_known_at', none) -%}
    case
        when {% if day %}record.known_to <= date '{{ day }}'
        {%- else %}record.to_load <= cutoff.load_id{% endif %} then record.{{ column }}
    end
{%- endmacro %}
