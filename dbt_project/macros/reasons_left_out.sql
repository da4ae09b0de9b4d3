{#- Two CTEs of the models that end with medians() or averaged(): `left_out` has the members
    that cannot be measured, as a number and as their reasons. -#}
{% macro reasons_left_out(members) -%}
reasons as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        left_out_reason,
        count(*) as member_count
    from {{ members }}
    where is_member and left_out_reason is not null
    group by authority, as_at_date, measure, segment, left_out_reason
),

left_out as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        sum(member_count) as left_out_count,
        string_agg(
            left_out_reason || ': ' || member_count,
            '; ' order by member_count desc, left_out_reason
        ) as left_out_reason
    from reasons
    group by authority, as_at_date, measure, segment
),
{%- endmacro %}
