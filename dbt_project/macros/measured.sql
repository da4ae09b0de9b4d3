{#- The end of a KPI model: counts its members into the columns that every KPI mart has.
    `members` is a CTE with one row per care leaver, measure and segment:
      authority, as_at_date, measure, segment,
      is_member         belongs to the segment at all
      is_counted        belongs to the numerator
      left_out_reason   why the record cannot be measured; null when it can
    Members with a reason are left out of numerator and denominator, and counted with their
    reasons. Where there are very many members, `members` may have one row for several that
    are alike; `weight` names the column with their number. `people` then names the CTE that
    has one row for each of them, with young_person_key (see people_are).
    `counts` are the measures that are numbers and not shares: in each segment, their
    denominator is how many there are in all, and 'all' has none. A segment of a count that
    the authority has at one date has a row at every date, with 0 where it is nobody's, so
    that a line does not break. A share of nobody has no value, so it gets no row. -#}
{% macro measured(members, weight=none, counts=[], people=none) -%}
{%- set how_many = 'coalesce(sum(' ~ weight ~ ') ' if weight else '(count(*) ' -%}
{%- set listed_counts = "'" ~ counts | join("', '") ~ "'" -%}
{%- set otherwise = ', 0)' if weight else ')' -%}
{{ people_are(people or members) }}
reasons as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        left_out_reason,
        {{ how_many }}filter (where is_member){{ otherwise }} as member_count,
        {{ how_many }}filter (where is_member and is_counted){{ otherwise }} as counted
    from {{ members }}
    group by authority, as_at_date, measure, segment, left_out_reason
),

measured as (
    select
        authority,
        as_at_date,
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
    group by authority, as_at_date, measure, segment
)
{%- if counts %},

segments_of_counts as (
    select
        authority,
        measure,
        segment
    from measured
    where measure in ({{ listed_counts }})
    group by authority, measure, segment
),

with_zeros as (
    select
        totals.authority,
        totals.as_at_date,
        totals.measure,
        segments_of_counts.segment,
        coalesce(measured.numerator, 0) as numerator,
        coalesce(measured.denominator, 0) as denominator,
        coalesce(measured.left_out_count, 0) as left_out_count,
        measured.left_out_reason
    from measured as totals
    inner join segments_of_counts
        on
            totals.authority = segments_of_counts.authority
            and totals.measure = segments_of_counts.measure
    left join measured
        on
            totals.authority = measured.authority
            and totals.as_at_date = measured.as_at_date
            and totals.measure = measured.measure
            and segments_of_counts.segment = measured.segment
    where totals.segment = 'all'
    union all
    select * from measured
    where measure not in ({{ listed_counts }})
),

with_totals as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        numerator,
        case
            when measure not in ({{ listed_counts }}) then denominator
            when segment <> 'all'
                then max(numerator) filter (where segment = 'all')
                    over (partition by authority, as_at_date, measure)
        end as denominator,
        left_out_count,
        left_out_reason
    from with_zeros
)
{%- endif %}

select
    authority,
    as_at_date,
    measure,
    segment,
    numerator::integer as numerator,
    denominator::integer as denominator,
    round(numerator / nullif(denominator, 0), 6) as share,
    left_out_count::integer as left_out_count,
    left_out_reason
from {{ 'with_totals' if counts else 'measured' }}
{%- endmacro %}
