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

in_segments as (
    select
        segments.authority,
        segments.as_at_date,
        segments.programme
        || case
            when segments.programme_year > 0
                then ', year ' || segments.programme_year
            else ''
        end as segment,
        placements.placement_key,
        placements.young_person_key,
        placements.is_ongoing,
        placements.is_over_a_year,
        placements.is_planned_end,
        placements.destination,
        row_number() over (
            partition by
                segments.authority, segments.programme_code, segments.as_at_date,
                segments.programme_year, placements.young_person_key
            order by placements.start_date
        ) = 1 as is_first,
        row_number() over (
            partition by
                segments.authority, segments.programme_code, segments.as_at_date,
                segments.programme_year, placements.young_person_key,
                placements.is_ongoing
            order by placements.start_date
        ) = 1 as is_first_of_its_kind
    from segments
    left join placements
        on
            segments.authority = placements.authority
            and segments.programme_code = placements.programme_code
            and segments.as_at_date = placements.as_at_date
            and segments.programme_year in (0, placements.programme_year)
),

-- a child with several placements counts once as a child, with the first of them
members as (
    select
        in_segments.authority,
        in_segments.as_at_date,
        measures.measure,
        in_segments.segment,
        in_segments.young_person_key,
        in_segments.placement_key is not null and measures.is_member as is_member,
        measures.is_counted,
        measures.left_out_reason,
        measures.is_share
    from in_segments
    cross join
        lateral (
            values
            {%- for destination in destinations %}
                (
                    'ended: {{ destination }}', not is_ongoing,
                    destination = '{{ destination }}',
                    case when destination is null then 'destination not recorded' end,
                    true
                ),
            {%- endfor %}
            ('placements started', true, true, null, false),
            ('children placed', is_first, true, null, false),
            ('on-going', true, is_ongoing, null, true),
            ('ended', true, not is_ongoing, null, true),
            (
                'ended as planned', not is_ongoing, is_planned_end,
                case
                    when is_planned_end is null then 'not recorded whether planned'
                end,
                true
            ),
            (
                'in placement for over a year', is_ongoing, is_over_a_year, null, true
            ),
            (
                'children on the programme', is_ongoing and is_first_of_its_kind,
                true, null, false
            )
        ) as measures (measure, is_member, is_counted, left_out_reason, is_share)
),

{{ people_are('members') }}
of_placements as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        count(*) filter (where is_member and is_counted and left_out_reason is null)
            as numerator,
        case
            when is_share
                then count(*) filter (where is_member and left_out_reason is null)
        end as denominator,
        count(*) filter (where is_member and left_out_reason is not null)
            as left_out_count,
        max(left_out_reason) as left_out_reason
    from members
    group by authority, as_at_date, measure, segment, is_share
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
