-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
        {{ first_day_of_period('report_dates.report_date', 12) }} as first_date,
        deliveries.has_placements,
        deliveries.has_missing_episodes
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_care_episodes
),

care_periods as (
    select * from {{ ref('fct_care_periods') }}
),

placements as (
    select * from {{ ref('fct_placements') }}
),

missing_episodes as (
    select * from {{ ref('fct_missing_episodes') }}
    where missing_type_code = 'M' and care_period_key is not null
),

-- the last occasion of the 12 months counts for each child
leavers as (
    select distinct on (
        report_dates.authority, report_dates.report_date, care_periods.young_person_key
    )
        report_dates.authority,
        report_dates.report_date as as_at_date,
        care_periods.young_person_key,
        care_periods.day_count
    from report_dates
    inner join care_periods
        on
            report_dates.authority = care_periods.authority
            and report_dates.first_date <= care_periods.end_date
            and report_dates.report_date >= care_periods.end_date
    order by
        report_dates.authority asc, report_dates.report_date asc,
        care_periods.young_person_key asc, care_periods.end_date desc
),

-- each period begun in the 12 months, as it was at the date; the date itself is a day
-- in care
entrants as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        care_periods.care_period_key,
        care_periods.young_person_key,
        least(care_periods.end_date, report_dates.report_date + 1)
        - care_periods.start_date as day_count
    from report_dates
    inner join care_periods
        on
            report_dates.authority = care_periods.authority
            and report_dates.first_date <= care_periods.start_date
            and report_dates.report_date >= care_periods.start_date
    where report_dates.has_placements
),

entrants_moves as (
    select
        entrants.authority,
        entrants.as_at_date,
        entrants.young_person_key,
        entrants.day_count,
        count(placements.placement_key) as move_count
    from entrants
    left join placements
        on
            entrants.care_period_key = placements.care_period_key
            and entrants.as_at_date >= placements.start_date
            and placements.is_move
    group by
        entrants.authority, entrants.as_at_date, entrants.care_period_key,
        entrants.young_person_key, entrants.day_count
),

missing_children as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        missing_episodes.young_person_key,
        count(*) as incident_count
    from report_dates
    inner join missing_episodes
        on
            report_dates.authority = missing_episodes.authority
            and report_dates.first_date <= missing_episodes.start_date
            and report_dates.report_date >= missing_episodes.start_date
    group by
        report_dates.authority, report_dates.report_date,
        missing_episodes.young_person_key
),

returned as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        missing_episodes.young_person_key,
        missing_episodes.day_count
    from report_dates
    inner join missing_episodes
        on
            report_dates.authority = missing_episodes.authority
            and report_dates.first_date <= missing_episodes.end_date
            and report_dates.report_date >= missing_episodes.end_date
),

measures as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        measures.measure,
        measures.unit
    from report_dates
    cross join
        lateral (
            values
            ('mean days of the last period of care', 'days', true),
            ('median days of the last period of care', 'days', true),
            (
                'moves per 1,000 days of care', 'moves per 1,000 days',
                report_dates.has_placements
            ),
            (
                'missing incidents per missing child', 'incidents',
                report_dates.has_missing_episodes
            ),
            (
                'mean days of a missing incident', 'days',
                report_dates.has_missing_episodes
            )
        ) as measures (measure, unit, is_delivered)
    where measures.is_delivered
),

-- value is divided by the sum of base, which is 1 for an average of people
people as (
    select
        authority,
        as_at_date,
        'mean days of the last period of care' as measure,
        young_person_key,
        day_count as value,
        1 as base,
        null as left_out_reason
    from leavers
    union all
    select
        authority,
        as_at_date,
        'median days of the last period of care' as measure,
        young_person_key,
        day_count as value,
        1 as base,
        null as left_out_reason
    from leavers
    union all
    select
        authority,
        as_at_date,
        'moves per 1,000 days of care' as measure,
        young_person_key,
        1000 * move_count as value,
        day_count as base,
        case when day_count < 8 then 'in care for less than 8 days' end
            as left_out_reason
    from entrants_moves
    union all
    select
        authority,
        as_at_date,
        'missing incidents per missing child' as measure,
        young_person_key,
        incident_count as value,
        1 as base,
        null as left_out_reason
    from missing_children
    union all
    select
        authority,
        as_at_date,
        'mean days of a missing incident' as measure,
        young_person_key,
        day_count as value,
        1 as base,
        null as left_out_reason
    from returned
),

members as (
    select
        measures.authority,
        measures.as_at_date,
        measures.measure,
        measures.unit,
        'all' as segment,
        people.young_person_key,
        people.young_person_key is not null as is_member,
        people.value,
        people.base,
        people.left_out_reason
    from measures
    left join people
        on
            measures.authority = people.authority
            and measures.as_at_date = people.as_at_date
            and measures.measure = people.measure
),

{{ people_are('members') }}
averaged as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        unit,
        case
            when measure = 'median days of the last period of care'
                then percentile_cont(0.5) within group (order by value)
            else
                sum(value) filter (where left_out_reason is null)
                / nullif(sum(base) filter (where left_out_reason is null), 0)
        end as value,
        count(*) filter (where is_member and left_out_reason is null) as record_count,
        count(left_out_reason) as left_out_count,
        max(left_out_reason) as left_out_reason
    from members
    group by authority, as_at_date, measure, segment, unit
)

select
    authority,
    as_at_date,
    measure,
    segment,
    value::numeric(16, 4) as value,
    unit,
    record_count::integer as record_count,
    left_out_count::integer as left_out_count,
    left_out_reason || ': ' || left_out_count as left_out_reason,
    null::text as assumption
from averaged
