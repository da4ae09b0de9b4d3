-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
        {{ first_day_of_period('report_dates.report_date', 12) }} as first_date,
        deliveries.has_immigration_statuses,
        deliveries.has_disabilities
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_care_episodes
),

young_people as (
    select * from {{ ref('dim_young_person') }}
),

disabilities as (
    select * from {{ ref('fct_disability') }}
),

immigration_statuses as (
    select * from {{ ref('fct_immigration_status') }}
    where is_uasc
),

segments (segment, question, answer) as (
    values
    {{ cuts_of_people() }},
    ('unaccompanied asylum-seeking children', 'UASC', 'yes')
),

-- the first occasion of the 12 months counts for each child
starters as (
    select distinct on (
        report_dates.authority, report_dates.report_date, care_periods.young_person_key
    )
        report_dates.authority,
        report_dates.report_date as as_at_date,
        report_dates.has_disabilities,
        report_dates.has_immigration_statuses,
        care_periods.young_person_key,
        care_periods.start_date
    from report_dates
    left join {{ ref('fct_care_periods') }} as care_periods
        on
            report_dates.authority = care_periods.authority
            and report_dates.first_date <= care_periods.start_date
            and report_dates.report_date >= care_periods.start_date
    order by
        report_dates.authority asc, report_dates.report_date asc,
        care_periods.young_person_key asc, care_periods.start_date asc
),

-- unaccompanied on the day on which care began
unaccompanied as (
    select
        starters.as_at_date,
        starters.young_person_key
    from starters
    inner join immigration_statuses
        on
            starters.young_person_key = immigration_statuses.young_person_key
            and coalesce(starters.start_date >= immigration_statuses.start_date, true)
            and coalesce(starters.start_date <= immigration_statuses.end_date, true)
    group by starters.as_at_date, starters.young_person_key
),

answered as (
    select
        starters.authority,
        starters.as_at_date,
        starters.young_person_key,
        segments.segment,
        segments.question,
        segments.answer as answer_of_segment,
        case segments.question
            when 'UASC'
                then case
                    when unaccompanied.young_person_key is not null then 'yes'
                    when starters.has_immigration_statuses then 'no'
                end
            else {{ answer_of_person(
                'segments.question', 'young_people', 'disabilities',
                'starters.has_disabilities'
            ) }}
        end as answer
    from starters
    cross join segments
    left join young_people
        on starters.young_person_key = young_people.young_person_key
    left join disabilities
        on starters.young_person_key = disabilities.young_person_key
    left join unaccompanied
        on
            starters.young_person_key = unaccompanied.young_person_key
            and starters.as_at_date = unaccompanied.as_at_date
),

members as (
    select
        authority,
        as_at_date,
        'children who started to be looked after in 12 months' as measure,
        segment,
        young_person_key,
        young_person_key is not null as is_member,
        answer = answer_of_segment as is_counted,
        case
            when young_person_key is not null and answer is null
                then question || ' not recorded'
        end as left_out_reason
    from answered
),

{{ measured('members') }}
