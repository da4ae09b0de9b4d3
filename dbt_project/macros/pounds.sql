{#- An amount as segments and assumptions show it: £1,000 or £1,000.50. -#}
{% macro pounds(amount) -%}
    '£' || replace(to_char({{ amount }}, 'FM999,999,990.00'), '.00', '')
{%- endmacro %}
