{#- A postcode in capitals and without spaces, so that 'zz1 1aa' and 'ZZ11AA' are one place;
    null if it does not have the form of a postcode. -#}
{% macro postcode(column) -%}
    substring(
        upper(regexp_replace({{ column }}, '[\s\u00a0]+', '', 'g'))
        from '^[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}$'
    )
{%- endmacro %}
