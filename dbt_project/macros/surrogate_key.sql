{#- A surrogate key that is the same every night. So publishing by difference writes only
    rows that changed, and a key means the same young person in every snapshot. A sequence
    would give other keys when core is rebuilt. The key is a hash of the natural key, cut to
    53 bits, because some tools keep whole numbers as doubles (Power Query, JavaScript). If
    two people had the same hash, the dimension's primary key would stop the night. With a
    million people, the odds are 1 in 18,000. Null if any part is null. -#}
{% macro surrogate_key(columns) -%}
    (hashtextextended({{ columns | join(" || '|' || ") }}, 0) & 9007199254740991)
{%- endmacro %}
