{#- The cuts that measures of children have in common, as rows of `values`: the segment, the
    question that it asks, and the answer that counts in it. `people` must have the columns
    of answer_of_person(). -#}
{% macro cuts_of_people() -%}
    ('all', 'all', 'all'),
    ('female', 'sex', 'F'),
    ('male', 'sex', 'M'),
    ('White', 'ethnicity', 'White'),
    ('Mixed', 'ethnicity', 'Mixed'),
    ('Asian or Asian British', 'ethnicity', 'Asian or Asian British'),
    ('Black or Black British', 'ethnicity', 'Black or Black British'),
    ('other ethnic group', 'ethnicity', 'other ethnic group'),
    ('disabled', 'disability', 'disabled')
{%- endmacro %}

{#- The answer of a young person to such a question; null where it is not known. A person
    without a record of disability is not disabled, where disabilities are delivered. -#}
{% macro answer_of_person(question, person, disability, has_disabilities) -%}
    case {{ question }}
            when 'all' then 'all'
            when 'sex' then nullif({{ person }}.sex_code, 'U')
            when 'ethnicity' then {{ ethnicity_group(person ~ '.ethnicity_code') }}
            when 'disability'
                then
                    case
                        when {{ disability }}.is_disabled then 'disabled'
                        when {{ has_disabilities }} then 'not disabled'
                    end
        end
{%- endmacro %}
