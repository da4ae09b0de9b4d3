{#- First in the transaction of a table by authority and snapshot date: delete the dates
    that are no more, and those that rest on something else than tonight (dim_snapshot,
    basis_hash). The model then computes what is missing (docs/adr/0007). -#}
{% macro forget_other_snapshots() -%}
{%- if keeps_rows() -%}
delete from {{ this }} as kept
where
    not exists (
        select 1 from {{ ref('dim_snapshot') }} as snapshots
        where
            snapshots.authority = kept.authority
            and snapshots.snapshot_date = kept.snapshot_date
            and snapshots.basis_hash = kept.basis_hash
    )
{%- endif -%}
{%- endmacro %}

{#- True for the snapshot dates of which the table has no rows that stand. -#}
{% macro is_missing_snapshot(snapshots) -%}
    {%- if keeps_rows() -%}
    not exists (
        select 1 from {{ this }} as kept
        where
            kept.authority = {{ snapshots }}.authority
            and kept.snapshot_date = {{ snapshots }}.snapshot_date
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}
