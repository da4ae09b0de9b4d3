-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        authority,
        report_date,
        {{ first_day_of_period('report_date', 12) }} as first_date,
        {{ first_day_of_period('report_date', 24) }} as first_followed_date
    from {{ ref('dim_report_date') }}
),

plan_spells as (
    select * from {{ ref('fct_plan_spells') }}
),

referrals as (
    select * from {{ ref('fct_referrals') }}
),

-- a plan of a higher kind that began or ended within 30 days of early help
early_help as (
    select
        spells.plan_spell_key,
        spells.authority,
        spells.young_person_key,
        spells.start_date,
        spells.end_date,
        coalesce(
            bool_or(
                higher.start_date > spells.start_date
                and higher.start_date <= spells.end_date + 30
            ),
            false
        ) as is_stepped_up,
        coalesce(
            bool_or(
                higher.end_date between spells.start_date - 30 and spells.start_date
            ),
            false
        ) as is_stepped_down_to
    from plan_spells as spells
    left join plan_spells as higher
        on
            spells.young_person_key = higher.young_person_key
            and higher.plan_type_code in ('CIN', 'CP', 'LAC')
    where spells.plan_type_code = 'EH'
    group by
        spells.plan_spell_key, spells.authority, spells.young_person_key,
        spells.start_date, spells.end_date
),

referred as (
    select early_help.plan_spell_key
    from early_help
    inner join referrals
        on
            early_help.young_person_key = referrals.young_person_key
            and early_help.end_date < referrals.referral_date
            and early_help.end_date + interval '12 months' >= referrals.referral_date
    group by early_help.plan_spell_key
),

days as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        early_help.young_person_key,
        early_help.is_stepped_up,
        early_help.is_stepped_down_to,
        referred.plan_spell_key is not null as is_referred,
        early_help.start_date >= report_dates.first_date as is_started,
        coalesce(
            early_help.end_date
            between report_dates.first_date and report_dates.report_date,
            false
        ) as is_ended,
        coalesce(early_help.end_date > report_dates.report_date, true) as is_open,
        coalesce(early_help.end_date < report_dates.first_date, false) as is_followed
    from report_dates
    inner join early_help
        on
            report_dates.authority = early_help.authority
            and report_dates.report_date >= early_help.start_date
            and (
                early_help.end_date is null
                or report_dates.first_followed_date <= early_help.end_date
            )
    left join referred on early_help.plan_spell_key = referred.plan_spell_key
),

members as (
    select
        days.authority,
        days.as_at_date,
        days.young_person_key,
        measures.measure,
        'all' as segment,
        measures.is_member,
        measures.is_counted,
        null::text as left_out_reason
    from days
    cross join
        lateral (
            values
            ('open', is_open, true),
            ('started in 12 months', is_started, true),
            ('ended in 12 months', is_ended, true),
            ('stepped up', is_ended, is_stepped_up),
            ('stepped down to early help', is_started, is_stepped_down_to),
            ('referral within 12 months of the end', is_followed, is_referred)
        ) as measures (measure, is_member, is_counted)
    union all
    -- a date without any keeps one row
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        null as young_person_key,
        measures.measure,
        'all' as segment,
        false as is_member,
        null as is_counted,
        null as left_out_reason
    from report_dates
    cross join
        (
            values
            ('open'),
            ('started in 12 months'),
            ('ended in 12 months'),
            ('stepped up'),
            ('stepped down to early help'),
            ('referral within 12 months of the end')
        ) as measures (measure)
    where report_dates.authority in (select early_help.authority from early_help)
),

{{ measured('members') }}
