{#- True if a delivery had at least one of the contract's columns given. A delivery from
    before columns were recorded counts as having them all. -#}
{% macro delivers(table_deliveries, columns) -%}
    bool_or(
        {{ table_deliveries }}.columns is null
        or {{ table_deliveries }}.columns && array['{{ columns | join("', '") }}']
    )
{%- endmacro %}
