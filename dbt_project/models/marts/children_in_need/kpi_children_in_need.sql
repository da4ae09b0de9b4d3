-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        authority,
        report_date as as_at_date
    from {{ ref('dim_report_date') }}
),

children as (
    select * from {{ ref('fct_children_in_need') }}
),

needs as (
    select * from {{ ref('dim_need') }}
    where is_stated
),

described as (
    select
        children.*,
        'need: ' || lower(needs.description) as need_segment
    from children
    left join needs on children.need_code = needs.need_code
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
            (coalesce(described.ethnicity_group, 'ethnicity not recorded'))
        ) as cuts (segment)
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
