-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        {{ first_day_of_period('report_dates.report_date', 12) }} as first_date,
        deliveries.has_return_interviews
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_missing_episodes
),

care_periods as (
    select * from {{ ref('fct_care_periods') }}
),

-- these are figures of missing from care, so an episode of a child who was not looked
-- after does not count
missing_episodes as (
    select * from {{ ref('fct_missing_episodes') }}
    where care_period_key is not null
),

cared_for as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        care_periods.young_person_key
    from report_dates
    left join care_periods
        on
            report_dates.authority = care_periods.authority
            and report_dates.as_at_date >= care_periods.start_date
            and (
                care_periods.end_date is null
                or report_dates.first_date < care_periods.end_date
            )
    group by
        report_dates.authority, report_dates.as_at_date, care_periods.young_person_key
),

children as (
    select
        authority,
        as_at_date,
        count(young_person_key) as child_count
    from cared_for
    group by authority, as_at_date
),

episodes as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        report_dates.has_return_interviews,
        missing_episodes.young_person_key,
        missing_episodes.missing_type_code,
        missing_episodes.is_return_interview_offered,
        missing_episodes.is_return_interview_accepted,
        coalesce(
            missing_episodes.missing_type_code = 'M'
            and missing_episodes.end_date <= report_dates.as_at_date,
            false
        ) as has_returned
    from report_dates
    left join missing_episodes
        on
            report_dates.authority = missing_episodes.authority
            and report_dates.first_date <= missing_episodes.start_date
            and report_dates.as_at_date >= missing_episodes.start_date
),

counted as (
    select
        authority,
        as_at_date,
        count(distinct young_person_key) filter (where missing_type_code = 'M')
            as missing_child_count,
        count(distinct young_person_key) filter (
            where missing_type_code = 'M' or missing_type_code is null
        ) as possibly_missing_child_count,
        count(*) filter (where missing_type_code = 'M') as missing_count,
        count(*) filter (where missing_type_code = 'A') as away_count,
        count(young_person_key) filter (where missing_type_code is null)
            as type_unknown_count,
        count(*) filter (where has_returned) as returned_count,
        count(*) filter (where has_returned and is_return_interview_offered)
            as offered_count,
        count(*) filter (where has_returned and is_return_interview_offered is null)
            as offer_unknown_count,
        count(*) filter (
            where has_returned
            and is_return_interview_offered
            and is_return_interview_accepted
        ) as accepted_count,
        count(*) filter (
            where has_returned
            and is_return_interview_offered
            and is_return_interview_accepted is null
        ) as acceptance_unknown_count,
        bool_or(has_return_interviews) as has_return_interviews
    from episodes
    group by authority, as_at_date
),

-- what is known of each child looked after
missing_children as (
    select
        authority,
        as_at_date,
        young_person_key,
        bool_or(missing_type_code is not distinct from 'M') as is_missing,
        bool_or(missing_type_code is null) as has_unknown_type
    from episodes
    where young_person_key is not null
    group by authority, as_at_date, young_person_key
),

-- keep_members() reads it
people as ( -- noqa: ST03
    select
        episodes.authority,
        episodes.as_at_date,
        measures.measure,
        measures.segment,
        episodes.young_person_key,
        measures.is_member,
        measures.is_counted,
        measures.left_out_reason
    from episodes
    cross join
        lateral (
            values
            (
                'missing episodes in 12 months', 'all',
                coalesce(missing_type_code = 'M', true), true,
                case when missing_type_code is null then 'type not recorded' end
            ),
            (
                'episodes away without authorisation in 12 months', 'all',
                coalesce(missing_type_code = 'A', true), true,
                case when missing_type_code is null then 'type not recorded' end
            ),
            (
                'return interview offered', 'returned from missing in 12 months',
                has_returned, is_return_interview_offered,
                case
                    when is_return_interview_offered is not null then null
                    when has_return_interviews then 'not recorded'
                    else 'not delivered'
                end
            ),
            (
                'return interview accepted', 'offered in 12 months',
                has_returned and is_return_interview_offered,
                is_return_interview_accepted,
                case
                    when is_return_interview_accepted is not null then null
                    when has_return_interviews then 'not recorded'
                    else 'not delivered'
                end
            )
        ) as measures (measure, segment, is_member, is_counted, left_out_reason)
    where episodes.young_person_key is not null
    union all
    select
        cared_for.authority,
        cared_for.as_at_date,
        'children missing in 12 months' as measure,
        'looked after in 12 months' as segment,
        cared_for.young_person_key,
        true as is_member,
        missing_children.is_missing as is_counted,
        case
            when missing_children.has_unknown_type and not missing_children.is_missing
                then 'type not recorded'
        end as left_out_reason
    from cared_for
    left join missing_children
        on
            cared_for.authority = missing_children.authority
            and cared_for.as_at_date = missing_children.as_at_date
            and cared_for.young_person_key = missing_children.young_person_key
),

{{ people_are('people') }}
measured as (
    select
        counted.authority,
        counted.as_at_date,
        measures.measure,
        measures.segment,
        measures.numerator,
        measures.denominator,
        measures.left_out_count,
        measures.left_out_word || ': ' || nullif(measures.left_out_count, 0)
            as left_out_reason
    from counted
    inner join children
        on
            counted.authority = children.authority
            and counted.as_at_date = children.as_at_date
    cross join lateral (
        values
        (
            'missing episodes in 12 months', 'all', missing_count, null,
            type_unknown_count, 'type not recorded'
        ),
        (
            'episodes away without authorisation in 12 months', 'all', away_count, null,
            type_unknown_count, 'type not recorded'
        ),
        (
            'children missing in 12 months', 'looked after in 12 months',
            missing_child_count,
            child_count - (possibly_missing_child_count - missing_child_count),
            possibly_missing_child_count - missing_child_count, 'type not recorded'
        ),
        (
            'return interview offered', 'returned from missing in 12 months',
            offered_count, returned_count - offer_unknown_count, offer_unknown_count,
            case
                when has_return_interviews then 'not recorded' else 'not delivered'
            end
        ),
        (
            'return interview accepted', 'offered in 12 months',
            accepted_count, offered_count - acceptance_unknown_count,
            acceptance_unknown_count,
            case
                when has_return_interviews then 'not recorded' else 'not delivered'
            end
        )
    ) as measures (
        measure, segment, numerator, denominator, left_out_count, left_out_word
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
    left_out_reason
from measured
