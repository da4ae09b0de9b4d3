{#- A provider is known by its URN. A URN of nothing but X stands for a provider without
    one (abroad, or not registered with Ofsted). -#}
{% macro provider_urn(column) -%}
    case when {{ column }} !~ '^X+$' then {{ column }} end
{%- endmacro %}

{#- The provider; where no URN is known, all providers of one kind are one. -#}
{% macro provider_key(authority, provider_urn, provider_code) -%}
    {{ surrogate_key([
        authority,
        "coalesce('URN ' || " ~ provider_urn ~ ", 'kind ' || " ~ provider_code ~ ")",
    ]) }}
{%- endmacro %}
