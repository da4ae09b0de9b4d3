-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date,
        {{ first_day_of_period('report_dates.report_date', 12) }} as first_date,
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

-- the Department's groups of reasons; it publishes some reasons in a group and alone
reason_groups (segment, reason_codes) as (
    values
    ('adopted', array['E11', 'E12']),
    ('died', array['E2']),
    ('care taken over by another authority', array['E3']),
    ('returned home', array['E4A', 'E4B']),
    ('returned home, planned', array['E4A']),
    ('returned home, not planned', array['E4B']),
    ('with relatives or others without parental responsibility', array['E13']),
    ('child arrangements order', array['E41']),
    ('special guardianship', array['E43', 'E44', 'E45', 'E46', 'E47', 'E48']),
    ('special guardianship to former foster carers', array['E43', 'E45', 'E46']),
    ('special guardianship to other carers', array['E44', 'E47', 'E48']),
    ('independent living with support', array['E5']),
    ('independent living without support', array['E6']),
    ('residential care of adult social care', array['E7']),
    ('sentenced to custody', array['E9']),
    ('remand ended', array['E14']),
    ('age assessed as 18 or over', array['E15']),
    ('moved abroad', array['E16']),
    ('aged 18 and stayed with carers', array['E17']),
    ('care ceased for another reason', array['E8'])
),

segments as (
    select
        segment,
        question,
        answer,
        null::text[] as reason_codes
    from (values {{ cuts_of_people() }}) as cuts (segment, question, answer)
    union all
    select
        segment,
        'reason' as question,
        null as answer,
        reason_codes
    from reason_groups
),

-- the last occasion of the 12 months counts for each child
leavers as (
    select distinct on (
        report_dates.authority, report_dates.report_date, care_periods.young_person_key
    )
        report_dates.authority,
        report_dates.report_date as as_at_date,
        report_dates.has_disabilities,
        care_periods.young_person_key,
        -- an episode that ceased because another begins does not say why care ceased
        nullif(care_periods.end_reason_code, 'X1') as end_reason_code
    from report_dates
    left join {{ ref('fct_care_periods') }} as care_periods
        on
            report_dates.authority = care_periods.authority
            and report_dates.first_date <= care_periods.end_date
            and report_dates.report_date >= care_periods.end_date
    order by
        report_dates.authority asc, report_dates.report_date asc,
        care_periods.young_person_key asc, care_periods.end_date desc
),

answered as (
    select
        leavers.authority,
        leavers.as_at_date,
        leavers.young_person_key,
        segments.segment,
        segments.question,
        case
            when segments.question = 'reason'
                then leavers.end_reason_code = any(segments.reason_codes)
            else {{ answer_of_person(
                'segments.question', 'young_people', 'disabilities',
                'leavers.has_disabilities'
            ) }} = segments.answer
        end as is_in_segment
    from leavers
    cross join segments
    left join young_people
        on leavers.young_person_key = young_people.young_person_key
    left join disabilities
        on leavers.young_person_key = disabilities.young_person_key
),

members as (
    select
        authority,
        as_at_date,
        'children who ceased to be looked after in 12 months' as measure,
        segment,
        young_person_key,
        young_person_key is not null as is_member,
        is_in_segment as is_counted,
        case
            when young_person_key is not null and is_in_segment is null
                then question || ' not recorded'
        end as left_out_reason
    from answered
),

{{ measured('members') }}
