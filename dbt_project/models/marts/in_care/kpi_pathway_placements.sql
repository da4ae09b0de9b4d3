-- grain: one row per authority, report date, measure and segment
{%- set destinations = [
    'friends or family', 'residential', 'foster', 'supported', 'independent',
    'adoptive', 'custody', 'other', 'same placement without the programme',
] %}
with

placements as (
    select * from {{ ref('fct_programme_placement_snapshot') }}
),

programmes as (
    select * from {{ ref('dim_programme') }}
),

carers as (
    select * from {{ ref('dim_carer') }}
),

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

-- a programme as a whole from its first placement on, and each of its years so far
segments as (
    select
        placements.authority,
        placements.programme_code,
        placements.as_at_date,
        programmes.programme,
        generate_series(
            0,
            extract(
                year from
                age(placements.as_at_date, min(placements.programme_start_date))
            )::integer + 1
        ) as programme_year
    from placements
    inner join programmes on placements.programme_code = programmes.programme_code
    group by
        placements.authority, placements.programme_code, placements.as_at_date,
        programmes.programme
),

counted as (
    select
        segments.authority,
        segments.as_at_date,
        segments.programme
        || case
            when segments.programme_year > 0
                then ', year ' || segments.programme_year
            else ''
        end as segment,
        count(placements.placement_key) as started,
        count(distinct placements.young_person_key) as children,
        count(distinct placements.young_person_key)
        filter (where placements.is_ongoing) as children_now,
        count(*) filter (where placements.is_ongoing) as ongoing,
        count(*) filter (where placements.is_ongoing and placements.is_over_a_year)
            as over_a_year,
        count(*) filter (where not placements.is_ongoing) as ended,
        count(*) filter (where placements.is_planned_end) as planned,
        count(placements.is_planned_end) as with_planned,
        count(placements.destination) as with_destination,
        jsonb_build_object(
            {%- for destination in destinations %}
                '{{ destination }}',
                count(*) filter (where placements.destination = '{{ destination }}')
                {%- if not loop.last %},{% endif -%}
            {%- endfor %}
        ) as by_destination
    from segments
    left join placements
        on
            segments.authority = placements.authority
            and segments.programme_code = placements.programme_code
            and segments.as_at_date = placements.as_at_date
            and segments.programme_year in (0, placements.programme_year)
    group by
        segments.authority, segments.as_at_date, segments.programme,
        segments.programme_year
),

of_placements as (
    select
        counted.authority,
        counted.as_at_date,
        measures.measure,
        counted.segment,
        measures.numerator,
        measures.denominator,
        measures.left_out_count,
        measures.left_out_reason
    from counted
    cross join
        lateral (
            select
                states.measure,
                states.numerator,
                states.denominator,
                states.left_out_count,
                states.left_out_reason
            from (
                values
                ('placements started', counted.started, null, 0, null),
                ('children placed', counted.children, null, 0, null),
                ('on-going', counted.ongoing, counted.started, 0, null),
                ('ended', counted.ended, counted.started, 0, null),
                (
                    'ended as planned', counted.planned, counted.with_planned,
                    counted.ended - counted.with_planned,
                    'not recorded whether planned'
                ),
                (
                    'in placement for over a year', counted.over_a_year,
                    counted.ongoing, 0, null
                ),
                ('children on the programme', counted.children_now, null, 0, null)
            )
                as states (
                    measure, numerator, denominator, left_out_count, left_out_reason
                )
            union all
            select
                'ended: ' || ends.destination as measure,
                ends.number::bigint as numerator,
                counted.with_destination as denominator,
                counted.ended - counted.with_destination as left_out_count,
                'destination not recorded' as left_out_reason
            from jsonb_each_text(counted.by_destination) as ends (destination, number)
        ) as measures
),

of_carers as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        programmes.programme as segment,
        count(*) as recruited,
        count(*) filter (
            where coalesce(carers.left_date > report_dates.report_date, true)
            and not carers.has_reversed_dates
        ) as remaining,
        count(*) filter (where carers.has_reversed_dates) as with_reversed_dates,
        count(carers.training_status_code) as with_training,
        count(*) filter (where carers.training_status_code = 'DONE') as trained
    from report_dates
    inner join carers
        on
            report_dates.authority = carers.authority
            and report_dates.report_date >= carers.recruited_date
    inner join programmes on carers.programme_code = programmes.programme_code
    group by report_dates.authority, report_dates.report_date, programmes.programme
),

measured as (
    select * from of_placements
    union all
    select
        of_carers.authority,
        of_carers.as_at_date,
        measures.measure,
        of_carers.segment,
        measures.numerator,
        measures.denominator,
        measures.left_out_count,
        measures.left_out_reason
    from of_carers
    cross join
        lateral (
            values
            ('carers recruited', recruited, null, 0, null),
            (
                'carers who remain', remaining, recruited - with_reversed_dates,
                with_reversed_dates, 'left before they were recruited'
            ),
            (
                'carers who completed training', trained, with_training,
                recruited - with_training, 'training not recorded'
            )
        ) as measures (
            measure, numerator, denominator, left_out_count, left_out_reason
        )
)

select
    authority,
    as_at_date,
    measure,
    segment,
    numerator::integer as numerator,
    denominator::integer as denominator,
    round(numerator::numeric / nullif(denominator, 0), 6) as share,
    left_out_count::integer as left_out_count,
    left_out_reason || ': ' || nullif(left_out_count, 0) as left_out_reason
from measured
