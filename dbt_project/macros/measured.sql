{#- The end of a KPI model: counts its members into the columns that every KPI mart has.
    `members` is a CTE with one row per care leaver, measure and segment:
      authority, snapshot_date, measure, segment,
      is_member         belongs to the segment at all
      is_counted        belongs to the numerator
      left_out_reason   why the record can't be measured; null when it can
    Numerator and denominator hold the members that are not left out; those left out are
    counted, with their reasons. Where there are very many members, `members` may count
    those that are alike first, in the column that `weight` names. -#}
{% macro measured(members, weight=none) -%}
{%- set how_many = 'coalesce(sum(' ~ weight ~ ') ' if weight else '(count(*) ' -%}
{%- set otherwise = ', 0)' if weight else ')' -%}
reasons as (
    select
        authority,
        snapshot_date,
        measure,
        segment,
        left_out_reason,
        {{ how_many }}filter (where is_member){{ otherwise }} as member_count,
        {{ how_many }}filter (where is_member and is_counted){{ otherwise }} as counted
    from {{ members }}
    group by authority, snapshot_date, measure, segment, left_out_reason
),

measured as (
    select
        authority,
        snapshot_date,
        measure,
        segment,
        coalesce(sum(counted) filter (where left_out_reason is null), 0) as numerator,
        coalesce(sum(member_count) filter (where left_out_reason is null), 0)
            as denominator,
        coalesce(sum(member_count) filter (where left_out_reason is not null), 0)
            as left_out_count,
        string_agg(
            left_out_reason || ': ' || member_count,
            '; ' order by member_count desc, left_out_reason
        ) filter (where left_out_reason is not null and member_count > 0)
            as left_out_reason
    from reasons
    group by authority, snapshot_date, measure, segment
)

select
    authority,
    snapshot_date,
    measure,
    segment,
    numerator::integer as numerator,
    denominator::integer as denominator,
    round(numerator / nullif(denominator, 0), 6) as share,
    left_out_count::integer as left_out_count,
    left_out_reason
from measured
{%- endmacro %}
