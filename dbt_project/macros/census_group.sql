{#- The broad group of an ethnicity code as the census has it, with White British apart
    from other White groups. `carepath statistics add` gives populations the same names.
    Null where the ethnicity is not known or was refused. -#}
{% macro census_group(ethnicity_code) -%}
    case
        when {{ ethnicity_code }} = 'WBRI' then 'White British'
        when {{ ethnicity_code }} in ('WIRI', 'WOTH', 'WIRT', 'WROM') then 'White other'
        when {{ ethnicity_code }} in ('MWBC', 'MWBA', 'MWAS', 'MOTH') then 'Mixed'
        when {{ ethnicity_code }} in ('AIND', 'APKN', 'ABAN', 'CHNE', 'AOTH') then 'Asian'
        when {{ ethnicity_code }} in ('BCRB', 'BAFR', 'BOTH') then 'Black'
        when {{ ethnicity_code }} = 'OOTH' then 'Other'
    end
{%- endmacro %}
