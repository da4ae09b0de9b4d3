-- grain: one row per authority, two snapshot dates, measure and segment
with

pairs as (
    select * from {{ ref('int_snapshot_pairs') }}
),

changes as (
    select * from {{ ref('int_care_leaver_changes') }}
),

counted as (
    select
        authority,
        earlier_snapshot_date,
        as_at_date,
        measure,
        left_out_reason,
        earlier_state = later_state as is_same,
        case
            when measure not in ('accommodation', 'worker') then earlier_state
        end as earlier_state,
        count(*) as person_count
    from changes
    group by
        authority, earlier_snapshot_date, as_at_date, measure, left_out_reason,
        earlier_state = later_state,
        case
            when measure not in ('accommodation', 'worker') then earlier_state
        end
),

-- every segment has its row, including one without members
segments (measure, segment, earlier_state, is_same) as (
    {%- for measure in [
        'EET', 'with a pathway plan', 'accommodation recorded as suitable',
        'staying put with former foster carer',
    ] %}
        select '{{ measure }}', 'from no to yes', 'false', false
        union all
        select '{{ measure }}', 'from yes to no', 'true', false
        union all
        select '{{ measure }}', 'yes at both', 'true', true
        union all
        select '{{ measure }}', 'no at both', 'false', true
        union all
    {%- endfor %}
    {%- for measure in ['accommodation', 'worker'] %}
        select '{{ measure }}', 'the same at both', null, true
        union all
        select '{{ measure }}', 'another at the later', null, false
        {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

measured as (
    select
        pairs.authority,
        pairs.earlier_snapshot_date,
        pairs.as_at_date,
        segments.measure,
        segments.segment,
        coalesce(
            sum(counted.person_count) filter (
                where
                counted.left_out_reason is null
                and counted.is_same = segments.is_same
                and counted.earlier_state is not distinct from segments.earlier_state
            ),
            0
        ) as numerator,
        coalesce(
            sum(counted.person_count) filter (where counted.left_out_reason is null), 0
        ) as denominator,
        coalesce(
            sum(counted.person_count)
            filter (where counted.left_out_reason is not null),
            0
        ) as left_out_count
    from pairs
    cross join segments
    left join counted
        on
            pairs.authority = counted.authority
            and pairs.earlier_snapshot_date = counted.earlier_snapshot_date
            and pairs.as_at_date = counted.as_at_date
            and segments.measure = counted.measure
    group by
        pairs.authority, pairs.earlier_snapshot_date, pairs.as_at_date,
        segments.measure, segments.segment, segments.earlier_state, segments.is_same
),

reasons as (
    select
        authority,
        earlier_snapshot_date,
        as_at_date,
        measure,
        string_agg(
            left_out_reason || ': ' || person_count,
            '; ' order by person_count desc, left_out_reason asc
        ) as left_out_reason
    from (
        select
            authority,
            earlier_snapshot_date,
            as_at_date,
            measure,
            left_out_reason,
            sum(person_count) as person_count
        from counted
        where left_out_reason is not null
        group by
            authority, earlier_snapshot_date, as_at_date, measure, left_out_reason
    ) as by_reason
    group by authority, earlier_snapshot_date, as_at_date, measure
)

select
    measured.authority,
    measured.as_at_date,
    measured.measure,
    measured.segment,
    measured.numerator::integer as numerator,
    measured.denominator::integer as denominator,
    round(measured.numerator / nullif(measured.denominator, 0), 6) as share,
    measured.left_out_count::integer as left_out_count,
    reasons.left_out_reason,
    measured.earlier_snapshot_date
from measured
left join reasons
    on
        measured.authority = reasons.authority
        and measured.earlier_snapshot_date = reasons.earlier_snapshot_date
        and measured.as_at_date = reasons.as_at_date
        and measured.measure = reasons.measure
