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
    where deliveries.has_placements
),

segments (segment, reason_code) as (
    values
    ('all', null),
    ('care plan', 'CARPL'),
    ('resignation or closure', 'CLOSE'),
    ('allegation', 'ALLEG'),
    ('standards of care', 'STAND'),
    ('approval removed', 'APPRR'),
    ('carer asked, child''s behaviour', 'CREQB'),
    ('carer asked, other', 'CREQO'),
    ('child asked', 'CHILD'),
    ('authority asked', 'LAREQ'),
    ('change of status only', 'PLACE'),
    ('custody', 'CUSTOD'),
    ('change for another reason', 'OTHER')
),

-- a placement that ends with the period of care is not a change, and neither is the end
-- of an absence of some days
changes as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        placements.placement_key,
        placements.young_person_key,
        placements.change_reason_code
    from report_dates
    left join {{ ref('fct_placements') }} as placements
        on
            report_dates.authority = placements.authority
            and report_dates.first_date <= placements.end_date
            and report_dates.report_date >= placements.end_date
            and not placements.is_end_of_care
            and not placements.is_temporary
),

members as (
    select
        changes.authority,
        changes.as_at_date,
        'placement changes in 12 months' as measure,
        segments.segment,
        changes.young_person_key,
        changes.placement_key is not null as is_member,
        coalesce(changes.change_reason_code = segments.reason_code, true) as is_counted,
        case
            when
                changes.placement_key is not null
                and changes.change_reason_code is null
                and segments.reason_code is not null
                then 'reason not recorded'
        end as left_out_reason
    from changes
    cross join segments
),

{{ measured('members') }}
