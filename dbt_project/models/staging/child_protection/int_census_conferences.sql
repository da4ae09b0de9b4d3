-- grain: one row per current record of ssd_initial_cp_conference, with its referral
with

enquiries as (
    select
        authority,
        s47_enquiry_id,
        min(referral_id) as referral_id
    from {{ ref('stg_s47_enquiry') }}
    where s47_enquiry_id is not null
    group by authority, s47_enquiry_id
),

conferences as (
    select
        conferences.authority,
        conferences.record_key,
        conferences.person_id,
        conferences.conference_id,
        conferences.s47_enquiry_id,
        conferences.conference_date,
        conferences.target_date,
        coalesce(conferences.referral_id, enquiries.referral_id) as referral_id
    from {{ ref('stg_initial_cp_conference') }} as conferences
    left join enquiries
        on
            conferences.authority = enquiries.authority
            and conferences.s47_enquiry_id = enquiries.s47_enquiry_id
)

select
    conferences.authority,
    conferences.record_key,
    conferences.person_id,
    conferences.conference_id,
    conferences.s47_enquiry_id,
    conferences.referral_id,
    conferences.conference_date,
    conferences.target_date,
    cases.referral_date,
    coalesce(cases.is_in_census, true)
    and coalesce(
        conferences.conference_date >= {{ census_start('cutoffs.night') }}, true
    ) as is_in_census,
    -- how many records of the case have this date: with an enquiry, and without one
    count(conferences.s47_enquiry_id) over of_case_and_date as with_enquiry_count,
    count(*) over of_case_and_date - count(conferences.s47_enquiry_id)
        over of_case_and_date as without_enquiry_count,
    cutoffs.night,
    {{ census_start('cutoffs.night') }} as census_start,
    {{ census_end('cutoffs.night') }} as census_end
from conferences
left join {{ ref('int_census_cases') }} as cases
    on
        conferences.authority = cases.authority
        and conferences.referral_id = cases.referral_id
left join {{ source('ops', 'cutoffs') }} as cutoffs
    on conferences.authority = cutoffs.authority
window of_case_and_date as (
    partition by
        conferences.authority,
        coalesce(
            'R' || conferences.referral_id,
            'P' || conferences.person_id,
            '|' || conferences.record_key
        ),
        conferences.conference_date
)
