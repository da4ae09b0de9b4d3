-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        authority,
        report_date as as_at_date,
        {{ first_day_of_period('report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }}
),

enquiries as (
    select * from {{ ref('fct_enquiries') }}
),

conferences as (
    select * from {{ ref('fct_conferences') }}
),

enquiries_in_year as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        enquiries.young_person_key,
        coalesce(enquiries.conference_date <= report_dates.as_at_date, false)
            as has_conference
    from report_dates
    inner join enquiries
        on
            report_dates.authority = enquiries.authority
            and report_dates.as_at_date >= enquiries.start_date
            and report_dates.first_date <= enquiries.start_date
),

conferences_in_year as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        conferences.young_person_key,
        conferences.is_transfer_in,
        conferences.working_day_count <= 15 as is_in_time,
        case
            when conferences.enquiry_key is null then 'no enquiry recorded'
            when conferences.working_day_count is null
                then 'held before the enquiry began'
        end as left_out_reason
    from report_dates
    inner join conferences
        on
            report_dates.authority = conferences.authority
            and report_dates.as_at_date >= conferences.conference_date
            and report_dates.first_date <= conferences.conference_date
),

members as (
    select
        enquiries_in_year.authority,
        enquiries_in_year.as_at_date,
        cuts.measure,
        'all' as segment,
        enquiries_in_year.young_person_key,
        true as is_member,
        cuts.is_counted,
        null as left_out_reason
    from enquiries_in_year
    cross join
        lateral (
            values
            ('section 47 enquiries', true),
            (
                'section 47 enquiries that led to a conference',
                enquiries_in_year.has_conference
            )
        ) as cuts (measure, is_counted)
    union all
    select
        authority,
        as_at_date,
        'children with a section 47 enquiry' as measure,
        'all' as segment,
        young_person_key,
        true as is_member,
        true as is_counted,
        null as left_out_reason
    from enquiries_in_year
    group by authority, as_at_date, young_person_key
    union all
    select
        conferences_in_year.authority,
        conferences_in_year.as_at_date,
        cuts.measure,
        cuts.segment,
        conferences_in_year.young_person_key,
        cuts.is_member,
        cuts.is_counted,
        cuts.left_out_reason
    from conferences_in_year
    cross join
        lateral (
            values
            ('initial conferences', 'all', true, true, null),
            (
                'initial conferences',
                'moved in with a plan',
                conferences_in_year.is_transfer_in,
                true,
                null
            ),
            (
                'conferences within 15 working days (DfE)',
                'all',
                true,
                conferences_in_year.is_in_time,
                conferences_in_year.left_out_reason
            )
        ) as cuts (measure, segment, is_member, is_counted, left_out_reason)
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
            ('section 47 enquiries'),
            ('section 47 enquiries that led to a conference'),
            ('children with a section 47 enquiry'),
            ('initial conferences'),
            ('conferences within 15 working days (DfE)')
        ) as measures (measure)
),

{{ measured('members', counts=[
    'section 47 enquiries', 'children with a section 47 enquiry',
    'initial conferences',
]) }}
