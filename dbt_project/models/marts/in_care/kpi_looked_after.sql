-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        {{ first_day_of_period('report_dates.report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_care_episodes
),

looked_after as (
    select * from {{ ref('fct_looked_after') }}
),

care_periods as (
    select * from {{ ref('fct_care_periods') }}
),

needs as (
    select
        need_code,
        'need: ' || lower(description) as segment
    from {{ ref('dim_need') }}
    where is_stated
),

-- each segment needs one fact about a child; a child without that fact is left out
segments (segment, question, answer) as (
    values
    ('aged under 1', 'age', 'under 1'),
    ('aged 1 to 4', 'age', '1 to 4'),
    ('aged 5 to 9', 'age', '5 to 9'),
    ('aged 10 to 15', 'age', '10 to 15'),
    ('aged 16 and over', 'age', '16 and over'),
    ('UASC', 'UASC', 'yes'),
    ('care order', 'legal status', 'care order'),
    ('placement order', 'legal status', 'placement order'),
    ('section 20', 'legal status', 'section 20'),
    ('other legal status', 'legal status', 'other')
    union all
    select
        segment,
        'need' as question,
        need_code as answer
    from needs
),

answered as (
    select
        looked_after.authority,
        looked_after.as_at_date,
        looked_after.young_person_key,
        answered.question,
        answered.answer
    from looked_after
    cross join
        lateral (
            values
            ('age', age_band),
            ('need', need_code),
            ('UASC', case when is_uasc then 'yes' when not is_uasc then 'no' end),
            (
                'legal status',
                case
                    when legal_status_code in ('C1', 'C2') then 'care order'
                    when legal_status_code in ('D1', 'E1') then 'placement order'
                    when legal_status_code = 'V2' then 'section 20'
                    when legal_status_code is not null then 'other'
                end
            )
        ) as answered (question, answer)
),

answers as (
    select
        authority,
        as_at_date,
        question,
        answer,
        count(*) as child_count
    from answered
    group by authority, as_at_date, question, answer
),

by_segment as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        segments.segment,
        segments.question,
        coalesce(
            sum(answers.child_count) filter (where answers.answer = segments.answer), 0
        ) as numerator,
        coalesce(
            sum(answers.child_count) filter (where answers.answer is not null), 0
        ) as denominator,
        coalesce(sum(answers.child_count) filter (where answers.answer is null), 0)
            as left_out_count
    from report_dates
    cross join segments
    left join answers
        on
            report_dates.authority = answers.authority
            and report_dates.as_at_date = answers.as_at_date
            and segments.question = answers.question
    group by
        report_dates.authority, report_dates.as_at_date, segments.segment,
        segments.question
),

-- the day on which care ceased is the first day out of care
flows as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        count(*) filter (
            where care_periods.start_date >= report_dates.first_date
            and care_periods.start_date <= report_dates.as_at_date
        ) as entry_count,
        count(*) filter (
            where care_periods.start_date >= report_dates.first_date
            and care_periods.start_date <= report_dates.as_at_date
            and care_periods.is_reentry_within_12_months
        ) as reentry_count,
        count(*) filter (
            where care_periods.end_date >= report_dates.first_date
            and care_periods.end_date <= report_dates.as_at_date
        ) as exit_count,
        count(*) filter (
            where care_periods.start_date <= report_dates.as_at_date
            and (
                care_periods.end_date is null
                or care_periods.end_date > report_dates.as_at_date
            )
        ) as looked_after_count
    from report_dates
    left join care_periods on report_dates.authority = care_periods.authority
    group by report_dates.authority, report_dates.as_at_date
),

-- keep_members() reads it
people as ( -- noqa: ST03
    select
        report_dates.authority,
        report_dates.as_at_date,
        counts.measure,
        counts.segment,
        care_periods.young_person_key,
        counts.is_member,
        counts.is_counted,
        null as left_out_reason
    from report_dates
    inner join care_periods
        on
            report_dates.authority = care_periods.authority
            and report_dates.as_at_date >= care_periods.start_date
    cross join
        lateral (
            values
            (
                'looked after', 'all',
                coalesce(care_periods.end_date > report_dates.as_at_date, true), true
            ),
            (
                'started to be looked after in 12 months', 'all',
                care_periods.start_date >= report_dates.first_date, true
            ),
            (
                're-entered care within 12 months', 'started in 12 months',
                care_periods.start_date >= report_dates.first_date,
                care_periods.is_reentry_within_12_months
            ),
            (
                'ceased to be looked after in 12 months', 'all',
                care_periods.end_date
                between report_dates.first_date and report_dates.as_at_date, true
            )
        ) as counts (measure, segment, is_member, is_counted)
    union all
    select
        report_dates.authority,
        report_dates.as_at_date,
        'looked after' as measure,
        segments.segment,
        answered.young_person_key,
        true as is_member,
        answered.answer = segments.answer as is_counted,
        case
            when answered.answer is null then segments.question || ' not recorded'
        end as left_out_reason
    from report_dates
    inner join answered
        on
            report_dates.authority = answered.authority
            and report_dates.as_at_date = answered.as_at_date
    inner join segments on answered.question = segments.question
),

{{ people_are('people') }}
measured as (
    select
        authority,
        as_at_date,
        'looked after' as measure,
        'all' as segment,
        looked_after_count as numerator,
        null as denominator,
        0 as left_out_count,
        null as left_out_reason
    from flows
    union all
    select
        authority,
        as_at_date,
        'looked after' as measure,
        segment,
        numerator,
        denominator,
        left_out_count,
        question || ' not recorded: ' || nullif(left_out_count, 0) as left_out_reason
    from by_segment
    union all
    select
        authority,
        as_at_date,
        'started to be looked after in 12 months' as measure,
        'all' as segment,
        entry_count as numerator,
        null as denominator,
        0 as left_out_count,
        null as left_out_reason
    from flows
    union all
    select
        authority,
        as_at_date,
        're-entered care within 12 months' as measure,
        'started in 12 months' as segment,
        reentry_count as numerator,
        entry_count as denominator,
        0 as left_out_count,
        null as left_out_reason
    from flows
    union all
    select
        authority,
        as_at_date,
        'ceased to be looked after in 12 months' as measure,
        'all' as segment,
        exit_count as numerator,
        null as denominator,
        0 as left_out_count,
        null as left_out_reason
    from flows
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
