{#- Which of a young person's records counts: the gate (int_care_leaver_status) and core
    order the records by these, so that both choose the same one. -#}

{#- EET statuses, the one that counts first: the last recorded; of those recorded on one
    day, the one that came in last. A planned one does not count yet: leave it out first. -#}
{% macro latest_eet_status_first(statuses) -%}
    {{ statuses }}.recorded_date desc nulls last, {{ statuses }}.known_from desc,
        {{ statuses }}.from_load desc, {{ as_sent(statuses) }} desc
{%- endmacro %}

{#- Case statuses, the one that counts first: the one that came in last. -#}
{% macro latest_case_status_first(statuses) -%}
    {{ statuses }}.known_from desc, {{ statuses }}.from_load desc,
        {{ as_sent(statuses) }} desc
{%- endmacro %}

{#- EET or NEET, as an activity code of the return says: F full time and P part time are
    in education, employment or training; G is not. -#}
{% macro eet_of_activity(activity_code) -%}
    case
            when {{ activity_code }} ~ '^[FP]' then 'EET'
            when {{ activity_code }} ~ '^G' then 'NEET'
        end
{%- endmacro %}
