{#- A code for a name that a council words itself: lower case, with _ for all that is
    neither a letter nor a digit. -#}
{% macro code_of(name) -%}
    trim(both '_' from regexp_replace(lower({{ name }}), '[^a-z0-9]+', '_', 'g'))
{%- endmacro %}
