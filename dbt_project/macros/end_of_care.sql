{#- Left care to a permanent home, by the code of the reason: home to parents or relatives,
    adopted, or with a special guardianship or child arrangements order. -#}
{% macro left_to_permanence(end_reason_code) -%}
    {{ end_reason_code }} in (
        'E11', 'E12', 'E13', 'E4A', 'E4B', 'E41', 'E43', 'E44', 'E45', 'E46', 'E47', 'E48'
    )
{%- endmacro %}

{#- The same without adoption: those of whom re-entry to care is measured. -#}
{% macro left_to_family(end_reason_code) -%}
    {{ end_reason_code }} in (
        'E13', 'E4A', 'E4B', 'E41', 'E43', 'E44', 'E45', 'E46', 'E47', 'E48'
    )
{%- endmacro %}
