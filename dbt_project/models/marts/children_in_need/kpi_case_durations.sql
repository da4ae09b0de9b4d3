-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        authority,
        report_date as as_at_date,
        {{ first_day_of_period('report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }}
),

assessments as (
    select * from {{ ref('fct_assessments') }}
),

-- a referral without further action begins no episode of need
episodes as (
    select * from {{ ref('fct_referrals') }}
    where is_no_further_action is not true and referral_date is not null
),

pre_proceedings as (
    select * from {{ ref('fct_pre_proceedings') }}
),

plans as (
    select * from {{ ref('fct_protection_plans') }}
),

ended as (
    select
        authority,
        'working days of an assessment (DfE)' as measure,
        young_person_key,
        authorised_date as end_date,
        own_working_day_count::numeric as value
    from assessments
    union all
    select
        authority,
        'days of an episode of need' as measure,
        young_person_key,
        close_date as end_date,
        case when close_date >= referral_date then close_date - referral_date end
            as value
    from episodes
    union all
    select
        authority,
        'weeks of pre-proceedings' as measure,
        young_person_key,
        outcome_date as end_date,
        day_count / 7.0 as value
    from pre_proceedings
    union all
    select
        authority,
        'days on a child protection plan' as measure,
        young_person_key,
        end_date,
        day_count as value
    from plans
),

members as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        ended.measure,
        'all' as segment,
        ended.young_person_key,
        true as is_member,
        ended.value,
        case when ended.value is null then 'dates contradict each other' end
            as left_out_reason
    from report_dates
    inner join ended
        on
            report_dates.authority = ended.authority
            and report_dates.as_at_date >= ended.end_date
            and report_dates.first_date <= ended.end_date
    union all
    -- a date without any keeps one row
    select
        report_dates.authority,
        report_dates.as_at_date,
        measures.measure,
        'all' as segment,
        null as young_person_key,
        false as is_member,
        null as value,
        null as left_out_reason
    from report_dates
    cross join
        (
            values
            ('working days of an assessment (DfE)'),
            ('days of an episode of need'),
            ('weeks of pre-proceedings'),
            ('days on a child protection plan')
        ) as measures (measure)
),

{{ medians('members', "case quartiles.measure
        when 'working days of an assessment (DfE)' then 'working days'
        when 'weeks of pre-proceedings' then 'weeks'
        else 'days'
    end") }}
