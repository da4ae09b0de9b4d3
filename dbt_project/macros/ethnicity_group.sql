{#- The ethnic group of a code of the list ethnicity, as the Department publishes it; null
    where it is not known or was refused. -#}
{% macro ethnicity_group(ethnicity_code) -%}
    case
            when {{ ethnicity_code }} in ('WBRI', 'WIRI', 'WOTH', 'WIRT', 'WROM')
                then 'White'
            when {{ ethnicity_code }} in ('MWBC', 'MWBA', 'MWAS', 'MOTH') then 'Mixed'
            when {{ ethnicity_code }} in ('AIND', 'APKN', 'ABAN', 'CHNE', 'AOTH')
                then 'Asian or Asian British'
            when {{ ethnicity_code }} in ('BCRB', 'BAFR', 'BOTH')
                then 'Black or Black British'
            when {{ ethnicity_code }} = 'OOTH' then 'other ethnic group'
        end
{%- endmacro %}
