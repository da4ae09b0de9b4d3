-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        authority,
        report_date as as_at_date,
        {{ first_day_of_period('report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }}
),

plans as (
    select * from {{ ref('fct_plan_spells') }}
    where plan_type_code = 'CP'
),

reviews as (
    select * from {{ ref('fct_reviews') }}
    where plan_type_code = 'CP'
),

participation as (
    select * from {{ ref('fct_review_participation') }}
),

-- within how many days the first review is due
first_reviews as (
    select day_count from {{ ref('timescales') }}
    where topic = 'review' and plan_type_code = 'CP' and step = 1
),

-- a child is judged by every review that was due by the date
children as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        plans.plan_spell_key,
        plans.young_person_key,
        bool_and(coalesce(reviews.is_in_time, false)) filter (
            where reviews.due_date <= report_dates.as_at_date
        ) as is_in_time
    from report_dates
    cross join first_reviews
    inner join plans
        on
            report_dates.authority = plans.authority
            and report_dates.as_at_date >= plans.start_date + first_reviews.day_count
            and (plans.end_date is null or report_dates.as_at_date < plans.end_date)
    left join reviews on plans.plan_spell_key = reviews.plan_spell_key
    group by
        report_dates.authority, report_dates.as_at_date, plans.plan_spell_key,
        plans.young_person_key
),

parts (participation_code, segment) as (
    values
    ('PN1', 'attended and spoke'),
    ('PN2', 'attended, an advocate spoke'),
    ('PN3', 'attended, gave a view without words'),
    ('PN4', 'attended, gave no view'),
    ('PN5', 'did not attend, briefed an advocate'),
    ('PN6', 'did not attend, gave a view by other means'),
    ('PN7', 'did not attend, gave no view')
),

-- a child under 4 (PN0) is not asked to take part
held as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        participation.young_person_key,
        participation.plan_type_code,
        participation.participation_code,
        coalesce(parts.segment, 'part not recorded') as segment
    from report_dates
    inner join participation
        on
            report_dates.authority = participation.authority
            and report_dates.as_at_date >= participation.review_date
            and report_dates.first_date <= participation.review_date
    left join parts on participation.participation_code = parts.participation_code
    where participation.participation_code is distinct from 'PN0'
),

members as (
    select
        authority,
        as_at_date,
        'reviews in time, by child (DfE)' as measure,
        'all' as segment,
        young_person_key,
        true as is_member,
        is_in_time as is_counted,
        case
            when is_in_time is null then 'plan older than the records of reviews'
        end as left_out_reason
    from children
    union all
    select
        held.authority,
        held.as_at_date,
        case held.plan_type_code
            when 'CP' then cuts.measure
            else replace(cuts.measure, 'child protection', 'looked-after')
        end as measure,
        cuts.segment,
        held.young_person_key,
        true as is_member,
        cuts.is_counted,
        cuts.left_out_reason
    from held
    cross join
        lateral (
            values
            (
                'child protection reviews of children aged 4 or over',
                'all',
                true,
                null
            ),
            (
                'child protection reviews of children aged 4 or over',
                held.segment,
                true,
                null
            ),
            (
                'child gave a view in child protection reviews',
                'all',
                held.participation_code not in ('PN4', 'PN7'),
                case
                    when held.participation_code is null then 'part not recorded'
                end
            )
        ) as cuts (measure, segment, is_counted, left_out_reason)
    union all
    -- a date without any keeps one row
    select
        report_dates.authority,
        report_dates.as_at_date,
        measures.measure,
        'all' as segment,
        null as young_person_key,
        false as is_member,
        null as is_counted,
        null as left_out_reason
    from report_dates
    cross join
        (
            values
            ('reviews in time, by child (DfE)'),
            ('child protection reviews of children aged 4 or over'),
            ('child gave a view in child protection reviews'),
            ('looked-after reviews of children aged 4 or over'),
            ('child gave a view in looked-after reviews')
        ) as measures (measure)
),

{{ measured('members', counts=[
    'child protection reviews of children aged 4 or over',
    'looked-after reviews of children aged 4 or over',
]) }}
