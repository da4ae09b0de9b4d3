{#- The URN of a provider. A URN that is only X means that the provider has none, because it
    is abroad or not registered with Ofsted. -#}
{% macro provider_urn(column) -%}
    case when {{ column }} !~ '^X+$' then {{ column }} end
{%- endmacro %}

{#- The key of a provider. Without a URN, all providers of one kind share a key. -#}
{% macro provider_key(authority, provider_urn, provider_code) -%}
    {{ surrogate_key([
        authority,
        "coalesce('URN ' || " ~ provider_urn ~ ", 'kind ' || " ~ provider_code ~ ")",
    ]) }}
{%- endmacro %}
