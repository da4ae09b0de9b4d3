{#- Tables that keep their rows by date (docs/adr/0007): of `report_date`, as recorded
    tonight, or of `snapshot_date`, as known at the load of the date. -#}

{#- First in the transaction of such a table: delete the dates that are no more, and the
    snapshot dates that rest on something else than tonight (dim_snapshot, basis_hash). The
    model then computes what is missing. -#}
{% macro forget_other_dates(dates) -%}
{%- if keeps_rows() -%}
delete from {{ this }} as kept
where
    not exists (
        select 1 from {{ ref(dates_model(dates)) }} as dates
        where
            dates.authority = kept.authority
            and dates.{{ dates }} = kept.{{ dates }}
            {%- if dates == 'snapshot_date' %}
            and dates.basis_hash = kept.basis_hash
            {%- endif %}
    )
{%- endif -%}
{%- endmacro %}

{% macro dates_model(dates) -%}
    {% do return({'report_date': 'dim_report_date', 'snapshot_date': 'dim_snapshot'}[dates]) %}
{%- endmacro %}

{#- True for the dates of an authority of which the table has no row, where the model reads
    dim_report_date or dim_snapshot. -#}
{% macro is_missing_date(dates) -%}
    {%- if keeps_rows() -%}
    {%- set relation = dates_model(dates) -%}
    not exists (
        select 1 from {{ this }} as kept
        where
            kept.authority = {{ relation }}.authority
            and kept.{{ dates }} = {{ relation }}.{{ dates }}
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{#- Of a relation of staging, the records of the people at the dates that are missing: few
    on an ordinary night, and all where all is made anew. -#}
{% macro of_missing(relation, people) -%}
    {%- if keeps_rows() -%}
    ({{ looked_up(relation, people) }}) as records
    {%- else -%}
    {{ relation }} as records
    {%- endif -%}
{%- endmacro %}

{#- In a table by person and date, true for what is made anew tonight: everybody at the
    dates that are missing (`dates.is_missing`), and at all dates those whom a load touched. -#}
{% macro is_due(person, dates) -%}
    {%- if keeps_rows() -%}
    (
            {{ dates }}.is_missing
            or {{ person }} in (select touched.young_person_key from touched)
        )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}
