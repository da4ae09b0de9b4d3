{#- The end of a KPI model of durations: the median of its members, with the quartiles.
    `unit` is the SQL of the unit, over the columns of the result.
    `members` is a CTE with one row per record, measure and segment:
      authority, as_at_date, measure, segment,
      is_member         belongs to the segment at all
      value             what the median is taken of
      left_out_reason   why the record cannot be measured; null when it can
    Members with a reason are left out of the median, and counted with their reasons. -#}
{% macro medians(members, unit) -%}
{{ people_are(members) }}
{{ reasons_left_out(members) }}

valued as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        case when is_member and left_out_reason is null then value end as value
    from {{ members }}
),

quartiles as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        percentile_cont(array[0.25, 0.5, 0.75]) within group (
            order by value::double precision
        ) as points,
        count(value) as record_count
    from valued
    group by authority, as_at_date, measure, segment
)

select
    quartiles.authority,
    quartiles.as_at_date,
    quartiles.measure,
    quartiles.segment,
    quartiles.points[2]::numeric(16, 4) as value,
    quartiles.points[1]::numeric(16, 4) as lower_quartile,
    quartiles.points[3]::numeric(16, 4) as upper_quartile,
    {{ unit }} as unit,
    quartiles.record_count::integer as record_count,
    coalesce(left_out.left_out_count, 0)::integer as left_out_count,
    left_out.left_out_reason
from quartiles
left join left_out
    on
        quartiles.authority = left_out.authority
        and quartiles.as_at_date = left_out.as_at_date
        and quartiles.measure = left_out.measure
        and quartiles.segment = left_out.segment
{%- endmacro %}
