-- grain: one row per authority, snapshot date, measure, segment and reason
with

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
),

members as (
    select
        care_leavers.authority,
        care_leavers.as_at_date,
        measures.measure,
        measures.segment,
        measures.left_out_reason
    from care_leavers
    cross join
        lateral (
            values
            ('EET', 'open cases', true, eet_left_out_reason),
            ('NEET', 'open cases', true, eet_left_out_reason),
            (
                'EET', 'open UASC cases', is_uasc or uasc_left_out_reason is not null,
                coalesce(eet_left_out_reason, uasc_left_out_reason)
            ),
            (
                'NEET', 'open UASC cases', is_uasc or uasc_left_out_reason is not null,
                coalesce(eet_left_out_reason, uasc_left_out_reason)
            ),
            (
                'unaccompanied asylum-seeking (UASC)', 'all', true,
                uasc_left_out_reason
            ),
            ('with a pathway plan', 'all', true, pathway_plan_left_out_reason),
            (
                'accommodation recorded as suitable', 'all', true,
                accommodation_left_out_reason
            ),
            (
                'staying put with former foster carer', 'aged 18 or over',
                age_years >= 18, staying_put_left_out_reason
            ),
            (
                'staying put with former foster carer', 'aged 18 or over',
                age_years is null, 'age not recorded'
            ),
            (
                'females who are mothers', 'female',
                coalesce(sex_code, 'U') = 'U', 'sex not recorded'
            ),
            (
                'females who are mothers', 'female',
                sex_code = 'F', mother_left_out_reason
            ),
            ('open cases', 'all', is_open_case is null, 'case status not recorded')
        ) as measures (measure, segment, is_member, left_out_reason)
    where measures.is_member and measures.left_out_reason is not null
)

select
    authority,
    as_at_date,
    measure,
    segment,
    left_out_reason,
    count(*)::integer as left_out_count
from members
group by authority, as_at_date, measure, segment, left_out_reason
