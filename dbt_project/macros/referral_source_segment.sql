{#- The segment of a source of contacts and referrals, by the groups in which the Department
    publishes them. -#}
{% macro referral_source_segment(source_code) -%}
    case
        when {{ source_code }} ~ '^1[A-D]$' then 'source: individual'
        when {{ source_code }} = '2A' then 'source: school'
        when {{ source_code }} = '2B' then 'source: education services'
        when {{ source_code }} ~ '^3[A-F]$' then 'source: health services'
        when {{ source_code }} = '4' then 'source: housing'
        when {{ source_code }} ~ '^5[A-D]$' then 'source: local authority services'
        when {{ source_code }} = '6' then 'source: police'
        when {{ source_code }} = '7' then 'source: other legal agency'
        when {{ source_code }} = '8' then 'source: other'
        when {{ source_code }} = '9' then 'source: anonymous'
        when {{ source_code }} = '10' then 'source: unknown'
        else 'source not recorded'
    end
{%- endmacro %}
