{#- A surrogate key that is the same every night: publishing by difference then touches
    only rows that changed, and a key means the same young person in every snapshot. A
    sequence could not promise that, because core is rebuilt. It is a hash of the natural
    key, cut to 53 bits: every tool that keeps whole numbers as doubles (Power Query,
    JavaScript) holds it exactly. Two people with one hash break the primary key of
    the dimension and stop the night (odds at a million people: 1 in 18,000).
    Null when any part is null. -#}
{% macro surrogate_key(columns) -%}
    (hashtextextended({{ columns | join(" || '|' || ") }}, 0) & 9007199254740991)
{%- endmacro %}
