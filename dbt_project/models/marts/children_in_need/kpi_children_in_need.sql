-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        authority,
        report_date as as_at_date,
        is_latest
    from {{ ref('dim_report_date') }}
),

children as not materialized (
    select * from {{ ref('fct_children_in_need') }}
),

disabilities as (
    select * from {{ ref('fct_disability') }}
),

deliveries as (
    select * from {{ ref('dim_care_delivery') }}
),

ehc_plans as (
    select * from {{ ref('fct_ehc_plan_flags') }}
),

needs as (
    select * from {{ ref('dim_need') }}
    where is_stated
),

described as (
    select
        children.*,
        case
            when disabilities.is_disabled then 'disabled'
            when deliveries.has_disabilities then 'not disabled'
            else 'disability not recorded'
        end as disability_segment,
        'need: ' || lower(needs.description) as need_segment
    from children
    left join needs on children.need_code = needs.need_code
    left join disabilities on children.young_person_key = disabilities.young_person_key
    left join deliveries on children.authority = deliveries.authority
),

members as (
    select
        described.authority,
        described.as_at_date,
        'children in need (DfE)' as measure,
        cuts.segment,
        described.young_person_key,
        true as is_member,
        true as is_counted,
        null as left_out_reason
    from described
    cross join
        lateral (
            values
            ('all'),
            (coalesce(described.need_segment, 'need not stated')),
            (
                case
                    when described.age_band = 'unborn' then 'unborn'
                    else coalesce('aged ' || described.age_band, 'age not known')
                end
            ),
            (
                case described.sex_code
                    when 'F' then 'female'
                    when 'M' then 'male'
                    else 'sex not recorded'
                end
            ),
            (coalesce(described.ethnicity_group, 'ethnicity not recorded')),
            (described.disability_segment)
        ) as cuts (segment)
    union all
    -- whether there is a plan is known as recorded tonight, and not for earlier dates
    select
        report_dates.authority,
        report_dates.as_at_date,
        'children in need with an EHC plan' as measure,
        'all' as segment,
        children.young_person_key,
        children.young_person_key is not null as is_member,
        ehc_plans.has_ehc_plan as is_counted,
        case
            when
                children.young_person_key is not null
                and ehc_plans.has_ehc_plan is null
                then 'EHC plan not recorded'
        end as left_out_reason
    from report_dates
    inner join deliveries on report_dates.authority = deliveries.authority
    left join children
        on
            report_dates.authority = children.authority
            and report_dates.as_at_date = children.as_at_date
            and children.age_years between 5 and 15
    left join ehc_plans on children.young_person_key = ehc_plans.young_person_key
    where report_dates.is_latest and deliveries.has_ehc_plan_flags
    union all
    -- a date without any keeps one row
    select
        authority,
        as_at_date,
        'children in need (DfE)' as measure,
        'all' as segment,
        null as young_person_key,
        false as is_member,
        null as is_counted,
        null as left_out_reason
    from report_dates
),

{{ measured('members', counts=['children in need (DfE)']) }}
