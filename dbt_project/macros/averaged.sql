{#- The end of a KPI model of scores: averages its members into the columns that every such
    mart has. `unit` is the SQL of the unit, over the columns of the result.
    `members` is a CTE with one row per record, measure and segment:
      authority, as_at_date, measure, segment,
      is_member         belongs to the segment at all
      value             what is averaged
      left_out_reason   why the record cannot be measured; null when it can
    Members with a reason are left out of the averages, and counted with their reasons. -#}
{% macro averaged(members, unit) -%}
{{ people_are(members) }}
{{ reasons_left_out(members) }}

measured as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        case when is_member and left_out_reason is null then value end as value
    from {{ members }}
),

averages as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        avg(value) as value,
        stddev_samp(value) as standard_deviation,
        min(value) as minimum,
        max(value) as maximum,
        count(value) as record_count
    from measured
    group by authority, as_at_date, measure, segment
),

averaged as (
    select
        averages.*,
        coalesce(left_out.left_out_count, 0) as left_out_count,
        left_out.left_out_reason
    from averages
    left join left_out
        on
            averages.authority = left_out.authority
            and averages.as_at_date = left_out.as_at_date
            and averages.measure = left_out.measure
            and averages.segment = left_out.segment
)

select
    authority,
    as_at_date,
    measure,
    segment,
    value::numeric(16, 4) as value,
    standard_deviation::numeric(16, 4) as standard_deviation,
    minimum::numeric(16, 4) as minimum,
    maximum::numeric(16, 4) as maximum,
    {{ unit }} as unit,
    record_count::integer as record_count,
    left_out_count::integer as left_out_count,
    left_out_reason,
    null::text as assumption
from averaged
{%- endmacro %}
