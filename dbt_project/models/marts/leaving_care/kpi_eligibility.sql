-- grain: one row per authority, snapshot date, measure and segment
with

eligibilities as (
    select * from {{ ref('fct_care_leaver_eligibility') }}
    where is_recorded
),

categories as (
    select
        code as eligibility_code,
        lower(description) as segment
    from {{ ref('code_lists') }}
    where code_list = 'eligibility'
),

members as (
    select
        authority,
        as_at_date,
        young_person_key,
        'recorded and derived eligibility agree' as measure,
        'all' as segment,
        true as is_member,
        is_agreed as is_counted,
        coalesce(
            not_derived_reason,
            case
                when recorded_eligibility_code is null then 'eligibility not recorded'
            end
        ) as left_out_reason
    from eligibilities
    union all
    select
        eligibilities.authority,
        eligibilities.as_at_date,
        eligibilities.young_person_key,
        'recorded and derived eligibility agree' as measure,
        'recorded as ' || categories.segment as segment,
        coalesce(
            eligibilities.recorded_eligibility_code = categories.eligibility_code, false
        ) as is_member,
        eligibilities.is_agreed as is_counted,
        eligibilities.not_derived_reason as left_out_reason
    from eligibilities
    cross join categories
    where categories.eligibility_code <> 'N'
    union all
    select
        eligibilities.authority,
        eligibilities.as_at_date,
        eligibilities.young_person_key,
        'care leavers by derived eligibility' as measure,
        categories.segment,
        true as is_member,
        eligibilities.derived_eligibility_code = categories.eligibility_code
            as is_counted,
        eligibilities.not_derived_reason as left_out_reason
    from eligibilities
    cross join categories
),

{{ measured('members') }}
