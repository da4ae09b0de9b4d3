-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        authority,
        report_date as as_at_date,
        {{ first_day_of_period('report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }}
),

categories (category_code, category) as (
    values
    ('NEG', 'neglect'),
    ('PHY', 'physical abuse'),
    ('SAB', 'sexual abuse'),
    ('EMO', 'emotional abuse'),
    ('MUL', 'multiple')
),

plans as (
    select
        plans.*,
        coalesce(
            'first category: ' || first_categories.category,
            'first category not recorded'
        ) as initial_segment,
        coalesce(
            'latest category: ' || latest_categories.category,
            'latest category not recorded'
        ) as latest_segment
    from {{ ref('fct_protection_plans') }} as plans
    left join categories as first_categories
        on plans.initial_category_code = first_categories.category_code
    left join categories as latest_categories
        on plans.latest_category_code = latest_categories.category_code
),

open_plans as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        plans.young_person_key,
        plans.initial_segment,
        plans.latest_segment
    from report_dates
    inner join plans
        on
            report_dates.authority = plans.authority
            and report_dates.as_at_date >= plans.start_date
            and (plans.end_date is null or report_dates.as_at_date < plans.end_date)
),

started as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        plans.young_person_key,
        plans.initial_segment,
        plans.plan_number > 1 as is_second,
        coalesce(
            plans.start_date
            <= (plans.previous_end_date + interval '2 years')::date, false
        ) as is_second_within_2_years
    from report_dates
    inner join plans
        on
            report_dates.authority = plans.authority
            and report_dates.as_at_date >= plans.start_date
            and report_dates.first_date <= plans.start_date
),

-- the Department counts two years from 730 days on
ended as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        plans.young_person_key,
        plans.day_count >= 730 as is_long,
        case
            when
                plans.end_date <= (plans.start_date + interval '3 months')::date
                then 'up to 3 months'
            when
                plans.end_date <= (plans.start_date + interval '6 months')::date
                then 'over 3 months, up to 6 months'
            when
                plans.end_date < (plans.start_date + interval '1 year')::date
                then 'over 6 months, under 1 year'
            when plans.day_count < 730 then '1 year, under 2 years'
            else '2 years or more'
        end as duration_segment
    from report_dates
    inner join plans
        on
            report_dates.authority = plans.authority
            and report_dates.as_at_date >= plans.end_date
            and report_dates.first_date <= plans.end_date
),

members as (
    select
        open_plans.authority,
        open_plans.as_at_date,
        'children on a child protection plan (DfE)' as measure,
        cuts.segment,
        open_plans.young_person_key,
        true as is_member,
        true as is_counted,
        null as left_out_reason
    from open_plans
    cross join
        lateral (
            values ('all'), (open_plans.initial_segment), (open_plans.latest_segment)
        ) as cuts (segment)
    union all
    select
        started.authority,
        started.as_at_date,
        cuts.measure,
        cuts.segment,
        started.young_person_key,
        true as is_member,
        cuts.is_counted,
        null as left_out_reason
    from started
    cross join
        lateral (
            values
            ('child protection plans started', 'all', true),
            ('child protection plans started', started.initial_segment, true),
            ('second or subsequent plan, ever (DfE)', 'all', started.is_second),
            (
                'second or subsequent plan within 2 years',
                'all',
                started.is_second_within_2_years
            )
        ) as cuts (measure, segment, is_counted)
    union all
    select
        ended.authority,
        ended.as_at_date,
        cuts.measure,
        cuts.segment,
        ended.young_person_key,
        true as is_member,
        cuts.is_counted,
        null as left_out_reason
    from ended
    cross join
        lateral (
            values
            ('child protection plans ended', 'all', true),
            ('child protection plans ended', ended.duration_segment, true),
            ('plans that had lasted 2 years or more (DfE)', 'all', ended.is_long)
        ) as cuts (measure, segment, is_counted)
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
            ('children on a child protection plan (DfE)'),
            ('child protection plans started'),
            ('second or subsequent plan, ever (DfE)'),
            ('second or subsequent plan within 2 years'),
            ('child protection plans ended'),
            ('plans that had lasted 2 years or more (DfE)')
        ) as measures (measure)
),

{{ measured('members', counts=[
    'children on a child protection plan (DfE)', 'child protection plans started',
    'child protection plans ended',
]) }}
