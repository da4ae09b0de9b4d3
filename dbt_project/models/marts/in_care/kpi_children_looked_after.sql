-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
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

-- each segment asks for one fact about a child; a child without it is left out
segments (segment, question, answer) as (
    values
    {{ cuts_of_people() }},
    ('unaccompanied asylum-seeking children', 'UASC', 'yes'),
    ('interim care order', 'legal status', 'C1'),
    ('full care order', 'legal status', 'C2'),
    ('freeing order', 'legal status', 'D1'),
    ('placement order granted', 'legal status', 'E1'),
    ('accommodated under section 20', 'legal status', 'V2'),
    ('detained for child protection', 'legal status', 'L'),
    ('youth justice legal status', 'legal status', 'J')
),

children as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        report_dates.has_disabilities,
        looked_after.young_person_key,
        looked_after.is_uasc,
        case
            when looked_after.legal_status_code ~ '^[LJ]'
                then left(looked_after.legal_status_code, 1)
            else looked_after.legal_status_code
        end as legal_status
    from report_dates
    left join {{ ref('fct_looked_after') }} as looked_after
        on
            report_dates.authority = looked_after.authority
            and report_dates.report_date = looked_after.as_at_date
),

answered as (
    select
        children.authority,
        children.as_at_date,
        children.young_person_key,
        segments.segment,
        segments.question,
        segments.answer as answer_of_segment,
        case segments.question
            when 'UASC'
                then case
                    when children.is_uasc then 'yes'
                    when not children.is_uasc then 'no'
                end
            when 'legal status' then children.legal_status
            else {{ answer_of_person(
                'segments.question', 'young_people', 'disabilities',
                'children.has_disabilities'
            ) }}
        end as answer
    from children
    cross join segments
    left join young_people
        on children.young_person_key = young_people.young_person_key
    left join disabilities
        on children.young_person_key = disabilities.young_person_key
),

members as (
    select
        authority,
        as_at_date,
        'children looked after' as measure,
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
