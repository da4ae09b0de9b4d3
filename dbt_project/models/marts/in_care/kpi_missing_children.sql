-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
        {{ first_day_of_period('report_dates.report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_missing_episodes
),

-- an episode counts where the child was looked after when it began
incidents as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        episodes.young_person_key,
        count(*) filter (
            where episodes.missing_type_code = 'M'
            and episodes.start_date >= report_dates.first_date
        ) as missing_count,
        count(*) filter (
            where episodes.missing_type_code = 'A'
            and episodes.start_date >= report_dates.first_date
        ) as away_count,
        count(*) filter (
            where episodes.missing_type_code is null
            and episodes.start_date >= report_dates.first_date
        ) as unknown_count,
        coalesce(
            bool_or(
                episodes.missing_type_code = 'M'
                and (
                    episodes.end_date is null
                    or episodes.end_date > report_dates.report_date
                )
            ),
            false
        ) as is_missing
    from report_dates
    inner join {{ ref('fct_missing_episodes') }} as episodes
        on
            report_dates.authority = episodes.authority
            and report_dates.report_date >= episodes.start_date
            and (
                episodes.end_date is null
                or report_dates.first_date <= episodes.end_date
            )
    where episodes.care_period_key is not null
    group by
        report_dates.authority, report_dates.report_date, episodes.young_person_key
),

-- children who were looked after on any day of the 12 months
children as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        care_periods.young_person_key,
        bool_or(
            care_periods.end_date is null
            or care_periods.end_date > report_dates.report_date
        ) as is_looked_after
    from report_dates
    left join {{ ref('fct_care_periods') }} as care_periods
        on
            report_dates.authority = care_periods.authority
            and report_dates.report_date >= care_periods.start_date
            and (
                care_periods.end_date is null
                or report_dates.first_date < care_periods.end_date
            )
    group by
        report_dates.authority, report_dates.report_date, care_periods.young_person_key
),

assembled as (
    select
        children.*,
        children.young_person_key is not null as is_child,
        coalesce(incidents.missing_count, 0) as missing_count,
        coalesce(incidents.away_count, 0) as away_count,
        coalesce(incidents.unknown_count, 0) as unknown_count,
        coalesce(incidents.is_missing, false) as is_missing
    from children
    left join incidents
        on
            children.young_person_key = incidents.young_person_key
            and children.as_at_date = incidents.as_at_date
),

members as (
    select
        assembled.authority,
        assembled.as_at_date,
        measures.measure,
        'all' as segment,
        assembled.young_person_key,
        measures.is_member,
        measures.is_counted,
        case
            when
                measures.is_member
                and not measures.is_counted
                and assembled.unknown_count > 0
                then 'type not recorded'
        end as left_out_reason
    from assembled
    cross join lateral (
        values
        (
            'missing at least once in 12 months', is_child, missing_count > 0
        ),
        (
            'missing more than three times in 12 months', is_child, missing_count > 3
        ),
        (
            'away without authorisation at least once in 12 months', is_child,
            away_count > 0
        ),
        (
            'missing at the date', is_child and is_looked_after, is_missing
        )
    ) as measures (measure, is_member, is_counted)
),

{{ measured('members') }}
