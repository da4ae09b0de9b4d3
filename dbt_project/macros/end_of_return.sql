{#- The day after the year of the return that last contained an open record, where a later
    return does not contain it; otherwise null. A collection year ends on 31 March. -#}
{% macro end_of_return(record, latest) -%}
    case
        when
            {{ record }}.period < {{ latest }}.period
            and {{ record }}.period ~ '^[0-9]{4}$'
            and {{ record }}.start_date < ({{ record }}.period || '-04-01')::date
            then ({{ record }}.period || '-04-01')::date
    end
{%- endmacro %}
