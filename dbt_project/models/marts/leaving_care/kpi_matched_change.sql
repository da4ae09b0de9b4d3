-- grain: one row per authority, two snapshot dates, measure and segment
with

snapshots as (
    select
        *,
        lag(snapshot_date) over (partition by authority order by snapshot_date)
            as previous_date
    from {{ ref('dim_snapshot') }}
),

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
),

-- each snapshot with the one before it and with every published one before it
pairs as (
    select
        later.authority,
        earlier.snapshot_date as earlier_snapshot_date,
        later.snapshot_date
    from snapshots as later
    inner join snapshots as earlier
        on
            later.authority = earlier.authority
            and later.snapshot_date > earlier.snapshot_date
            and (
                later.previous_date = earlier.snapshot_date
                or earlier.is_published_date
            )
),

-- what was known of each: null is not known and leaves the pair out, with the reason.
-- The records of a closed case are not kept up: a blank in them is no change
states as (
    select
        care_leavers.authority,
        care_leavers.snapshot_date,
        care_leavers.young_person_key,
        measures.measure,
        case when measures.left_out_reason is null then measures.state end as state,
        coalesce(
            measures.left_out_reason,
            case when measures.state is null then 'not recorded' end
        ) as left_out_reason
    from care_leavers
    cross join lateral (
        values
        ('EET', (eet_status_code = 'EET')::text, eet_left_out_reason),
        (
            'with a pathway plan', has_pathway_plan::text,
            coalesce(
                pathway_plan_left_out_reason,
                case when not is_open_case then 'closed case' end
            )
        ),
        (
            'accommodation recorded as suitable',
            case
                when suitability_code is not null then is_suitable_accommodation::text
            end,
            coalesce(
                accommodation_left_out_reason,
                case when not is_open_case then 'closed case' end
            )
        ),
        (
            'staying put with former foster carer', is_staying_put::text,
            case
                when age_years is null then 'age not recorded'
                when age_years < 18 then 'under 18'
                else staying_put_left_out_reason
            end
        ),
        (
            'accommodation', nullif(nullif(accommodation_code, '0'), 'R'),
            staying_put_left_out_reason
        ),
        (
            'worker', worker_key::text,
            case when not is_open_case then 'closed case' end
        )
    ) as measures (measure, state, left_out_reason)
),

matched as (
    select
        pairs.authority,
        pairs.earlier_snapshot_date,
        pairs.snapshot_date,
        earlier.measure,
        earlier.state as earlier_state,
        later.state as later_state,
        coalesce(
            'then ' || earlier.left_out_reason, 'now ' || later.left_out_reason
        ) as left_out_reason
    from pairs
    inner join states as earlier
        on
            pairs.authority = earlier.authority
            and pairs.earlier_snapshot_date = earlier.snapshot_date
    inner join states as later
        on
            pairs.authority = later.authority
            and pairs.snapshot_date = later.snapshot_date
            and earlier.young_person_key = later.young_person_key
            and earlier.measure = later.measure
),

counted as (
    select
        authority,
        earlier_snapshot_date,
        snapshot_date,
        measure,
        left_out_reason,
        earlier_state = later_state as is_same,
        case
            when measure not in ('accommodation', 'worker') then earlier_state
        end as earlier_state,
        count(*) as person_count
    from matched
    group by
        authority, earlier_snapshot_date, snapshot_date, measure, left_out_reason,
        earlier_state = later_state,
        case
            when measure not in ('accommodation', 'worker') then earlier_state
        end
),

-- every segment has its row, also one that nobody is in
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
        pairs.snapshot_date,
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
            and pairs.snapshot_date = counted.snapshot_date
            and segments.measure = counted.measure
    group by
        pairs.authority, pairs.earlier_snapshot_date, pairs.snapshot_date,
        segments.measure, segments.segment, segments.earlier_state, segments.is_same
),

reasons as (
    select
        authority,
        earlier_snapshot_date,
        snapshot_date,
        measure,
        string_agg(
            left_out_reason || ': ' || person_count,
            '; ' order by person_count desc, left_out_reason asc
        ) as left_out_reason
    from (
        select
            authority,
            earlier_snapshot_date,
            snapshot_date,
            measure,
            left_out_reason,
            sum(person_count) as person_count
        from counted
        where left_out_reason is not null
        group by
            authority, earlier_snapshot_date, snapshot_date, measure, left_out_reason
    ) as by_reason
    group by authority, earlier_snapshot_date, snapshot_date, measure
)

select
    measured.authority,
    measured.snapshot_date,
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
        and measured.snapshot_date = reasons.snapshot_date
        and measured.measure = reasons.measure
